// A machine of stacked devices comes back: two disks, md RAID1 for /boot, md RAID1 > LUKS2 > LVM (linear, thin) with ext4, swap
// and btrfs with subvolumes, and a second volume group over both disks (striped ext4, mirrored f2fs). Built inside of the
// booted machine, restored onto two blank disks of another bus, one of them smaller, booted from them; every file of both is listed in a rescue
// system and compared.
// usage: node tools/layouts/stacks.mjs [--from-build]   (with the machine of an earlier run that did not get to its end)
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, STACK_MODULES, STACK_PACKAGES, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'stacks');
const fromBuild = process.argv.includes('--from-build');
if (!fromBuild) await removeWork(dir);
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();
const PASSPHRASE = 'Zwei Worte';
const NEW = 'another one';
const disks = (names, as) => names.map((n) => ({ file: path(n), as }));
const start = (media, log, memoryMiB = 1024) => Guest.start({ accelerator, firmware: 'bios', memoryMiB, media, log: path(log) });
for (const [name, size] of [...(fromBuild ? [] : [['A.img', '4G'], ['B.img', '4G']]), ['C.img', '3300M'], ['D.img', '4200M'], ['store.img', '3G']]) {
  if (name > 'B.img') rmSync(path(name), { force: true });
  await execa('truncate', ['-s', size, path(name)]);
}
await execa('mkfs.ext4', ['-q', '-F', path('store.img')]);

/** What the machine is made of; run in a booted plain system with the two disks as vdb and vdc. */
const MAKE = `set -e
export DM_DISABLE_UDEV=
for d in vdb vdc; do
  printf '%s\\n' 'label: gpt' 'size=1M, type=21686148-6449-6E6F-744E-656564454649' 'size=300M, type=A19D880F-05FC-4D3B-A006-743F0F84911E' 'size=2900M, type=A19D880F-05FC-4D3B-A006-743F0F84911E' 'size=400M, type=E6D6D379-F507-44C2-A23C-238F2A3DF928' | sfdisk -q /dev/$d
done
udevadm settle
echo 500 > /proc/sys/dev/raid/speed_limit_max
mdadm --create /dev/md0 --run --metadata=1.2 --level=1 --raid-devices=2 --homehost=sample --name=boot /dev/vdb2 /dev/vdc2
mdadm --create /dev/md1 --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean --homehost=sample --name=system /dev/vdb3 /dev/vdc3
printf '%s' '${PASSPHRASE}' | cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --label secret --key-file=- /dev/md1
printf '%s' '${PASSPHRASE}' | cryptsetup open --key-file=- /dev/md1 crypt
vgcreate -q sys-vg /dev/mapper/crypt
lvcreate -q -y -n root -L 1700M sys-vg
lvcreate -q -y -n swap -L 64M sys-vg
lvcreate -q -y -n home -L 512M sys-vg
lvcreate -q -y --type thin-pool -n pool -L 200M sys-vg
lvcreate -q -y --thin -V 300M -n thin sys-vg/pool
vgcreate -q data /dev/vdb4 /dev/vdc4
lvcreate -q -y --type striped -i 2 -I 64k -n fast -L 200M data
lvcreate -q -y --type raid1 -m 1 -n safe -L 120M data
mkfs.ext4 -q -L bootS /dev/md0
mkfs.ext4 -q -L rootS /dev/sys-vg/root
mkswap -q -L swapS /dev/sys-vg/swap
mkfs.btrfs -q -L homeS /dev/sys-vg/home
mkfs.ext4 -q -L thinS -m 1 -I 256 /dev/sys-vg/thin
mkfs.ext4 -q -L fastS /dev/data/fast
mkfs.f2fs -q -l safeS /dev/data/safe
mount /dev/sys-vg/home /mnt
for s in @home @srv @snapshots; do btrfs -q subvolume create /mnt/$s; done
umount /mnt
mount /dev/sys-vg/root /mnt
mkdir -p /mnt/boot /mnt/home /mnt/srv /mnt/data/fast /mnt/data/safe /mnt/thin
mount /dev/md0 /mnt/boot
mount -o subvol=@home,compress=zstd /dev/sys-vg/home /mnt/home
mount -o subvol=@srv /dev/sys-vg/home /mnt/srv
mount /dev/data/fast /mnt/data/fast; mount /dev/data/safe /mnt/data/safe; mount /dev/sys-vg/thin /mnt/thin
tar -C / --one-file-system --xattrs --xattrs-include='*' --acls -c . | tar -C /mnt --xattrs --xattrs-include='*' --acls -x
btrfs -q subvolume create /mnt/srv/nested
for d in home srv/nested data/fast data/safe thin; do cp -a /usr/share/common-licenses /mnt/$d/; done
ln /mnt/thin/common-licenses/GPL-2 /mnt/thin/hard; setfattr -n user.x -v y /mnt/data/safe/common-licenses/GPL-2
echo kept > /mnt/home/kept; btrfs -q subvolume snapshot -r /mnt/home /mnt/home/before; echo later > /mnt/home/later
cat > /mnt/etc/fstab <<END
LABEL=rootS / ext4 defaults 0 1
UUID=$(blkid -s UUID -o value /dev/md0) /boot ext4 defaults 0 2
LABEL=homeS /home btrfs subvol=@home,compress=zstd 0 0
UUID=$(blkid -s UUID -o value /dev/sys-vg/home) /srv btrfs subvol=@srv 0 0
/dev/data/fast /data/fast ext4 defaults 0 2
/dev/mapper/data-safe /data/safe f2fs defaults 0 0
LABEL=thinS /thin ext4 defaults 0 2
/dev/mapper/sys--vg-swap none swap sw 0 0
END
echo "crypt UUID=$(cryptsetup luksUUID /dev/md1) none luks" > /mnt/etc/crypttab
mdadm --detail --scan >> /mnt/etc/mdadm/mdadm.conf
echo sample-stacks > /mnt/etc/hostname
# An emulated machine beside others takes its time to find its disks.
mkdir -p /mnt/etc/systemd/system.conf.d; printf '[Manager]\\nDefaultTimeoutStartSec=900\\nDefaultDeviceTimeoutSec=900\\n' > /mnt/etc/systemd/system.conf.d/slow.conf
for d in dev proc sys run; do mount --bind /$d /mnt/$d; done
# Few modules, for the emulator's sake: those of this machine, and those of the disks it is restored onto.
sed -i 's/^MODULES=.*/MODULES=dep/' /mnt/etc/initramfs-tools/initramfs.conf
printf '%s\\n' ahci sd_mod virtio_blk virtio_pci >> /mnt/etc/initramfs-tools/modules
chroot /mnt update-initramfs -u
chroot /mnt grub-install --target=i386-pc /dev/vdb
chroot /mnt grub-install --target=i386-pc /dev/vdc
chroot /mnt update-grub
umount -R /mnt
vgchange -q -an data; vgchange -q -an sys-vg; cryptsetup close crypt; mdadm --stop /dev/md0; mdadm --stop /dev/md1; sync`;

/** Lists all files of all file systems of the machine, by content and metadata, from a rescue system where its devices are \`one\` and \`two\`. */
const LIST = (passphrase, store, file) => `set -e
export DM_DISABLE_UDEV=1
mdadm --assemble --scan || true
cat /proc/mdstat
[ -e /dev/mapper/crypt ] || printf '%s' '${passphrase}' | cryptsetup open --key-file=- "$(blkid -t TYPE=crypto_LUKS -o device | grep md)" crypt
lvm vgchange -ay --ignoremonitoring
mkdir -p /s /c; mount ${store} /s
list() {
  mount -t "$1" -o "ro$4" "$2" /c
  (cd /c; echo "== $3"; find . -xdev ! -type d -printf '%p|%y|%#m|%U|%G|%s|%T@|%l|%n\\n' -o -type d -printf '%p|%y|%#m|%U|%G|%T@\\n' | sort; find . -xdev -type f -print0 | sort -z | xargs -0 -r sha256sum; getfattr -R -P -h -d -m - . 2> /dev/null | grep -v '^$' | sort) >> /s/${file}
  umount /c
}
list ext4 /dev/mapper/sys--vg-root / ,noload
list ext4 "$(blkid -L bootS)" /boot ,noload
list btrfs /dev/mapper/sys--vg-home /home ,subvol=@home
list btrfs /dev/mapper/sys--vg-home /srv ,subvol=@srv
list btrfs /dev/mapper/sys--vg-home /srv/nested ,subvol=@srv/nested
list ext4 /dev/mapper/data-fast /data/fast ,noload
list f2fs /dev/mapper/data-safe /data/safe ''
list ext4 /dev/mapper/sys--vg-thin /thin ,noload
umount /s; sync; echo LISTED`;

/** Runs a script in a guest: long ones are sent in parts, for a serial line loses what is typed too fast. */
async function script(guest, text, seconds) {
  const encoded = Buffer.from(text).toString('base64').match(/.{1,200}/g);
  await guest.must('rm -f /tmp/s', 30);
  for (const part of encoded) await guest.must(`echo ${part} >> /tmp/s`, 60);
  const { status, output } = await guest.run('node -e "process.stdout.write(Buffer.from(require(\'fs\').readFileSync(\'/tmp/s\', \'utf8\'), \'base64\'))" > /tmp/s.sh && bash /tmp/s.sh', seconds);
  if (status !== 0) throw new Error(`status ${status}:\n${output.slice(-3000)}`);
  return output;
}

/** Boots the machine of stacks: it asks for the passphrase. */
async function bootStacks(guest, passphrase) {
  await guest.expect(/unlock disk crypt/i, 420);
  guest.send(`${passphrase}\n`);
  await bootToLogin(guest);
}

async function fromStore(name, to) {
  await use(attachImage(path('store.img')), (loop) => withMounts([['-o', 'ro', loop.device, path('mnt')]], () => execa('bash', ['-c', `cp "$0"/${name} "$1"`, path('mnt'), to])));
}

mkdirSync(path('mnt'), { recursive: true });
// The set is built by the programs of now, whatever the machine was made with.
await use(attachImage(path('store.img')), (loop) => withMounts([[loop.device, path('mnt')]], () => execa('cp', ['-r', 'apps/cdrec/dist/bundle', path('mnt')])));
if (!fromBuild) {
  const base = await makeBaseSystem('.cache', STACK_PACKAGES, STACK_MODULES);
  await makeSampleDisk({ name: 'bios-ext4', base, image: path('maker.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  console.log('making the machine');
  await use(start([{ file: path('maker.img'), as: 'virtio', boot: true }, ...disks(['A.img', 'B.img'], 'virtio')], 'make.log'), async (guest) => {
    await bootToLogin(guest);
    await script(guest, MAKE, 1800);
    await powerOff(guest);
  });
  rmSync(path('maker.img'));
}

console.log('building the set inside of it');
let built = 0;
await use(start([...disks(['A.img', 'B.img'], 'virtio').map((m, i) => ({ ...m, boot: i === 0 })), { file: path('store.img'), as: 'virtio' }], 'build.log'), async (guest) => {
  await bootStacks(guest, PASSPHRASE);
  await guest.must('mount /dev/vdc /mnt && rm -r /usr/lib/cdrec && cp -r /mnt/bundle /usr/lib/cdrec', 60);
  built = Number((await guest.must('date +%s', 30)).trim());
  await guest.must("mkdir -p /etc/cdrec && printf '[backup]\\nsnapshot = true\\n' > /etc/cdrec/cdrec.toml", 30);
  const made = await guest.run('TERM=dumb cdrec build --mode iso --out /mnt --exclude-mount /mnt', 1200);
  if (made.status !== 0 && made.status !== 3) throw new Error(`build: status ${made.status}\n${made.output}`);
  console.log(made.output.split('\n').filter((l) => !/ %/.test(l)).join('\n'));
  if (/cdrec.snapshot/.test(await guest.must('lvs; ls -a /home /srv', 60))) throw new Error('a snapshot is left');
  console.log(await guest.must('cdrec inspect /mnt/*.iso', 120));
  await guest.must('umount /mnt', 60);
  await powerOff(guest);
});
await fromStore('*_1.iso', path('set.iso'));
const cd = { file: path('set.iso'), as: 'cdrom', boot: true };

console.log('listing the original');
await use(start([cd, ...disks(['A.img', 'B.img'], 'virtio').map((m) => ({ ...m, discard: true })), { file: path('store.img'), as: 'virtio' }], 'list.log'), async (guest) => {
  await bootToRescue(guest);
  if (!/LISTED/.test(await script(guest, LIST(PASSPHRASE, '/dev/vdc', 'original'), 1200))) throw new Error('nothing was listed');
  await powerOff(guest);
});

console.log('restoring onto two blank disks of another bus');
await use(start([cd, ...disks(['C.img', 'D.img'], 'ahci'), { file: path('store.img'), as: 'virtio' }], 'restore.log'), async (guest) => {
  await bootToRescue(guest);
  await guest.must(`printf '%s\\n' '${NEW}' > /run/key`, 30);
  console.log(await guest.must('lsblk -o NAME,SIZE,TYPE,SERIAL', 30));
  const { status, output } = await guest.run('TERM=dumb start-restore --disk /dev/vda=/dev/sda --disk /dev/vdb=/dev/sdb --luks-key /run/key --yes', 2400);
  console.log(output.split('\n').filter((l) => !/ %/.test(l)).join('\n'));
  // Which of the new disks is sda is the kernel's to decide.
  if (!/partition \/dev\/vd[ab]3: 2.83 GiB -> 2.5/.test(output) || !/logical volume sys-vg\/root: 1.66 GiB -> 1\./.test(output)) throw new Error('the smaller disk changes no sizes');
  if (status !== 0 && status !== 3) throw new Error(`start-restore: status ${status}\n${output.slice(-3000)}`);
  await script(guest, LIST(NEW, '/dev/vda', 'restored'), 1200);
  await powerOff(guest);
});

console.log('booting from the restored disks');
await use(start(disks(['C.img', 'D.img'], 'ahci').map((m, i) => ({ ...m, boot: i === 0 })), 'boot.log'), async (guest) => {
  await bootStacks(guest, NEW);
  await guest.must('systemctl is-system-running --wait; test -z "$(systemctl --failed --no-legend --plain)"', 240);
  const mounts = await guest.must('findmnt -rno TARGET,SOURCE,FSTYPE --real; swapon --noheadings --show=NAME; cat /proc/mdstat; btrfs subvolume list /srv; lsblk', 60);
  for (const wanted of ['/ /dev/mapper/sys--vg-root ext4', '[/@home] btrfs', '[/@srv] btrfs', '/thin /dev/mapper/sys--vg-thin ext4', '/data/safe /dev/mapper/data-safe f2fs', '/data/fast /dev/mapper/data-fast ext4', 'path nested']) {
    if (!mounts.includes(wanted)) throw new Error(`"${wanted}" is not there:\n${mounts}`);
  }
  if (!/\/dev\/dm-\d+/.test(mounts)) throw new Error(`no swap:\n${mounts}`);
  await powerOff(guest);
});

for (const name of ['original', 'restored']) await fromStore(name, path(name));
const lines = (name) => readFileSync(path(name), 'utf8').split('\n');
/** Files that changed after the build began: the machine ran meanwhile. By the time of their change, and the directories above /tmp's own. */
const [before, after] = [lines('original'), lines('restored')];
const only = (a, b) => { const set = new Set(b); return a.filter((l) => !set.has(l)); };
const time = (l) => Number(l.split('|').filter((f) => /^\d{9,}\.\d+$/.test(f))[0] ?? 0);
const changed = new Set([...only(before, after), ...only(after, before)].filter((l) => time(l) >= built - 60).map((l) => l.split('|')[0]));
// ./before is the snapshot in /home: snapshots are no part of a set.
const judged = (l) => !(time(l) >= built - 60) && ![...changed, './before'].some((c) => l.endsWith(`  ${c}`) || l.startsWith(`${c}|`)) && !/^\.\/(tmp|var\/lib\/cdrec)\//.test(l);
const differences = [...only(before, after).filter(judged).map((l) => `lost ${l}`), ...only(after, before).filter(judged).map((l) => `new ${l}`)];
console.log(`${before.length} lines of metadata and content compared, ${changed.size} files changed while the backup was made: ${[...changed].join(' ')}\n${differences.length} differences`);
if (before.length < 10_000 || differences.length > 0) throw new Error(differences.slice(0, 40).join('\n'));
console.log(`set: ${Math.round(statSync(path('set.iso')).size / 2 ** 20)} MiB; ${readdirSync(dir).length} files of work removed`);
rmSync(dir, { recursive: true, force: true });

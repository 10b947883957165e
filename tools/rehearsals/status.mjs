// `cdrec status` in a real machine: no drift after a new start on another bus (all disks have other names), with a stick plugged in and mounted,
// with a file system that grew; drift after each change that another set would bring back otherwise.
// usage: node tools/rehearsals/status.mjs
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { bootToLogin, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, STACK_MODULES, STACK_PACKAGES } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'status');
await removeWork(dir);
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();
await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache', STACK_PACKAGES, STACK_MODULES), image: path('A.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
for (const [name, size] of [['B.img', '600M'], ['stick.img', '100M']]) await execa('truncate', ['-s', size, path(name)]);
await execa('mkfs.ext4', ['-q', '-F', '-L', 'STICK', path('stick.img')]);
const disks = (as) => [{ file: path('A.img'), as, serial: 'STATUS-A', boot: true }, { file: path('B.img'), as, serial: 'STATUS-B' }];
const start = (media, log) => Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media, log: path(log) });

/** What `cdrec status` says of drift. */
async function drift(guest) {
  const { status, output } = await guest.run('cdrec status --json /srv/set/*.iso 2> /dev/null', 300);
  const json = JSON.parse(output.slice(output.indexOf('{')).trim());
  // Never rehearsed: that is attention as well.
  if (status !== 3 || json.set === undefined || !json.attention.includes('the set was never rehearsed')) throw new Error(`status ${status}: ${output}`);
  return json.drift.map((d) => d.what);
}

async function none(guest, when) {
  const found = await drift(guest);
  if (found.length > 0) throw new Error(`${when}: drift ${found.join(', ')}\n${await guest.must('cdrec status /srv/set/*.iso; true', 120)}`);
  console.log(`${when}: no drift`);
}

await use(start(disks('virtio'), 'first.log'), async (guest) => {
  await bootToLogin(guest);
  const empty = await guest.run('cdrec status', 120);
  if (empty.status !== 1 || !/there is no set/.test(empty.output)) throw new Error(`without a set: ${empty.status} ${empty.output}`);
  await guest.must("printf '%s\\n' 'label: gpt' 'size=400M, type=E6D6D379-F507-44C2-A23C-238F2A3DF928' | sfdisk -q /dev/vdb && udevadm settle", 60);
  await guest.must('vgcreate -q data /dev/vdb1 && lvcreate -q -y -n d -L 200M data && mkfs.ext4 -q /dev/data/d 100M && mkdir -p /data /media/stick', 120);
  await guest.must('echo "/dev/data/d /data ext4 defaults 0 2" >> /etc/fstab && mount /data && cp -a /usr/share/common-licenses /data/', 60);
  const { status, output } = await guest.run('TERM=dumb cdrec build --mode rescue --out /srv/set', 600);
  if (status !== 0) throw new Error(`build: ${status} ${output}`);
  await none(guest, 'at once');
  await guest.must('resize2fs /dev/data/d && dd if=/dev/urandom of=/data/more bs=1M count=20 status=none && touch /etc/hostname && sync', 120);
  await none(guest, 'after a file system grew');
  await powerOff(guest);
});

await use(start([...disks('ahci'), { file: path('stick.img'), as: 'usb' }], 'second.log'), async (guest) => {
  await bootToLogin(guest);
  await guest.must('udevadm settle; mount "$(blkid -L STICK)" /media/stick; lsblk', 60);
  await none(guest, 'after a new start, with other names of the disks and a mounted stick');
  const disk = (await guest.must("lsblk -dnro PATH,SERIAL | sed -n 's/ STATUS-B$//p'", 30)).trim();
  const first = (await guest.must("lsblk -dnro PATH,SERIAL | sed -n 's/ STATUS-A$//p'", 30)).trim();
  const changes = [
    ['partition added', `echo 'size=10M' | sfdisk -q --append --no-reread ${disk}; partx -u ${disk}; true`, /^partitions of disk .*STATUS-B/],
    ['logical volume resized', 'lvextend -q -L +8M data/d', /^volume group data$/],
    ['file system made anew', 'umount /data && mkfs.ext4 -q -F /dev/data/d && mount /data', /^file system on \/data$/],
    ['fstab edited', 'echo "# later" >> /etc/fstab', /^\/etc\/fstab$/],
    ['kernel updated', 'cp /boot/vmlinuz-* /boot/vmlinuz-6.1.0-99-amd64 && cp /boot/initrd.img-* /boot/initrd.img-6.1.0-99-amd64 && update-grub', /^\/boot\/grub\/grub.cfg$/],
    ['boot loader changed', `dd if=/usr/lib/SYSLINUX/mbr.bin of=${first} bs=440 count=1 conv=notrunc status=none || dd if=/usr/lib/syslinux/mbr/mbr.bin of=${first} bs=440 count=1 conv=notrunc`, /^boot (loaders|sector)/],
  ];
  let known = [];
  for (const [name, command, expected] of changes) {
    await guest.must(command, 180);
    const now = await drift(guest);
    const more = now.filter((w) => !known.includes(w));
    if (!more.some((w) => expected.test(w))) throw new Error(`${name}: ${JSON.stringify(now)}`);
    known = now;
    console.log(`${name}: ${more.join(', ')}`);
  }
  const timer = await guest.must('cdrec install-timer --max-age 2w --no-rehearse; systemctl is-enabled cdrec.timer; systemctl list-timers --no-pager cdrec.timer; systemd-analyze verify cdrec.service cdrec.timer; cat /etc/systemd/system/cdrec.service', 120);
  if (!/^enabled$/m.test(timer) || !/refresh --max-age 2w --keep 2 --no-rehearse/.test(timer)) throw new Error(timer);
  console.log('install-timer: enabled');
  await powerOff(guest);
});
rmSync(dir, { recursive: true, force: true });

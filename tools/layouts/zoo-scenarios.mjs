// Stacks of devices for zoo.mjs: on vdb to vde (800 MiB each) mounted below /z. `unsupported`: must be named; `expected`: differences that are right;
// `to`: which disks take the place of which (vdf, vdg: 1,200 MiB; vdh, vdi: 620 MiB).
const MD = 'A19D880F-05FC-4D3B-A006-743F0F84911E';
const LVM = 'E6D6D379-F507-44C2-A23C-238F2A3DF928';
/** The same partitions on disks. */
const gpt = (disks, ...parts) => `for d in ${disks}; do printf '%s\\n' 'label: gpt' ${parts.map((p) => `'${p}'`).join(' ')} | sfdisk -q --wipe always --wipe-partitions always /dev/$d; done; udevadm settle`;
const create = (node, level, members, more = '') => `mdadm --create ${node} --run --level=${level} --raid-devices=${members.split(' ').length} --homehost=zoo --name=${node.replace('/dev/', '')} --assume-clean ${more} ${members}`;
const at = (where, device, options = '') => `mkdir -p /z/${where}; mount ${options} ${device} /z/${where}`;
const luks = (type, on, name, more = '', open = '') => `printf zoo | cryptsetup luksFormat --batch-mode --type ${type} --pbkdf pbkdf2 --pbkdf-force-iterations 1000 ${more} --key-file=- ${on}; printf zoo | cryptsetup open --key-file=- ${open} ${on} ${name}`;

export const SCENARIOS = [
  { name: 'esp-on-raid', make: `${gpt('vdb vdc', 'size=100M, type=U', `size=500M, type=${MD}`)}
${create('/dev/md10', 1, '/dev/vdb1 /dev/vdc1', '--metadata=1.0')}; ${create('/dev/md11', 1, '/dev/vdb2 /dev/vdc2')}
mkfs.vfat -n ESP /dev/md10; mkfs.ext4 -q /dev/md11; ${at('root', '/dev/md11')}; ${at('root/efi', '/dev/md10')}` },
  { name: 'raid5-spare', make: `${create('/dev/md5', 5, '/dev/vdb /dev/vdc /dev/vdd', '--chunk=64 --layout=right-symmetric --spare-devices=1 /dev/vde')}
mkfs.xfs -q /dev/md5; ${at('five', '/dev/md5')}` },
  { name: 'raid10-far', make: `${gpt('vdb vdc vdd vde', `size=300M, type=${MD}`, `size=200M, type=${MD}`)}
${create('/dev/md1', 10, '/dev/vdb1 /dev/vdc1 /dev/vdd1 /dev/vde1', '--layout=f2 --chunk=128 --bitmap=internal')}; ${create('/dev/md2', 0, '/dev/vdb2 /dev/vdc2', '--metadata=1.0')}; ${create('/dev/md3', 'linear', '/dev/vdd2 /dev/vde2')}
mkfs.ext4 -q /dev/md1; mkfs.ext4 -q /dev/md2; mkfs.ext4 -q /dev/md3; ${at('ten', '/dev/md1')}; ${at('zero', '/dev/md2')}; ${at('linear', '/dev/md3')}` },
  { name: 'raid-partitioned', make: `${create('/dev/md0', 1, '/dev/vdb /dev/vdc')}; printf '%s\\n' 'label: gpt' 'size=200M, type=L, name="one"' 'type=L' | sfdisk -q --wipe always --wipe-partitions always /dev/md0; udevadm settle; partx -u /dev/md0; udevadm settle
mkfs.ext4 -q /dev/md0p1; mkfs.btrfs -q /dev/md0p2; ${at('one', '/dev/md0p1')}; ${at('two', '/dev/md0p2')}` },
  { name: 'raid6-degraded', make: `${create('/dev/md6', 6, '/dev/vdb /dev/vdc missing /dev/vdd')}; mkfs.ext4 -q /dev/md6; ${at('six', '/dev/md6')}` },
  { name: 'lvm-grown', make: `${gpt('vdb vdc', `type=${LVM}`)}
vgcreate -q -y -s 8M my-vg /dev/vdb1; lvcreate -q -y -n root -L 320M my-vg; lvcreate -q -y -n a-home -L 440M my-vg; vgextend -q my-vg /dev/vdc1; lvextend -q -L +600M my-vg/a-home /dev/vdc1; lvcreate -q -y -n with.dot_1 -L 80M my-vg
mkfs.ext4 -q /dev/my-vg/root; mkfs.xfs -q /dev/my-vg/a-home; mkswap -q /dev/my-vg/with.dot_1; swapon /dev/my-vg/with.dot_1; ${at('r', '/dev/my-vg/root')}; ${at('h', '/dev/my-vg/a-home')}` },
  { name: 'lvm-places', make: `vgcreate -q -y vg /dev/vdb /dev/vdc /dev/vdd
lvcreate -q -y -n sys -L 760M vg /dev/vdb; lvcreate -q -y --type raid1 -m 1 -n safe -L 300M vg /dev/vdc /dev/vdd; lvcreate -q -y --type thin-pool -n pool -L 200M vg /dev/vdd; lvcreate -q -y --thin -V 400M -n t vg/pool; lvcreate -q -y --type striped -i 2 -n fast -L 200M vg /dev/vdc /dev/vdd
for v in sys safe t fast; do mkfs.ext4 -q /dev/vg/$v; mkdir -p /z/$v; mount /dev/vg/$v /z/$v; done` },
  { name: 'lvm-raid5', make: `vgcreate -q -y vg /dev/vdb /dev/vdc /dev/vdd /dev/vde; lvcreate -q -y --type raid5 -i 3 -I 64k -n five -L 300M vg; lvcreate -q -y --type raid10 -i 2 -m 1 -n ten -L 200M vg; lvcreate -q -y --type mirror -m 1 --mirrorlog core -n old -L 60M vg; lvcreate -q -y --type raid0 -i 3 -n zero -L 90M vg; lvcreate -q -y --type raid4 -i 2 -n four -L 100M vg
for v in five ten old zero four; do mkfs.ext4 -q /dev/vg/$v; mkdir -p /z/$v; mount /dev/vg/$v /z/$v; done` },
  { name: 'lvm-cache', make: `vgcreate -q -y vg /dev/vdb /dev/vdc; lvcreate -q -y -n slow -L 500M vg /dev/vdb; lvcreate -q -y --type cache-pool -n fast -L 200M vg /dev/vdc; lvconvert -q -y --type cache --cachepool vg/fast vg/slow
lvcreate -q -y -n w -L 200M vg /dev/vdb; lvcreate -q -y -n wc -L 100M vg /dev/vdc; lvchange -q -an vg/wc; lvchange -q -an vg/w; lvconvert -q -y --type writecache --cachevol wc vg/w; lvchange -q -ay vg/w
mkfs.ext4 -q /dev/vg/slow; ${at('slow', '/dev/vg/slow')}; mkfs.ext4 -q /dev/vg/w; ${at('w', '/dev/vg/w')}`, expected: ['cache": "|/cache: '] },
  { name: 'lvm-served', make: `vgcreate -q -y vg /dev/vdb /dev/vdc; lvcreate -q -y --type raid1 -m 1 --raidintegrity y -n sure -L 200M vg /dev/vdb /dev/vdc; mkfs.ext4 -q /dev/vg/sure; ${at('sure', '/dev/vg/sure')}
lvcreate -q -y --type thin-pool -n pool -L 200M vg /dev/vdb; lvcreate -q -y --type cache-pool -n fast -L 100M vg /dev/vdc; lvconvert -q -y --type cache --cachepool vg/fast vg/pool; lvcreate -q -y --thin -V 300M -n t vg/pool; mkfs.ext4 -q /dev/vg/t; ${at('t', '/dev/vg/t')}`, expected: ['cache": "|/cache: ', 'integrity'] },
  { name: 'lvm-snapshots', make: `vgcreate -q -y vg /dev/vdb /dev/vdc; lvcreate -q -y -n root -L 400M vg; mkfs.ext4 -q /dev/vg/root; ${at('root', '/dev/vg/root')}; lvcreate -q -y -s -n before -L 100M vg/root
lvcreate -q -y --type thin-pool -n pool -L 300M vg; lvcreate -q -y --thin -V 500M -n t vg/pool; mkfs.ext4 -q /dev/vg/t; ${at('t', '/dev/vg/t')}; lvcreate -q -y -s -n t-before vg/t`, expected: ['t-before'] },
  { name: 'luks-kinds', make: `${gpt('vdb vdc', 'size=200M', 'size=200M', `size=300M, type=${LVM}`)}
${luks('luks1', '/dev/vdb1', 'one', '--cipher aes-cbc-essiv:sha256 --key-size 256 --hash sha512')}; ${luks('luks2', '/dev/vdb2', 'two', '--sector-size 4096 --label zwei', '--allow-discards --perf-no_read_workqueue --persistent')}
vgcreate -q -y vg /dev/vdb3 /dev/vdc3; lvcreate -q -y -n secret -L 340M vg; ${luks('luks2', '/dev/vg/secret', 'vg-secret_crypt')}
mkfs.ext4 -q /dev/mapper/one; mkfs.ext4 -q -b 4096 /dev/mapper/two; mkfs.xfs -q /dev/mapper/vg-secret_crypt; ${at('one', '/dev/mapper/one')}; ${at('two', '/dev/mapper/two')}; ${at('three', '/dev/mapper/vg-secret_crypt')}`,
    check: "cryptsetup luksDump /dev/vdb2 | grep 'Flags:.*allow-discards no-read-workqueue'" },
  { name: 'luks-integrity', make: `${gpt('vdb', 'size=60M')}; ${luks('luks2', '/dev/vdb1', 'i', '--integrity hmac-sha256')}; mkfs.ext4 -q /dev/mapper/i; ${at('i', '/dev/mapper/i')}`, unsupported: 'integrity' },
  { name: 'luks-detached', make: `truncate -s 16M /root/header; printf zoo | cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --header /root/header --key-file=- /dev/vdb; printf zoo | cryptsetup open --header /root/header --key-file=- /dev/vdb d; mkfs.ext4 -q /dev/mapper/d; ${at('d', '/dev/mapper/d')}`, unsupported: 'detached' },
  { name: 'btrfs-many', make: `mkfs.btrfs -q -d raid10 -m raid1c3 --csum xxhash -L ten /dev/vdb /dev/vdc /dev/vdd /dev/vde; ${at('top', '/dev/vdb')}; btrfs -q subvolume create /z/top/@; btrfs -q subvolume create /z/top/@/var; btrfs -q subvolume create '/z/top/@/with blank'; umount /z/top; ${at('top', '/dev/vdb', '-o subvol=@,compress=zstd:5')}` },
  { name: 'btrfs-on-luks', make: `for d in vdb vdc; do printf zoo | cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- /dev/$d; printf zoo | cryptsetup open --key-file=- /dev/$d c-$d; done
mkfs.btrfs -q -d raid1 -m raid1 /dev/mapper/c-vdb /dev/mapper/c-vdc; ${at('both', '/dev/mapper/c-vdb')}` },
  { name: 'f2fs', make: `mkfs.f2fs -q -l flash -O extra_attr,inode_checksum,sb_checksum,inode_crtime,compression,casefold,quota -C utf8 /dev/vdb; ${at('f', '/dev/vdb', '-o compress_algorithm=lz4')}`, check: 'cat /sys/fs/f2fs/vdb/features | grep compression | grep casefold' },
  { name: 'casefold', make: `mkfs.ext4 -q -O casefold -E encoding=utf8 /dev/vdb; ${at('c', '/dev/vdb')}; mkdir /z/c/any; chattr +F /z/c/any; echo x > /z/c/any/Case` },
  { name: 'bcache', make: `modprobe bcache; make-bcache -B /dev/vdb -C /dev/vdc > /dev/null; sleep 2; [ -b /dev/bcache0 ] || { echo /dev/vdb > /sys/fs/bcache/register; echo /dev/vdc > /sys/fs/bcache/register; sleep 2; }; mkfs.ext4 -q /dev/bcache0; ${at('b', '/dev/bcache0')}`, unsupported: 'bcache',
    stop: 'echo 1 > /sys/block/bcache0/bcache/stop; for s in /sys/fs/bcache/*-*/stop; do echo 1 > $s; done; sleep 2' },
  { name: 'dm-linear', make: `echo "0 $(blockdev --getsz /dev/vdb) linear /dev/vdb 0" | dmsetup create lin; mkfs.ext4 -q /dev/mapper/lin; ${at('l', '/dev/mapper/lin')}`, unsupported: 'dm' },
  { name: 'journal-apart', make: `mke2fs -q -F -O journal_dev -b 4096 /dev/vdc; mke2fs -q -F -t ext4 -b 4096 -J device=/dev/vdc /dev/vdb; ${at('j', '/dev/vdb')}`, unsupported: 'journal' },
  { name: 'mixed-up', make: `${gpt('vdb vdc', `size=300M, type=${MD}`, `size=300M, type=${LVM}`)}
${create('/dev/md7', 1, '/dev/vdb1 /dev/vdc1')}; ${luks('luks2', '/dev/md7', 'm')}; pvcreate -q -y /dev/mapper/m; vgcreate -q -y vg /dev/mapper/m /dev/vdb2; lvcreate -q -y -n one -L 400M vg; mkfs.ext4 -q /dev/vg/one; ${at('one', '/dev/vg/one')}; mkfs.reiserfs -q -f -f /dev/vdc2 2> /dev/null || mkfs.ext2 -q /dev/vdc2; ${at('two', '/dev/vdc2')}` },
  { name: 'grown-smaller', make: `vgcreate -q -y vg /dev/vdb /dev/vdc; lvcreate -q -y -n b -L 500M vg /dev/vdb; lvcreate -q -y -n a -L 900M vg; mkfs.ext4 -q /dev/vg/a; mkfs.ext4 -q /dev/vg/b; ${at('a', '/dev/vg/a')}; ${at('b', '/dev/vg/b')}`, to: { '/dev/vdb': '/dev/vdh', '/dev/vdc': '/dev/vdi' } },
  { name: 'raid-smaller', make: `${gpt('vdb vdc', `type=${MD}`)}; ${create('/dev/md0', 1, '/dev/vdb1 /dev/vdc1')}; printf '%s\\n' 'label: gpt' 'size=100M, type=L' 'type=L' | sfdisk -q --wipe always --wipe-partitions always /dev/md0; udevadm settle; partx -u /dev/md0; udevadm settle; mkfs.ext4 -q /dev/md0p1; mkfs.ext4 -q /dev/md0p2; ${at('p1', '/dev/md0p1')}; ${at('p2', '/dev/md0p2')}`, to: { '/dev/vdb': '/dev/vdf', '/dev/vdc': '/dev/vdg' }, grow: true },
  // systemd mounts it when somebody looks.
  { name: 'automount', make: `mkfs.vfat -n AUTO /dev/vdb; udevadm settle; cp /etc/fstab /root/fstab; echo 'LABEL=AUTO /z/auto vfat noauto,x-systemd.automount,x-systemd.idle-timeout=60 0 2' >> /etc/fstab; systemctl daemon-reload; systemctl start z-auto.automount; if findmnt -t vfat /z/auto; then exit 1; fi`, files: false, found: '/z/auto',
    stop: 'systemctl stop z-auto.automount z-auto.mount; cp /root/fstab /etc/fstab; systemctl daemon-reload' },
  // The old disks are still there, with the same names and UUIDs.
  { name: 'old-disks-there', make: `${gpt('vdb vdc', `size=300M, type=${MD}`, `type=${LVM}`)}; ${create('/dev/md0', 1, '/dev/vdb1 /dev/vdc1')}; mkfs.ext4 -q /dev/md0; vgcreate -q -y vg /dev/vdb2 /dev/vdc2; lvcreate -q -y -n one -L 700M vg; mkfs.xfs -q /dev/vg/one; ${at('md', '/dev/md0')}; ${at('one', '/dev/vg/one')}`, to: { '/dev/vdb': '/dev/vdf', '/dev/vdc': '/dev/vdg' }, keep: true },
];

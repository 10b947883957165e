// Layouts one by one: each machine is made in a guest, its set built in it, and `cdrec rehearse`, as an ordinary user, brings it back onto
// disks like the old ones, onto disks 20 % smaller on NVMe, onto disks three times as large, and where there are two onto one; the restored system compares its survey with that of the set.
// usage: node tools/layouts/matrix.mjs [--quick] [LAYOUT[:VARIANT]...]      (--quick: only the smaller disks; VARIANT: same, smaller, larger, and of two disks one)
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, STACK_MODULES, STACK_PACKAGES, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { rehearseAsNobody } from '../rehearsals/nobody.mjs';
import { DISTRIBUTIONS, ubuntuKeyring } from './distributions.mjs';
import { surveyResult, surveyScript } from './survey-check.mjs';

const quick = process.argv.includes('--quick');
const asked = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'layouts');
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();
const BIOS_BOOT = 'size=1M, type=21686148-6449-6E6F-744E-656564454649';
const gpt = (disk, ...parts) => `printf '%s\\n' 'label: gpt' ${[BIOS_BOOT, ...parts].map((p) => `'${p}'`).join(' ')} | sfdisk -q ${disk}; udevadm settle`;
const PASSPHRASE = 'gut verschlossen'; // of the original; a rehearsal takes one of its own

/** An ESP at /boot/efi and an ext4 root; nothing of the maker's GRUB. */
const onEsp = {
  make: `printf '%s\\n' 'label: gpt' 'size=200M, type=U' 'type=L' | sfdisk -q /dev/vdb; udevadm settle
mkfs.vfat -n ESP2 /dev/vdb1; mkfs.ext4 -q -L root2 /dev/vdb2; mount /dev/vdb2 /mnt; mkdir -p /mnt/boot/efi; mount /dev/vdb1 /mnt/boot/efi`,
  fstab: 'LABEL=root2 / ext4 defaults 0 1\nLABEL=ESP2 /boot/efi vfat umask=0077 0 2', more: 'rm -rf /mnt/boot/grub',
};

/** One of the sample systems, whose set is made by the running machine itself. */
const sample = (name) => ({ sample: name, disks: 1 });

/** Commands that make a layout on vdb (and vdc) and mount it at /mnt, its fstab, and further lines of configuration. */
const LAYOUTS = {
  'bios-ext4': sample('bios-ext4'),
  'bios-logical': sample('bios-logical'),
  'uefi-xfs': sample('uefi-xfs'),
  /** GPT and LVM: two volumes and swap. */
  lvm: {
    disks: 1,
    make: `${gpt('/dev/vdb', 'type=E6D6D379-F507-44C2-A23C-238F2A3DF928')}
vgcreate -q vg /dev/vdb2; lvcreate -q -y -n root -L 1700M vg; lvcreate -q -y -n home -L 400M vg; lvcreate -q -y -n swap -L 64M vg
mkfs.ext4 -q -L root /dev/vg/root; mkfs.xfs -q -L home /dev/vg/home; mkswap -q /dev/vg/swap
mount /dev/vg/root /mnt; mkdir /mnt/home; mount /dev/vg/home /mnt/home`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\nLABEL=home /home xfs defaults 0 0\n/dev/vg/swap none swap sw 0 0',
  },
  /** md RAID1 under LVM, on two disks. */
  'raid-lvm': {
    disks: 2,
    make: `for d in vdb vdc; do ${gpt('/dev/$d', 'type=A19D880F-05FC-4D3B-A006-743F0F84911E')}; done
mdadm --create /dev/md0 --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean --homehost=sample --name=all /dev/vdb2 /dev/vdc2
vgcreate -q vg /dev/md0; lvcreate -q -y -n root -L 1700M vg; lvcreate -q -y -n swap -L 64M vg
mkfs.ext4 -q -L root /dev/vg/root; mkswap -q /dev/vg/swap; mount /dev/vg/root /mnt`,
    fstab: 'LABEL=root / ext4 defaults 0 1\n/dev/mapper/vg-swap none swap sw 0 0', more: 'mdadm --detail --scan >> /mnt/etc/mdadm/mdadm.conf',
  },
  /** LUKS2 under LVM, /boot apart; the passphrase is typed. A second volume is opened by a key file. */
  'luks-lvm': {
    // The volume with the key file alone can be opened by the passphrase of the restore as well.
    disks: 1, expected: [/slots: 1 -> 2$/, /1 key slots -> .* 2 key slots$/],
    make: `${gpt('/dev/vdb', 'size=300M', 'size=2300M, type=CA7D7CCB-63ED-4C53-861C-1742536059CC', 'type=CA7D7CCB-63ED-4C53-861C-1742536059CC')}
printf '%s' '${PASSPHRASE}' | cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- /dev/vdb3
printf '%s' '${PASSPHRASE}' | cryptsetup open --key-file=- /dev/vdb3 crypt
vgcreate -q vg /dev/mapper/crypt; lvcreate -q -y -n root -L 1700M vg; lvcreate -q -y -n swap -L 64M vg
mkfs.ext4 -q -L root /dev/vg/root; mkfs.ext4 -q -L boot /dev/vdb2; mkswap -q /dev/vg/swap; mount /dev/vg/root /mnt; mkdir /mnt/boot; mount /dev/vdb2 /mnt/boot
mkdir -p /mnt/etc/keys /mnt/srv/data; head -c 512 /dev/urandom > /mnt/etc/keys/data.key; chmod 600 /mnt/etc/keys/data.key
cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=/mnt/etc/keys/data.key /dev/vdb4; cryptsetup open --key-file=/mnt/etc/keys/data.key /dev/vdb4 data
mkfs.ext4 -q -L data /dev/mapper/data; mount /dev/mapper/data /mnt/srv/data; cp -a /usr/share/common-licenses /mnt/srv/data/`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\nLABEL=boot /boot ext4 defaults 0 2\n/dev/mapper/data /srv/data ext4 defaults 0 2\n/dev/mapper/vg-swap none swap sw 0 0', more: 'printf "crypt UUID=%s none luks\\ndata UUID=%s /etc/keys/data.key luks\\n" $(cryptsetup luksUUID /dev/vdb3) $(cryptsetup luksUUID /dev/vdb4) > /mnt/etc/crypttab',
  },
  /** Everything but GRUB's own first steps is in one LUKS volume, /boot as well: GRUB asks for its passphrase, the initramfs has a key file. */
  'crypt-boot': {
    disks: 1,
    make: `${gpt('/dev/vdb', 'type=CA7D7CCB-63ED-4C53-861C-1742536059CC')}
printf '%s' '${PASSPHRASE}' | cryptsetup luksFormat --batch-mode --type luks1 --hash sha512 --pbkdf-force-iterations 20000 --key-file=- /dev/vdb2
printf '%s' '${PASSPHRASE}' | cryptsetup open --key-file=- /dev/vdb2 cryptroot
mkfs.ext4 -q -L root2 /dev/mapper/cryptroot; mount /dev/mapper/cryptroot /mnt; mkdir -m 700 -p /mnt/etc/keys; head -c 512 /dev/urandom > /mnt/etc/keys/root.key; chmod 600 /mnt/etc/keys/root.key
printf '%s' '${PASSPHRASE}' | cryptsetup luksAddKey --batch-mode --pbkdf-force-iterations 1000 --key-file=- /dev/vdb2 /mnt/etc/keys/root.key`,
    fstab: '/dev/mapper/cryptroot / ext4 defaults 0 1', more: `printf "cryptroot UUID=%s /etc/keys/root.key luks\\n" $(cryptsetup luksUUID /dev/vdb2) > /mnt/etc/crypttab
echo 'KEYFILE_PATTERN=/etc/keys/*.key' >> /mnt/etc/cryptsetup-initramfs/conf-hook; echo UMASK=0077 >> /mnt/etc/initramfs-tools/initramfs.conf; echo GRUB_ENABLE_CRYPTODISK=y >> /mnt/etc/default/grub; rm -rf /mnt/boot/grub`,
  },
  /** A thin pool beside a plain volume. */
  thin: {
    disks: 1,
    make: `${gpt('/dev/vdb', 'type=E6D6D379-F507-44C2-A23C-238F2A3DF928')}
vgcreate -q vg /dev/vdb2; lvcreate -q -y -n root -L 1600M vg; lvcreate -q -y --type thin-pool -n pool -L 200M vg; lvcreate -q -y --thin -V 600M -n srv vg/pool
mkfs.ext4 -q -L root /dev/vg/root; mkfs.ext4 -q -L srv /dev/vg/srv; mount /dev/vg/root /mnt; mkdir -p /mnt/srv/thin; mount /dev/vg/srv /mnt/srv/thin; cp -a /usr/share/common-licenses /mnt/srv/thin/`,
    fstab: 'LABEL=root / ext4 defaults 0 1\nLABEL=srv /srv/thin ext4 defaults 0 2',
  },
  /** btrfs with @ and @home, a default subvolume, compression; a snapshot that stays out; fstab has the number of @ beside its path; a swap file. */
  btrfs: {
    disks: 1, expected: [/^\/etc\/fstab: /, /subvolumes\/@snapshots\/before: .*"snapshot":true.* -> undefined$/],
    make: `${gpt('/dev/vdb', 'type=L')}
mkfs.btrfs -q -L top /dev/vdb2; mount /dev/vdb2 /mnt; btrfs -q subvolume create /mnt/gone; btrfs -q subvolume create /mnt/@; btrfs -q subvolume delete /mnt/gone; btrfs -q subvolume create /mnt/@home; btrfs -q subvolume create /mnt/@snapshots
btrfs -q subvolume set-default /mnt/@; umount /mnt; mount -o subvol=@,compress=zstd /dev/vdb2 /mnt; mkdir /mnt/home; mount -o subvol=@home /dev/vdb2 /mnt/home; cp -a /usr/share/common-licenses /mnt/home/
touch /mnt/home/swapfile; chattr +C /mnt/home/swapfile; fallocate -l 64M /mnt/home/swapfile; chmod 600 /mnt/home/swapfile; mkswap -q /mnt/home/swapfile`,
    fstab: 'LABEL=top / btrfs rw,subvolid=257,subvol=/@,compress=zstd 0 0\nLABEL=top /home btrfs subvol=@home 0 0\n/home/swapfile none swap sw 0 0', more: 'mkdir /tmp/top; mount -o subvolid=5 /dev/vdb2 /tmp/top; btrfs -q subvolume snapshot -r /mnt/home /tmp/top/@snapshots/before; umount /tmp/top',
  },
  /** As openSUSE lays a btrfs out, after a rollback: the root is a snapshot, the default subvolume, which fstab does not name; others below @ (but that of GRUB's modules, which only openSUSE's GRUB finds); a read-only snapshot that stays out. */
  'btrfs-snapper': {
    disks: 1, expected: [/subvolumes\/@\/\.snapshots\/2\/snapshot: .*"snapshot":true.* -> undefined$/, /subvolumes\/@\/\.snapshots\/3\/snapshot\/snapshot: true -> false$/, /^btrfs \S+ .*snapshots\/3/],
    make: `${gpt('/dev/vdb', 'type=L')}
mkfs.btrfs -q -L top /dev/vdb2; mount /dev/vdb2 /mnt; btrfs -q subvolume create /mnt/@
for s in .snapshots home var; do btrfs -q subvolume create /mnt/@/$s; done
mkdir /mnt/@/.snapshots/1 /mnt/@/.snapshots/2 /mnt/@/.snapshots/3; btrfs -q subvolume create /mnt/@/.snapshots/1/snapshot
btrfs -q subvolume snapshot -r /mnt/@/.snapshots/1/snapshot /mnt/@/.snapshots/2/snapshot; btrfs -q subvolume snapshot /mnt/@/.snapshots/2/snapshot /mnt/@/.snapshots/3/snapshot
btrfs -q subvolume set-default /mnt/@/.snapshots/3/snapshot; umount /mnt; mount /dev/vdb2 /mnt; mkdir -p /mnt/.snapshots /mnt/home /mnt/var
for s in .snapshots home var; do mount -o subvol=@/$s /dev/vdb2 /mnt/$s; done`,
    fstab: 'LABEL=top / btrfs defaults 0 0\nLABEL=top /.snapshots btrfs subvol=/@/.snapshots 0 0\nLABEL=top /home btrfs subvol=/@/home 0 0\nLABEL=top /var btrfs subvol=/@/var 0 0',
  },
  /** btrfs RAID1 over two disks. */
  'btrfs-raid1': {
    disks: 2,
    make: `for d in vdb vdc; do ${gpt('/dev/$d', 'type=L')}; done
mkfs.btrfs -q -L pair -d raid1 -m raid1 /dev/vdb2 /dev/vdc2; mount /dev/vdb2 /mnt; btrfs -q subvolume create /mnt/@; umount /mnt; mount -o subvol=@ /dev/vdb2 /mnt`,
    fstab: 'LABEL=pair / btrfs subvol=@ 0 0',
  },
  /** MBR with logical partitions: the root is xfs on one of them, with /boot in it. */
  'mbr-xfs': {
    disks: 1,
    make: `printf '%s\\n' 'label: dos' '1 : size=300M, type=83, bootable' '2 : type=5' '5 : size=2000M, type=83' '6 : size=64M, type=82' '7 : type=83' | sfdisk -q /dev/vdb; udevadm settle
mkfs.ext4 -q /dev/vdb1; mkfs.xfs -q -L root2 /dev/vdb5; mkswap -q /dev/vdb6; mkfs.xfs -q -L srv2 /dev/vdb7
mount /dev/vdb5 /mnt; mkdir -p /mnt/home /mnt/srv/data; mount /dev/vdb1 /mnt/home; mount /dev/vdb7 /mnt/srv/data; cp -a /usr/share/common-licenses /mnt/srv/data/; cp -a /usr/share/common-licenses /mnt/home/`,
    fstab: 'LABEL=root2 / xfs defaults 0 0\nLABEL=srv2 /srv/data xfs defaults 0 0', more: 'printf "UUID=%s none swap sw 0 0\\nPARTUUID=%s /home ext4 defaults 0 2\\n" $(blkid -o value -s UUID /dev/vdb6) $(blkid -o value -s PARTUUID /dev/vdb1) >> /mnt/etc/fstab',
  },
  /** Swap and /tmp get a new random key at every start: by a link of the old disk, by the UUID of a signature before it, by the kernel's name. */
  'random-keys': {
    disks: 1, expected: [/^\/etc\/crypttab: /],
    make: `${gpt('/dev/vdb', 'size=2300M, type=L', 'size=100M, type=S', 'size=100M, type=S', 'size=100M, type=L')}
mkfs.ext4 -q -L root2 /dev/vdb2; mount /dev/vdb2 /mnt; mkswap -q -L osig /dev/vdb4; mkdir -p -m 1777 /mnt/tmp
for v in 'vdb3 cswap' 'vdb4 oswap --offset=1024' 'vdb5 ctmp'; do set -- $v; cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 --key-file /dev/urandom $3 /dev/$1 $2; done
mkswap -q /dev/mapper/cswap; mkswap -q /dev/mapper/oswap; mkfs.ext4 -q /dev/mapper/ctmp; mount /dev/mapper/ctmp /mnt/tmp; echo gone > /mnt/tmp/gone`,
    fstab: 'LABEL=root2 / ext4 defaults 0 1\n/dev/mapper/cswap none swap sw 0 0\n/dev/mapper/oswap none swap sw 0 0\n/dev/mapper/ctmp /tmp ext4 defaults 0 0',
    more: `printf '%s /dev/urandom %s,cipher=aes-xts-plain64,size=256\\n' 'cswap /dev/disk/by-id/virtio-LAYOUT-0-part3' swap "oswap UUID=$(blkid -p -o value -s UUID /dev/vdb4)" swap,offset=1024 'ctmp /dev/vdb5' tmp=ext4 > /mnt/etc/crypttab; cat /mnt/etc/crypttab`,
  },
  /** UEFI whose ESP is a mirror over two disks, each with an entry of the firmware; the root is another mirror. */
  'esp-raid': {
    disks: 2, firmware: 'uefi',
    make: `for d in vdb vdc; do printf '%s\\n' 'label: gpt' 'size=200M, type=U' 'type=A19D880F-05FC-4D3B-A006-743F0F84911E' | sfdisk -q /dev/$d; done; udevadm settle
mdadm --create /dev/md0 --run --metadata=1.0 --level=1 --raid-devices=2 --assume-clean --homehost=sample --name=esp /dev/vdb1 /dev/vdc1
mdadm --create /dev/md1 --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean --homehost=sample --name=root /dev/vdb2 /dev/vdc2
mkfs.vfat -n ESP2 /dev/md0; mkfs.ext4 -q -L root2 /dev/md1; mount /dev/md1 /mnt; mkdir -p /mnt/boot/efi; mount /dev/md0 /mnt/boot/efi`,
    fstab: 'LABEL=root2 / ext4 defaults 0 1\nLABEL=ESP2 /boot/efi vfat umask=0077 0 2', more: 'rm -rf /mnt/boot/grub; mdadm --detail --scan >> /mnt/etc/mdadm/mdadm.conf',
    boot: `chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=debian --no-nvram; chroot /mnt update-grub; find /mnt/boot/efi -type f
for d in vdb vdc; do efibootmgr -q -C -d /dev/$d -p 1 -L "debian $d" -l '\\EFI\\debian\\shimx64.efi'; done; efibootmgr -v`,
  },
  /** LVM that sees only the devices in a list of its own, by their numbers: those of other disks are not in it. */
  'lvm-devices': {
    disks: 1,
    make: `${gpt('/dev/vdb', 'type=E6D6D379-F507-44C2-A23C-238F2A3DF928')}
vgcreate -q vg /dev/vdb2; lvcreate -q -y -n root -L 1800M vg; lvcreate -q -y -n srv -L 300M vg
mkfs.ext4 -q -L root2 /dev/vg/root; mkfs.ext4 -q -L srv2 /dev/vg/srv; mount /dev/vg/root /mnt; mkdir -p /mnt/srv/data; mount /dev/vg/srv /mnt/srv/data; cp -a /usr/share/common-licenses /mnt/srv/data/`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\nLABEL=srv2 /srv/data ext4 defaults 0 2',
    more: `mkdir -p /mnt/etc/lvm/devices; sed -i 's/.*use_devicesfile = .*/\\tuse_devicesfile = 1/' /mnt/etc/lvm/lvm.conf; grep -n use_devicesfile /mnt/etc/lvm/lvm.conf
lvmdevices --config devices/use_devicesfile=1 --adddev /dev/vdb2; cp /etc/lvm/devices/system.devices /mnt/etc/lvm/devices/; cat /mnt/etc/lvm/devices/system.devices`,
  },
  /** Debian without systemd. */
  sysvinit: {
    disks: 1, packages: ['systemd-sysv-', 'sysvinit-core', 'orphan-sysvinit-scripts'],
    make: `printf '%s\\n' 'label: dos' 'size=2500M, type=83, bootable' 'type=82' | sfdisk -q /dev/vdb; udevadm settle
mkfs.ext4 -q -L root2 /dev/vdb1; mkswap -q -L swap2 /dev/vdb2; mount /dev/vdb1 /mnt`,
    fstab: 'LABEL=root2 / ext4 defaults 0 1\nLABEL=swap2 none swap sw 0 0',
  },
  /** Debian with OpenRC. */
  openrc: {
    disks: 1, packages: ['systemd-sysv-', 'sysv-rc-', 'sysvinit-core', 'openrc', 'orphan-sysvinit-scripts'],
    make: `printf '%s\\n' 'label: dos' 'size=2500M, type=83, bootable' 'type=82' | sfdisk -q /dev/vdb; udevadm settle
mkfs.ext4 -q -L root2 /dev/vdb1; mkswap -q -L swap2 /dev/vdb2; mount /dev/vdb1 /mnt`,
    fstab: 'LABEL=root2 / ext4 defaults 0 1\nLABEL=swap2 none swap sw 0 0',
  },
  /** SELinux enforces Debian's policy: what a restore makes itself (an initramfs, GRUB's files, a swap file, rewritten configuration) must have its labels. */
  selinux: {
    disks: 1, packages: ['selinux-policy-default', 'selinux-basics', 'policycoreutils'],
    make: `${gpt('/dev/vdb', 'type=L')}
mkfs.ext4 -q -L root2 /dev/vdb2; mount /dev/vdb2 /mnt; fallocate -l 64M /mnt/swapfile; chmod 600 /mnt/swapfile; mkswap -q /mnt/swapfile`,
    fstab: '/dev/disk/by-id/virtio-LAYOUT-0-part2 / ext4 defaults 0 1\n/swapfile none swap sw 0 0', expected: [/^\/etc\/fstab: /],
    boot: `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX security=selinux selinux=1"' >> /mnt/etc/default/grub; chroot /mnt grub-install --target=i386-pc /dev/vdb; chroot /mnt update-grub
sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /mnt/etc/selinux/config; rm -f /mnt/.autorelabel
chroot /mnt setfiles -F -e /dev -e /proc -e /sys -e /run -e /store /etc/selinux/default/contexts/files/file_contexts /; setfattr -n security.selinux -v system_u:object_r:swapfile_t:s0 /mnt/swapfile; getfattr -n security.selinux /mnt/etc/fstab /mnt/swapfile /mnt/boot/grub/grub.cfg`,
    // The policy lets no service compile code as it runs, as Node does: the comparison of the surveys is made after the look at the labels, without it.
    check: 'list=$(find / -xdev -context "*:unlabeled_t:*"); echo "SELINUX $(getenforce), $(echo "$list" | grep -c .) without a label" $list; ls -Z /swapfile /boot/initrd.img-*; setenforce 0', shows: [/SELINUX Enforcing, 0 without a label/, /swapfile_t:s0 \/swapfile/],
  },
  /** BIOS without GRUB: EXTLINUX in an MBR, whose menu names the root by its kernel name. */
  extlinux: {
    disks: 1, packages: ['extlinux', 'syslinux-common'],
    make: `printf '%s\\n' 'label: dos' 'type=83, bootable' | sfdisk -q /dev/vdb; udevadm settle
mkfs.ext4 -q -O ^64bit,^metadata_csum -L root2 /dev/vdb1; mount /dev/vdb1 /mnt`,
    fstab: 'LABEL=root2 / ext4 errors=remount-ro 0 1', more: 'rm -rf /mnt/boot/grub',
    boot: `mkdir -p /mnt/boot/extlinux; v=$(ls /mnt/lib/modules | tail -n 1)
printf '%s\\n' 'SERIAL 0 115200' 'DEFAULT linux' 'LABEL linux' " KERNEL /boot/vmlinuz-$v" " INITRD /boot/initrd.img-$v" ' APPEND root=/dev/vdb1 ro console=tty0 console=ttyS0' > /mnt/boot/extlinux/extlinux.conf
chroot /mnt extlinux --install /boot/extlinux; dd if=/mnt/usr/lib/syslinux/mbr/mbr.bin of=/dev/vdb bs=440 count=1 conv=notrunc status=none; lsattr /mnt/boot/extlinux`,
  },
  /** UEFI without GRUB: systemd-boot, whose entries name the root by its kernel name. */
  'systemd-boot': {
    // Names of the disk in these became UUIDs.
    disks: 1, firmware: 'uefi', packages: ['systemd-boot', 'systemd-boot-efi'], expected: [/^\/boot\/efi\/loader\/entries\//, /^\/etc\/kernel\/cmdline: /], ...onEsp,
    boot: `echo 'root=/dev/vdb2 ro console=tty0 console=ttyS0' > /mnt/etc/kernel/cmdline
chroot /mnt bootctl install --esp-path=/boot/efi --no-variables
for v in $(ls /mnt/lib/modules); do chroot /mnt kernel-install add $v /boot/vmlinuz-$v /boot/initrd.img-$v; done
find /mnt/boot/efi; cat /mnt/boot/efi/loader/entries/*.conf
efibootmgr -q -c -d /dev/vdb -p 1 -L 'Linux Boot Manager' -l '\\EFI\\systemd\\systemd-bootx64.efi'`,
  },
  /** UEFI without a boot loader: an entry of the firmware starts the kernel, with the name of the disk in its arguments. */
  'efi-stub': {
    disks: 1, firmware: 'uefi', ...onEsp,
    boot: `mkdir -p /mnt/boot/efi/EFI/debian /mnt/etc/initramfs/post-update.d
printf '#!/bin/sh\\ncp /boot/vmlinuz-$1 /boot/efi/EFI/debian/vmlinuz && cp $2 /boot/efi/EFI/debian/initrd.img\\n' > /mnt/etc/initramfs/post-update.d/esp; chmod 755 /mnt/etc/initramfs/post-update.d/esp
chroot /mnt update-initramfs -u; ls -l /mnt/boot/efi/EFI/debian; test -s /mnt/boot/efi/EFI/debian/initrd.img
efibootmgr -q -c -d /dev/vdb -p 1 -L 'Debian stub' -l '\\EFI\\debian\\vmlinuz' -u 'root=/dev/vdb2 ro console=ttyS0 initrd=\\EFI\\debian\\initrd.img'; efibootmgr -v`,
  },
  /** Debian's signed chain, rehearsed where the firmware enforces Secure Boot. */
  'secure-boot': {
    // The removable-media path, which it did not have.
    disks: 1, firmware: 'uefi', expected: [/EFI\/BOOT\//], ...onEsp, rehearse: ['--firmware', 'secure-boot'],
    boot: 'chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=debian; chroot /mnt update-grub; find /mnt/boot/efi -type f',
  },
  /** dracut instead of initramfs-tools, for this machine alone: on another bus it has to be run again. */
  dracut: {
    disks: 1, packages: ['dracut', 'initramfs-tools-', 'cryptsetup-initramfs-'],
    make: `${gpt('/dev/vdb', 'type=E6D6D379-F507-44C2-A23C-238F2A3DF928')}
vgcreate -q vg /dev/vdb2; lvcreate -q -y -n root -L 1800M vg; lvcreate -q -y -n swap -L 64M vg
mkfs.ext4 -q -L root2 /dev/vg/root; mkswap -q /dev/vg/swap; mount /dev/vg/root /mnt`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\n/dev/vg/swap none swap sw 0 0',
    initramfs: `echo 'hostonly=yes' > /mnt/etc/dracut.conf.d/hostonly.conf
for v in $(ls /mnt/lib/modules); do chroot /mnt dracut --force /boot/initrd.img-$v $v; if lsinitrd /mnt/boot/initrd.img-$v | grep /nvme.ko; then exit 1; fi; done`,
  },
  ...DISTRIBUTIONS,
};

/** What of a file system follows from its size. */
const OTHER_SIZE = [/\/parameters\/(inodes|agBytes|logBytes): /];

/** What is otherwise when two disks have become one: names and numbers of their partitions. */
const ONE_DISK = [/^\/disks\//, /\/(device|disk|partition): /, /\/(members|devices|physical|on)\//, /^(disk |size of disk|partitions? (table )?of)/, /^\/layers\/\d+\/on/];

/** BIOS: GRUB in every disk. */
const bootByGrub = (layout) => `for d in vdb vdc; do [ ! -b /dev/$d ] || [ $d = ${layout.disks === 1 ? 'vdc' : 'none'} ] || chroot /mnt grub-install --target=i386-pc /dev/$d; done
chroot /mnt update-grub`;

/** Few modules, for the emulator's sake: those of this machine. On another bus the restore has to make the initramfs again. */
const INITRAMFS_TOOLS = `sed -i 's/^MODULES=.*/MODULES=dep/' /mnt/etc/initramfs-tools/initramfs.conf
chroot /mnt update-initramfs -u`;

/** The machine in its guest: layout, system, boot loader, set. */
const script = (layout) => `set -e
DISK=${layout.bus === 'ahci' ? '/dev/sda' : '/dev/vdb'}
export DM_DISABLE_UDEV=
${layout.make}
for d in / /boot; do mountpoint -q $d || continue; tar -C $d --one-file-system --exclude=./lost+found --exclude=./efi --xattrs --xattrs-include='*' --acls -c . | tar -C /mnt/\${d#/} --xattrs --xattrs-include='*' --acls -x; done
printf '%b\\n' '${layout.fstab.replaceAll('\n', '\\n')}' > /mnt/etc/fstab
${layout.more ?? ''}
echo sample-layout > /mnt/etc/hostname
mkdir -p /mnt/etc/systemd/system.conf.d /mnt/store; printf '[Manager]\\nDefaultTimeoutStartSec=900\\nDefaultDeviceTimeoutSec=900\\n' > /mnt/etc/systemd/system.conf.d/slow.conf
for d in dev proc sys run; do mount --bind /$d /mnt/$d; done
[ ! -d /sys/firmware/efi/efivars ] || mount --bind /sys/firmware/efi/efivars /mnt/sys/firmware/efi/efivars
${layout.initramfs ?? INITRAMFS_TOOLS}
${layout.boot ?? bootByGrub(layout)}
# The maker's own swap would be a part of the machine.
swapoff -a; sync; mount /dev/disk/by-label/STORE /mnt/store
chroot /mnt cdrec build --mode iso --out /store --exclude-mount /store
umount /mnt/store; umount -R /mnt; sync; echo MADE`;

/** Ubuntu's packages are signed with keys that Debian's apt does not know. */
const distribution = async (release) => (release?.ubuntu === true ? { ...release, keyring: await ubuntuKeyring('.cache') } : release);

/** The layout made in a guest, and its set built in it: an image of its first volume. */
async function make(name, layout, iso) {
  const image = (n) => path(`${name}-${n}.img`);
  const store = path(`${name}-store.img`);
  for (const [file, size] of [[image(1), '3G'], ...(layout.disks > 1 ? [[image(2), '3G']] : []), [store, '2G']]) {
    rmSync(file, { force: true });
    await execa('truncate', ['-s', size, file]);
  }
  await execa('mkfs.ext4', ['-q', '-F', '-L', 'STORE', store]);
  const maker = path('maker.img');
  const firmware = layout.firmware ?? 'bios';
  await makeSampleDisk({ name: firmware === 'uefi' ? 'uefi-xfs' : 'bios-ext4', base: await makeBaseSystem('.cache', [...STACK_PACKAGES, ...(layout.packages ?? [])], STACK_MODULES, await distribution(layout.release)), image: maker, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  await use(attachImage(store), (loop) => withMounts([[loop.device, path('mnt')]], async () => { writeFileSync(path('mnt/make.sh'), script(layout)); }));
  const disks = [image(1), ...(layout.disks > 1 ? [image(2)] : [])].map((file, i) => ({ file, as: layout.bus ?? 'virtio', serial: `LAYOUT-${i}` }));
  await use(Guest.start({ accelerator, firmware, memoryMiB: 1024, variables: path(`${name}.vars`), media: [{ file: maker, as: 'virtio', boot: true }, ...disks, { file: store, as: 'virtio', serial: 'STORE' }], log: path(`${name}-make.log`) }), async (guest) => {
    await bootToLogin(guest, 900);
    await guest.must('mkdir -p /s && mount -L STORE /s && cp /s/make.sh /tmp/ && umount /s', 60);
    const { status, output } = await guest.run('TERM=dumb bash /tmp/make.sh', 1800);
    if (status !== 0 || !output.includes('MADE')) throw new Error(`${name}: status ${status}\n${output.slice(-3000)}`);
    await powerOff(guest);
  });
  await use(attachImage(store), (loop) => withMounts([['-o', 'ro', loop.device, path('mnt')]], () => execa('bash', ['-c', 'cp "$0"/*_1.iso "$1"', path('mnt'), iso])));
  for (const file of [maker, store, ...disks.map((d) => d.file)]) rmSync(file);
}

/** A sample system, started; `cdrec build` in it. */
async function makeSample(name, layout, iso) {
  const work = path(`${name}-demo`);
  await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', layout.sample, '--inside', '--volume-size', 'dvd', '--dir', work, '--cache', '.cache'], { stdio: ['ignore', 'ignore', 'inherit'] });
  cpSync(join(work, 'set', readdirSync(join(work, 'set')).find((n) => n.endsWith('_1.iso'))), iso);
  rmSync(work, { recursive: true });
}

/** What went wrong, a line each: the others are run all the same. */
const failed = [];

async function run(name, layout, only) {
  const all = { same: [], larger: Array.from({ length: layout.disks }).flatMap(() => ['--disk', '9G']), smaller: ['--smaller', '20%', '--bus', 'nvme'], ...(layout.disks > 1 ? { one: ['--disk', '/dev/vdc=/dev/vdb', '--bus', 'nvme'] } : {}) };
  const possible = Object.keys(all).filter((v) => layout.only?.includes(v) !== false);
  if (only !== undefined && !possible.includes(only)) throw new Error(`${name} has no variant "${only}"; there are ${possible.join(', ')}`);
  const wanted = only ?? (quick ? (possible.includes('smaller') ? 'smaller' : possible[0]) : undefined);
  const variants = Object.entries(all).filter(([v]) => (wanted === undefined ? possible.includes(v) : v === wanted));
  const iso = path(`${name}.iso`);
  await (layout.sample === undefined ? make : makeSample)(name, layout, iso);
  chmodSync(iso, 0o644);
  for (const [variant, flags] of variants) {
    writeFileSync(path('survey-check.sh'), await surveyScript(dir, variant === 'same' ? 'same' : 'other', layout.check));
    chmodSync(path('survey-check.sh'), 0o644);
    const { exitCode, json, html, report } = await rehearseAsNobody(dir, `${name}-${variant}`, [iso], [...flags, ...(layout.rehearse ?? []), '--inject', path('survey-check.sh')]);
    console.log(json.remarks.map((r) => `    ${r}`).join('\n'));
    if (exitCode !== 0) {
      failed.push(`${name}:${variant}: ${json.stages.find((s) => s.verdict === 'FAIL')?.reason}`);
      console.log(`${failed.at(-1)}\n${html.match(/<pre tabindex="0">[^]*?<\/pre>/g)?.map((l) => l.slice(-2500)).join('\n---\n')}`);
      continue;
    }
    const { compared, said } = surveyResult(html);
    const expected = [...(layout.expected ?? []), ...(variant === 'same' ? [] : OTHER_SIZE), ...(variant === 'one' ? ONE_DISK : [])];
    const differences = said.filter((d) => !expected.some((e) => e.test(d)));
    console.log(`    surveys: ${compared}${said.map((d) => `\n      ${differences.includes(d) ? 'WRONG ' : ''}${d}`).join('')}`);
    for (const s of (layout.shows ?? []).filter((r) => !r.test(html))) failed.push(`${name}:${variant}: it did not say ${s}`);
    if (differences.length > 0) failed.push(`${name}:${variant}: ${differences.join('; ')}`);
    rmSync(report, { recursive: true });
  }
  rmSync(iso);
}

mkdirSync(path('mnt'), { recursive: true });
for (const one of asked.length > 0 ? asked : Object.keys(LAYOUTS)) {
  const [name, variant] = one.split(':');
  if (LAYOUTS[name] === undefined) throw new Error(`no layout "${name}"; there are ${Object.keys(LAYOUTS).join(', ')}`);
  await run(name, LAYOUTS[name], variant);
}
rmSync(dir, { recursive: true, force: true });
if (failed.length > 0) throw new Error(`failed:\n${failed.join('\n')}`);

// Machines of other distributions than Debian 12, for the matrix of layouts: each with the tools, the kernel and the habits of its own release.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

/** What signs Ubuntu's packages, from Debian 13's package of it, out of the mirror that apt uses. */
export async function ubuntuKeyring(cache) {
  const keyring = resolve(cache, 'ubuntu-archive-keyring.gpg');
  if (existsSync(keyring)) return keyring;
  const dir = mkdtempSync(join(tmpdir(), 'cdrec-keyring-'));
  try {
    mkdirSync(join(dir, 'lists/partial'), { recursive: true });
    await execa('bash', ['-c', `set -e; cd "$0"; chmod 755 .
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > sources.list
o="-qq -o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User=root"
apt-get $o update; apt-get $o download ubuntu-keyring; dpkg-deb --extract ubuntu-keyring_*.deb x`, dir]);
    mkdirSync(cache, { recursive: true });
    cpSync(join(dir, 'x/usr/share/keyrings/ubuntu-archive-keyring.gpg'), keyring);
    return keyring;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

// console-setup takes minutes of an emulated screen there.
const UBUNTU = { ubuntu: true, components: ['universe'], packages: ['linux-image-amd64-', 'linux-image-virtual', 'console-setup-'] };

/**
 * As Ubuntu's installer lays a server out: an ESP, /boot, and a volume group of which the root takes a part; fstab names volumes by
 * LVM's own UUIDs (/dev/disk/by-id/dm-uuid-LVM-...), the others by links; the swap is a file. A second volume, which nothing starts without, is named likewise.
 */
const subiquity = {
  disks: 1, firmware: 'uefi', rehearse: ['--firmware', 'secure-boot'],
  make: `printf '%s\\n' 'label: gpt' 'size=100M, type=U' 'size=400M, type=L' 'type=L' | sfdisk -q /dev/vdb; udevadm settle
vgcreate -q ubuntu-vg /dev/vdb3; lvcreate -q -y -n ubuntu-lv -L 1900M ubuntu-vg; lvcreate -q -y -n srv -L 200M ubuntu-vg
mkfs.vfat -F32 /dev/vdb1; mkfs.ext4 -q /dev/vdb2; mkfs.ext4 -q /dev/ubuntu-vg/ubuntu-lv; mkfs.ext4 -q /dev/ubuntu-vg/srv
mount /dev/ubuntu-vg/ubuntu-lv /mnt; mkdir -p /mnt/boot /mnt/srv/data; mount /dev/vdb2 /mnt/boot; mkdir /mnt/boot/efi; mount /dev/vdb1 /mnt/boot/efi; mount /dev/ubuntu-vg/srv /mnt/srv/data; cp -a /usr/share/common-licenses /mnt/srv/data/
fallocate -l 64M /mnt/swap.img; chmod 600 /mnt/swap.img; mkswap /mnt/swap.img`,
  fstab: '/swap.img none swap sw 0 0',
  more: `lv() { printf '/dev/disk/by-id/dm-uuid-LVM-%s %s ext4 defaults 0 1\\n' "$(lvs --noheadings -o vg_uuid,lv_uuid ubuntu-vg/$1 | tr -d ' -')" $2; }
{ lv ubuntu-lv /; lv srv /srv/data; printf '/dev/disk/by-uuid/%s %s 0 1\\n' $(blkid -o value -s UUID /dev/vdb2) '/boot ext4 defaults' $(blkid -o value -s UUID /dev/vdb1) '/boot/efi vfat defaults'; } >> /mnt/etc/fstab; cat /mnt/etc/fstab`,
  boot: 'chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=ubuntu; chroot /mnt update-grub; find /mnt/boot/efi -type f',
};

/** Layouts in words of matrix.mjs; `release` says what the machine is made of. */
export const DISTRIBUTIONS = {
  'debian-11': {
    disks: 1, release: { suite: 'bullseye' },
    make: `printf '%s\\n' 'label: dos' 'size=2200M, type=8e, bootable' 'type=5' 'size=300M, type=83' 'type=82' | sfdisk -q /dev/vdb; udevadm settle
vgcreate -q vg /dev/vdb1; lvcreate -q -y -n root -L 1700M vg; lvcreate -q -y -n var -L 400M vg
mkfs.ext4 -q -L root2 /dev/vg/root; mkfs.xfs -q -L var2 /dev/vg/var; mkfs.btrfs -q -M -L srv2 /dev/vdb5; mkswap -L swap2 /dev/vdb6
mount /dev/vg/root /mnt; mkdir -p /mnt/srv/data /mnt/home; mount /dev/vdb5 /mnt/srv/data; mount /dev/vg/var /mnt/home; cp -a /usr/share/common-licenses /mnt/srv/data/; cp -a /usr/share/common-licenses /mnt/home/`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\nLABEL=var2 /home xfs defaults 0 0\nLABEL=srv2 /srv/data btrfs defaults 0 0\nLABEL=swap2 none swap sw 0 0',
  },
  /** The next Debian: its kernel, systemd, GRUB and file systems with all that they now have by default; UEFI with Secure Boot, /boot apart, LVM with ext4 and xfs. */
  'debian-13': {
    disks: 1, firmware: 'uefi', release: { suite: 'trixie' }, rehearse: ['--firmware', 'secure-boot'],
    make: `printf '%s\\n' 'label: gpt' 'size=200M, type=U' 'size=300M, type=L' 'type=E6D6D379-F507-44C2-A23C-238F2A3DF928' | sfdisk -q /dev/vdb; udevadm settle
vgcreate -q vg /dev/vdb3; lvcreate -q -y -n root -L 1700M vg; lvcreate -q -y -n home -L 400M vg; lvcreate -q -y -n swap -L 64M vg
mkfs.vfat -n ESP2 /dev/vdb1; mkfs.ext4 -q -L boot2 /dev/vdb2; mkfs.ext4 -q -L root2 /dev/vg/root; mkfs.xfs -q -L home2 /dev/vg/home; mkswap /dev/vg/swap
mount /dev/vg/root /mnt; mkdir -p /mnt/boot /mnt/home; mount /dev/vdb2 /mnt/boot; mkdir /mnt/boot/efi; mount /dev/vdb1 /mnt/boot/efi; mount /dev/vg/home /mnt/home; cp -a /usr/share/common-licenses /mnt/home/`,
    fstab: '/dev/mapper/vg-root / ext4 defaults 0 1\nLABEL=boot2 /boot ext4 defaults 0 2\nLABEL=ESP2 /boot/efi vfat umask=0077 0 2\nLABEL=home2 /home xfs defaults 0 0\n/dev/vg/swap none swap sw 0 0',
    boot: 'chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=debian; chroot /mnt update-grub; find /mnt/boot/efi -type f',
  },
  /** The Debian that comes. */
  'debian-14': {
    disks: 1, firmware: 'uefi', release: { suite: 'forky', packages: ['isc-dhcp-client-', 'dhcpcd-base'], apt: ['Acquire::Check-Valid-Until "false"'] }, // of a release to come, security's lists are seldom renewed
    make: `printf '%s\\n' 'label: gpt' 'size=100M, type=U' 'size=300M, type=L' 'size=2000M, type=L' 'type=L' | sfdisk -q /dev/vdb; udevadm settle
mkfs.vfat -n ESP2 /dev/vdb1; mkfs.ext4 -q -L boot2 /dev/vdb2; mkfs.xfs -q -L root2 /dev/vdb3; mkfs.btrfs -q -L home2 /dev/vdb4
mount /dev/vdb3 /mnt; mkdir -p /mnt/boot /mnt/home; mount /dev/vdb2 /mnt/boot; mkdir /mnt/boot/efi; mount /dev/vdb1 /mnt/boot/efi; mount /dev/vdb4 /mnt/home; cp -a /usr/share/common-licenses /mnt/home/`,
    fstab: 'LABEL=root2 / xfs defaults 0 0\nLABEL=boot2 /boot ext4 defaults 0 2\nLABEL=ESP2 /boot/efi vfat umask=0077 0 2\nLABEL=home2 /home btrfs defaults 0 0',
    boot: 'chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=debian; chroot /mnt update-grub; find /mnt/boot/efi -type f',
  },
  'ubuntu-24.04': { ...subiquity, release: { suite: 'noble', ...UBUNTU } },
  'ubuntu-26.04': { ...subiquity, release: { suite: 'resolute', ...UBUNTU, packages: [...UBUNTU.packages, 'initramfs-tools-', 'cryptsetup-initramfs-', 'dracut'] }, initramfs: ': # dracut makes one for any machine there, in half an hour of an emulated processor' },
  /** LILO, of the last distribution that has it; it knows SATA disks, not those of a hypervisor, nor NVMe. */
  lilo: {
    // LILO writes into its first stage where the second one lies.
    disks: 1, bus: 'ahci', expected: [/^boot sector 1: /], only: ['same', 'larger'], rehearse: ['--bus', 'ahci'], release: { suite: 'jammy', ...UBUNTU, packages: [...UBUNTU.packages, 'lilo'] },
    make: `printf '%s\\n' 'label: dos' 'size=2500M, type=83, bootable' 'type=82' | sfdisk -q $DISK; udevadm settle
mkfs.ext4 -q -L root2 \${DISK}1; mkswap -L swap2 \${DISK}2; mount \${DISK}1 /mnt`,
    fstab: 'LABEL=root2 / ext4 defaults 0 1\nLABEL=swap2 none swap sw 0 0', more: 'rm -rf /mnt/boot/grub',
    boot: `v=$(ls /mnt/lib/modules | tail -n 1)
printf '%s\\n' "boot=$DISK" lba32 large-memory 'serial=0,115200' prompt timeout=10 "image=/boot/vmlinuz-$v" ' label=linux' " initrd=/boot/initrd.img-$v" " root=\${DISK}1" ' read-only' ' append="console=tty0 console=ttyS0"' > /mnt/etc/lilo.conf
chroot /mnt lilo -v`,
  },
};

/** Debian, Fedora, Arch and openSUSE packages that bring a program, where it is not named like the program. */
const PACKAGES: Record<string, readonly [debian: string, fedora: string, arch: string, suse: string]> = {
  sfdisk: ['fdisk', 'util-linux', 'util-linux', 'util-linux'],
  lsblk: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  findmnt: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  blkid: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  wipefs: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  partx: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  mount: ['mount', 'util-linux', 'util-linux', 'util-linux'],
  umount: ['mount', 'util-linux', 'util-linux', 'util-linux'],
  mkswap: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  mksquashfs: ['squashfs-tools', 'squashfs-tools', 'squashfs-tools', 'squashfs'],
  zstd: ['zstd', 'zstd', 'zstd', 'zstd'],
  modinfo: ['kmod', 'kmod', 'kmod', 'kmod'],
  ldd: ['libc-bin', 'glibc-common', 'glibc', 'glibc'],
  lsattr: ['e2fsprogs', 'e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  'mkfs.ext4': ['e2fsprogs', 'e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  dumpe2fs: ['e2fsprogs', 'e2fsprogs', 'e2fsprogs', 'e2fsprogs'],
  'mkfs.xfs': ['xfsprogs', 'xfsprogs', 'xfsprogs', 'xfsprogs'],
  xfs_quota: ['xfsprogs', 'xfsprogs', 'xfsprogs', 'xfsprogs'],
  setquota: ['quota', 'quota', 'quota-tools', 'quota'],
  xfs_info: ['xfsprogs', 'xfsprogs', 'xfsprogs', 'xfsprogs'],
  'mkfs.vfat': ['dosfstools', 'dosfstools', 'dosfstools', 'dosfstools'],
  btrfs: ['btrfs-progs', 'btrfs-progs', 'btrfs-progs', 'btrfsprogs'],
  'mkfs.btrfs': ['btrfs-progs', 'btrfs-progs', 'btrfs-progs', 'btrfsprogs'],
  'mkfs.f2fs': ['f2fs-tools', 'f2fs-tools', 'f2fs-tools', 'f2fs-tools'],
  'mkfs.jfs': ['jfsutils', 'jfsutils', 'jfsutils', 'jfsutils'],
  jfs_tune: ['jfsutils', 'jfsutils', 'jfsutils', 'jfsutils'],
  mkreiserfs: ['reiserfsprogs', 'reiserfs-utils', 'reiserfsprogs', 'reiserfs'],
  'mkfs.exfat': ['exfatprogs', 'exfatprogs', 'exfatprogs', 'exfatprogs'],
  exfatlabel: ['exfatprogs', 'exfatprogs', 'exfatprogs', 'exfatprogs'],
  lvm: ['lvm2', 'lvm2', 'lvm2', 'lvm2'],
  dmsetup: ['dmsetup', 'device-mapper', 'device-mapper', 'device-mapper'],
  thin_check: ['thin-provisioning-tools', 'device-mapper-persistent-data', 'thin-provisioning-tools', 'thin-provisioning-tools'],
  ntfsclone: ['ntfs-3g', 'ntfsprogs', 'ntfs-3g', 'ntfsprogs'],
  'grub-mkimage': ['grub-common', 'grub2-tools', 'grub', 'grub2'],
  'isolinux.bin': ['isolinux', 'syslinux', 'syslinux', 'syslinux'],
  'ldlinux.c32': ['syslinux-common', 'syslinux', 'syslinux', 'syslinux'],
  'x86_64-efi modules': ['grub-efi-amd64-bin', 'grub2-efi-x64-modules', 'grub', 'grub2-x86_64-efi'],
  'i386-pc modules': ['grub-pc-bin', 'grub2-pc-modules', 'grub', 'grub2-i386-pc'],
  shim: ['shim-signed grub-efi-amd64-signed', 'shim-x64 grub2-efi-x64 grub2-efi-x64-cdboot', 'shim-signed', 'shim grub2-x86_64-efi'],
  syslinux: ['syslinux', 'syslinux', 'syslinux', 'syslinux'],
  'pxelinux.0': ['pxelinux', 'syslinux-nonlinux', 'syslinux', 'syslinux'],
  'memtest86+': ['memtest86+', 'memtest86+', 'memtest86+-efi', 'memtest86+'],
  par2: ['par2', 'par2cmdline', 'par2cmdline', 'par2cmdline'],
  age: ['age', 'age', 'age', 'age'],
  'age-keygen': ['age', 'age', 'age', 'age'],
  mt: ['mt-st', 'mt-st', 'mt-st', 'mt-st'],
  growisofs: ['growisofs', 'dvd+rw-tools', 'dvd+rw-tools', 'dvd+rw-tools'],
  wodim: ['wodim', 'wodim', 'cdrtools', 'wodim'],
  xorriso: ['xorriso', 'xorriso', 'libisoburn', 'xorriso'],
  loadkeys: ['kbd', 'kbd', 'kbd', 'kbd'],
  udevadm: ['udev', 'systemd-udev', 'systemd', 'udev'],
  dhcpcd: ['dhcpcd-base', 'dhcpcd', 'dhcpcd', 'dhcpcd'],
  sshd: ['openssh-server', 'openssh-server', 'openssh', 'openssh-server'],
  'ssh-keygen': ['openssh-client', 'openssh', 'openssh', 'openssh-common'],
  mdadm: ['mdadm', 'mdadm', 'mdadm', 'mdadm'],
  cryptsetup: ['cryptsetup-bin', 'cryptsetup', 'cryptsetup', 'cryptsetup'],
  efibootmgr: ['efibootmgr', 'efibootmgr', 'efibootmgr', 'efibootmgr'],
  modprobe: ['kmod', 'kmod', 'kmod', 'kmod'],
  losetup: ['mount', 'util-linux', 'util-linux', 'util-linux'],
  unshare: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  blockdev: ['util-linux', 'util-linux', 'util-linux', 'util-linux'],
  chroot: ['coreutils', 'coreutils', 'coreutils', 'coreutils'],
  dd: ['coreutils', 'coreutils', 'coreutils', 'coreutils'],
  ip: ['iproute2', 'iproute', 'iproute2', 'iproute2'],
  ssh: ['openssh-client', 'openssh-clients', 'openssh', 'openssh-clients'],
  mcopy: ['mtools', 'mtools', 'mtools', 'mtools'],
  mmd: ['mtools', 'mtools', 'mtools', 'mtools'],
  getfattr: ['attr', 'attr', 'attr', 'attr'],
  setfattr: ['attr', 'attr', 'attr', 'attr'],
  setfacl: ['acl', 'acl', 'acl', 'acl'],
  'update-initramfs': ['initramfs-tools', 'initramfs-tools', 'initramfs-tools', 'initramfs-tools'],
  partclone: ['partclone', 'partclone', 'partclone', 'partclone'],
  'qemu-system-x86_64': ['qemu-system-x86', 'qemu-system-x86', 'qemu-system-x86', 'qemu-x86'],
};

/** Families of distributions, by their package manager. */
export const PACKAGE_MANAGERS = ['apt', 'dnf', 'pacman', 'zypper'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/**
 * The package manager of a distribution by ID and ID_LIKE of os-release(5); `undefined` for one that is not known.
 */
export function packageManagerOf(osRelease: string): PackageManager | undefined {
  const words = [...osRelease.matchAll(/^(?:ID|ID_LIKE)=["']?([^"'\n]*)/gm)].flatMap((m) => (m[1] as string).split(/\s+/));
  const is = (...ids: readonly string[]): boolean => words.some((w) => ids.includes(w));
  return is('debian', 'ubuntu') ? 'apt' : is('fedora', 'rhel', 'centos') ? 'dnf' : is('arch') ? 'pacman' : is('suse', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'sles') ? 'zypper' : undefined;
}

/** The packages that bring some programs, each once, sorted. */
export function packagesFor(manager: PackageManager, programs: readonly string[]): string[] {
  const index = PACKAGE_MANAGERS.indexOf(manager);
  return [...new Set(programs.flatMap((p) => (PACKAGES[p]?.[index] ?? p).split(' ')))].sort();
}

/** The command that installs packages without questions of its own, as an argv array. */
export function installCommand(manager: PackageManager, packages: readonly string[]): readonly [program: string, ...args: string[]] {
  switch (manager) {
    case 'apt': return ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
    case 'dnf': return ['dnf', 'install', '--assumeyes', ...packages];
    case 'pacman': return ['pacman', '-S', '--needed', '--noconfirm', ...packages];
    case 'zypper': return ['zypper', '--non-interactive', 'install', ...packages];
  }
}

/** The Debian package that brings a program. */
export function packageOf(program: string): string {
  return PACKAGES[program]?.[0] ?? program;
}

/** A sentence that says how to get a missing program on the common distributions. */
export function installHint(program: string): string {
  const p = PACKAGES[program] ?? [program, program, program, program];
  return `install it: apt install ${p[0]} | dnf install ${p[1]} | pacman -S ${p[2]} | zypper install ${p[3]}`;
}

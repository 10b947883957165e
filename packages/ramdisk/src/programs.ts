/**
 * Programs of the rescue system. `required` are those that a restore runs; without the optional ones it works,
 * with less comfort or without the file systems they make.
 */
export const RESCUE_PROGRAMS = {
  required: [
    'bash', 'sh', 'mount', 'umount', 'lsblk', 'sfdisk', 'blkid', 'wipefs', 'findmnt', 'partx', 'blockdev', 'mkswap', 'losetup', 'setsid', 'dmesg',
    'tar', 'gzip', 'zstd', 'modprobe', 'lsmod', 'chroot', 'cat', 'cp', 'mv', 'ls', 'ln', 'mkdir', 'rmdir', 'rm', 'chmod', 'chown', 'touch', 'dd', 'df', 'du', 'sync', 'sleep', 'stat',
    'head', 'tail', 'sort', 'wc', 'cut', 'tr', 'uname', 'id', 'env', 'date', 'readlink', 'realpath', 'sha256sum', 'cmp', 'sed', 'grep', 'find', 'mknod', 'stty', 'tty', 'true', 'false', 'mkfifo', 'tee', 'basename', 'dirname',
  ],
  optional: [
    'mkfs.ext4', 'mkfs.ext3', 'mkfs.ext2', 'mke2fs', 'e2fsck', 'tune2fs', 'dumpe2fs', 'resize2fs', 'debugfs', 'fsck', 'fsck.ext4',
    'mkfs.xfs', 'xfs_repair', 'xfs_admin', 'xfs_db', 'xfs_info', 'xfs_growfs', 'xfs_io', 'xfs_spaceman', 'mkfs.vfat', 'mkfs.fat', 'fsck.vfat', 'fatlabel',
    'efibootmgr', 'fdisk', 'cfdisk', 'gdisk', 'sgdisk', 'parted', 'lspci', 'lsusb', 'smartctl', 'hdparm', 'nvme', 'udevadm', 'swapon', 'swapoff', 'mountpoint', 'flock', 'hwclock',
    'xz', 'bzip2', 'pigz', 'lbzip2', 'age', 'cpio', 'setfattr', 'getfattr', 'setfacl', 'getfacl', 'setcap', 'getcap', 'lsattr', 'chattr', 'awk', 'less', 'more', 'vi', 'nano', 'diff', 'hexdump', 'xxd', 'ps', 'kill', 'top', 'free', 'uptime',
    'mdadm', 'lvm', 'dmsetup', 'cryptsetup', 'btrfs', 'mkfs.btrfs', 'mkfs.f2fs', 'fsck.f2fs', 'ntfsclone', 'ntfs-3g', 'ntfsfix', 'partclone.restore', 'par2', 'mt', 'mt-st', 'mtx', 'sg_logs', 'sg_read_attr', 'eject',
    'ip', 'ping', 'ssh', 'scp', 'rsync', 'curl', 'wget', 'hostname', 'mount.nfs', 'mount.cifs', 'sshfs', 'tcpdump', 'ethtool', 'insmod', 'rmmod', 'depmod', 'modinfo', 'kmod', 'xargs', 'which', 'clear', 'reset', 'strace', 'ddrescue', 'unshare', 'nsenter', 'timeout', 'seq', 'od', 'base64', 'mktemp', 'split', 'rev', 'printf', 'echo', 'test', 'expr', 'loadkeys',
  ],
} as const;

/** Below /usr/lib/udev (or /lib/udev): helpers that rules call. */
export const UDEV_HELPERS = ['ata_id', 'scsi_id', 'cdrom_id', 'mtd_probe', 'v4l_id', 'dmi_memory_id'] as const;

/** Module directories (below kernel/) of the default set: storage, buses, file systems, virtual machines, common network. */
export const MODULE_DIRECTORIES = [
  'drivers/ata/', 'drivers/block/', 'drivers/cdrom/', 'drivers/scsi/', 'drivers/nvme/', 'drivers/virtio/', 'drivers/usb/host/', 'drivers/usb/storage/', 'drivers/usb/common/', 'drivers/usb/core/', 'drivers/usb/typec/',
  'drivers/hid/', 'drivers/input/keyboard/', 'drivers/input/serio/', 'drivers/input/mouse/', 'drivers/md/', 'drivers/firewire/', 'drivers/mmc/', 'drivers/message/', 'drivers/dax/', 'drivers/nvdimm/', 'drivers/char/hw_random/', 'drivers/char/virtio_console', 'drivers/firmware/',
  'drivers/misc/vmw', 'drivers/net/ethernet/', 'drivers/net/phy/', 'drivers/net/mdio/', 'drivers/net/virtio_net', 'drivers/net/net_failover', 'drivers/net/vmxnet3/', 'drivers/net/hyperv/', 'drivers/hv/', 'drivers/xen/', 'drivers/pci/', 'drivers/thunderbolt/', 'drivers/rtc/',
  'fs/', 'crypto/', 'lib/', 'arch/', 'net/9p/', 'net/core/', 'net/802/', 'net/8021q/', 'net/packet/', 'net/ipv6/ipv6',
] as const;

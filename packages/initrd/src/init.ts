/** Form of rd-base on the medium. */
export type RescueImage = 'squashfs' | 'tar.zst' | 'tar.gz';

/** Modules that find a medium and mount rd-base; loaded by name, because some of them have no device alias. */
export const STATIC_MODULES = [
  'virtio_pci', 'virtio_blk', 'virtio_scsi', 'ahci', 'ata_piix', 'ata_generic', 'nvme', 'xhci_pci', 'ehci_pci', 'uhci_hcd', 'ohci_pci',
  'usb_storage', 'uas', 'sd_mod', 'sr_mod', 'isofs', 'loop', 'squashfs', 'overlay',
] as const;

/** How rd-base becomes the new root. */
function unpackSteps(image: RescueImage): string {
  return image === 'squashfs'
    ? `if [ "$from" != /cdrec ]; then
  say "copying the rescue system into memory"
  cat "$from/rd-base.squashfs" > /run/ram/rd-base.squashfs || fail "rd-base could not be copied (memory full or medium damaged)"
  from=/run/ram
fi
mount -t squashfs -o loop,ro "$from/rd-base.squashfs" /run/image || fail "rd-base is damaged: it cannot be mounted"
mkdir -p /run/ram/upper /run/ram/work
mount -t overlay -o lowerdir=/run/image,upperdir=/run/ram/upper,workdir=/run/ram/work overlay /newroot || fail "the overlay cannot be mounted"`
    : `say "unpacking the rescue system into memory"
mount -t tmpfs -o size=90%,mode=755 root /newroot
tar -x --use-compress-program=${image === 'tar.zst' ? 'zstd' : 'gzip'} -f "$from/rd-base.${image}" -C /newroot || fail "rd-base could not be unpacked (memory full or medium damaged)"`;
}

/** What util-linux's switch_root does, where only chroot is there (Debian and Ubuntu have it in a package that a small system lacks): the mounts move, and most of the memory of this stage is given back. */
const SWITCH_BY_HAND = `for point in dev proc sys run; do mount --move /$point /newroot/$point; done
rm -rf /lib/modules/* /usr/lib/modules/*
cd /newroot
mount --move . /
exec chroot . /sbin/init`;

/**
 * The init script of the first stage: POSIX sh, with the few host programs that the initrd carries. rd-base comes from
 * the medium of the set (CD, stick, disk), from an ISO file on a disk (\`cdrec.iso=PATH\`), or lies in the initramfs already
 * because the boot loader has fetched it (network boot). Without `switchRoot` (the program), it uses mount and chroot.
 */
export function initScript(image: RescueImage, switchRoot: boolean): string {
  return `#!/bin/sh
# First stage of the rescue system: find the medium of this set, load rd-base into memory, switch to it.
export PATH=/usr/sbin:/usr/bin
mkdir -p /proc /sys /dev /run /medium /newroot
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 run /run
# Only what is said here shall be on the consoles: trying file systems makes the kernel complain about each that it is not.
echo 3 > /proc/sys/kernel/printk
say() { echo "<2>cdrec: $*" > /dev/kmsg; }
seconds() { read -r up rest < /proc/uptime; echo "\${up%.*}"; }
fail() {
  say "$*"
  say "this shell is for looking around; 'exit' tries again, reset restarts the machine"
  sh < /dev/console > /dev/console 2>&1
  exec /init
}
set_id=
iso=
for word in $(cat /proc/cmdline); do
  case $word in
    cdrec.set=*) set_id=\${word#*=} ;;
    cdrec.iso=*) iso=\${word#*=} ;;
  esac
done
set -f
modprobe -abq ${STATIC_MODULES.join(' ')} 2> /dev/null
load() {
  set +f
  aliases=$(cat /sys/bus/*/devices/*/modalias 2> /dev/null)
  set -f
  modprobe -abq $aliases 2> /dev/null
}
load
marked() {
  mount -t iso9660 -o ro "$1" /medium 2> /dev/null || return 1
  [ -e "/medium/cdrec/id/$set_id" ] && return 0
  umount /medium
  return 1
}
find_medium() {
  set +f
  for device in /dev/sr[0-9]* /dev/sd* /dev/vd* /dev/nvme*n* /dev/mmcblk* /dev/xvd*; do
    [ -b "$device" ] && marked "$device" && return 0
  done
  return 1
}
# Read-only and without replaying a journal: the disk stays as it is.
mount_disk() {
  mount -t ext4 -o ro,noload "$1" /run/cdrec/disk || mount -t xfs -o ro,norecovery,nouuid "$1" /run/cdrec/disk || mount -t vfat -o ro "$1" /run/cdrec/disk ||
    mount -t exfat -o ro "$1" /run/cdrec/disk || mount -t ntfs3 -o ro "$1" /run/cdrec/disk || mount -t btrfs -o ro,rescue=nologreplay "$1" /run/cdrec/disk
} 2> /dev/null
# The disk stays mounted and all volumes of the set attached, so that a restore finds them - and leaves that disk alone.
find_iso() {
  set +f
  mkdir -p /run/cdrec/disk
  for device in /dev/sd* /dev/vd* /dev/nvme*n* /dev/mmcblk* /dev/xvd*; do
    [ -b "$device" ] && mount_disk "$device" || continue
    file=/run/cdrec/disk/$iso
    if [ -f "$file" ]; then
      loop=$(losetup --find --show --read-only "$file") && marked "$loop" || {
        [ -z "$loop" ] || losetup --detach "$loop"
        umount /run/cdrec/disk
        continue
      }
      for other in "\${file%_1.iso}"_*.iso; do
        [ -f "$other" ] && [ "$other" != "$file" ] && losetup --find --read-only "$other"
      done
      device="$device, file $iso"
      return 0
    fi
    umount /run/cdrec/disk
  done
  return 1
}
if [ -e /cdrec/rd-base.${image} ]; then
  say "the rescue system of set $set_id came by network"
  from=/cdrec
else
  if [ -n "$iso" ]; then find=find_iso what="the file $iso on any disk (partitions with ext4, xfs, vfat, exfat, ntfs; not LVM, RAID or LUKS)"; else find=find_medium what="CD, DVD, USB stick or disk"; fi
  say "looking for volume 1 of set $set_id"
  start=$(seconds)
  late=
  until $find; do
    waited=$(($(seconds) - start))
    [ -z "$late" ] && [ $waited -ge 20 ] && late=yes && load
    [ $waited -ge 90 ] && fail "volume 1 of set $set_id was not found: looked for $what"
    sleep 1
  done
  say "medium found on $device"
  from=/medium/cdrec
fi
mkdir -p /run/ram /run/image
mount -t tmpfs -o size=90%,mode=755 ram /run/ram
${unpackSteps(image)}
umount /medium 2> /dev/null
say "starting the rescue system"
${switchRoot ? 'exec switch_root /newroot /sbin/init' : SWITCH_BY_HAND}
`;
}

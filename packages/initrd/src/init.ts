/** Form of rd-base on the medium. */
export type RescueImage = 'squashfs' | 'tar.zst' | 'tar.gz';

/** Modules that find a medium and mount rd-base; loaded by name, because some of them have no device alias. */
export const STATIC_MODULES = [
  'virtio_pci', 'virtio_blk', 'virtio_scsi', 'ahci', 'ata_piix', 'ata_generic', 'nvme', 'xhci_pci', 'ehci_pci', 'uhci_hcd', 'ohci_pci',
  'usb_storage', 'uas', 'sd_mod', 'sr_mod', 'isofs', 'loop', 'squashfs', 'overlay',
] as const;

/** The init script of the first stage: POSIX sh, with the few host programs that the initrd carries. */
export function initScript(image: RescueImage): string {
  const unpack = image === 'squashfs'
    ? `mount -t squashfs -o loop,ro /run/ram/rd-base.squashfs /run/image || fail "rd-base is damaged: it cannot be mounted"
mkdir -p /run/ram/upper /run/ram/work
mount -t overlay -o lowerdir=/run/image,upperdir=/run/ram/upper,workdir=/run/ram/work overlay /newroot || fail "the overlay cannot be mounted"`
    : `mount -t tmpfs -o size=90%,mode=755 root /newroot
tar -x --use-compress-program=${image === 'tar.zst' ? 'zstd' : 'gzip'} -f /medium/cdrec/rd-base.${image} -C /newroot || fail "rd-base could not be unpacked (memory full or medium damaged)"`;
  const copy = image === 'squashfs'
    ? `say "copying the rescue system into memory"
cat /medium/cdrec/rd-base.squashfs > /run/ram/rd-base.squashfs || fail "rd-base could not be copied (memory full or medium damaged)"`
    : 'say "unpacking the rescue system into memory"';
  return `#!/bin/sh
# First stage of the rescue system: find the medium of this set, load rd-base into memory, switch to it.
export PATH=/usr/sbin:/usr/bin
mkdir -p /proc /sys /dev /run /medium /newroot
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 run /run
say() { echo "<4>cdrec: $*" > /dev/kmsg; }
fail() {
  say "$*"
  say "this shell is for looking around; 'exit' tries again, reset restarts the machine"
  sh < /dev/console > /dev/console 2>&1
  exec /init
}
set_id=
for word in $(cat /proc/cmdline); do
  case $word in cdrec.set=*) set_id=\${word#*=} ;; esac
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
find_medium() {
  set +f
  for device in /dev/sr[0-9]* /dev/sd* /dev/vd* /dev/nvme*n* /dev/mmcblk* /dev/xvd*; do
    [ -b "$device" ] || continue
    mount -t iso9660 -o ro "$device" /medium 2> /dev/null || continue
    [ -e "/medium/cdrec/id/$set_id" ] && return 0
    umount /medium
  done
  return 1
}
say "looking for volume 1 of set $set_id"
tries=0
until find_medium; do
  tries=$((tries + 1))
  [ $tries = 20 ] && load
  [ $tries -ge 90 ] && fail "no CD, DVD, USB stick or disk carries volume 1 of set $set_id"
  sleep 1
done
say "medium found on $device"
mkdir -p /run/ram /run/image
mount -t tmpfs -o size=90%,mode=755 ram /run/ram
${copy}
${unpack}
umount /medium
say "starting the rescue system"
exec switch_root /newroot /sbin/init
`;
}

/** rc.system: process 1 of the rescue system (bash). Prepares devices, then keeps a shell on every console. */
export const RC_SYSTEM = `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root TERM=linux LANG=C.UTF-8
for spec in "proc /proc" "sysfs /sys" "devtmpfs /dev" "tmpfs /run"; do
  set -- $spec
  [ -e "$2/." ] && findmnt -n "$2" > /dev/null 2>&1 || mount -t "$1" "$1" "$2"
done
mkdir -p /dev/pts /dev/shm /run/lock /run/udev /run/cdrec
mount -t devpts -o gid=5,mode=620 devpts /dev/pts 2> /dev/null
mount -t tmpfs -o mode=1777 shm /dev/shm 2> /dev/null
[ -d /sys/firmware/efi/efivars ] && mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2> /dev/null
ln -sfn /proc/self/fd /dev/fd
echo cdrec-rescue > /proc/sys/kernel/hostname
echo 4 > /proc/sys/kernel/printk
udevd=/usr/lib/systemd/systemd-udevd
if [ -x $udevd ]; then
  $udevd --daemon 2> /dev/null
  udevadm trigger --action=add --type=subsystems
  udevadm trigger --action=add --type=devices
  udevadm settle --timeout=30
else
  modprobe -abq $(cat /sys/bus/*/devices/*/modalias 2> /dev/null) 2> /dev/null
fi
for module in ext4 xfs vfat nls_cp437 nls_ascii nls_iso8859-1 efivarfs; do modprobe -q $module 2> /dev/null; done
ip link set lo up 2> /dev/null
console() {
  while :; do
    setsid -c bash --rcfile /etc/cdrec/bashrc -i < "/dev/$1" > "/dev/$1" 2>&1
    sleep 1
  done
}
read -r active < /sys/class/tty/console/active
started=" "
for name in $active; do
  [ "$name" = tty0 ] && name=tty1
  case $started in *" $name "*) continue ;; esac
  started="$started$name "
  console "$name" &
done
while :; do wait -n 2> /dev/null || sleep 1; done
`;

/** Start of every shell of the rescue system: a line size where the terminal tells none, and what a person needs to know. */
export const BASHRC = `export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8
case $(tty) in */ttyS*|*/hvc*) export TERM=vt102; [ "$(stty size)" = "0 0" ] && stty rows 24 cols 80 ;; *) export TERM=linux ;; esac
PS1='cdrec:\\w# '
cd /root
cat /etc/cdrec/banner
case " $(cat /proc/cmdline) " in
  *" cdrec.auto=restore "*) if mkdir /run/cdrec/auto 2> /dev/null; then cdrec restore --auto; fi ;;
esac
`;

/** What a person at the console reads first. */
export const bannerText = (host: string, label: string): string => `
 cdrec rescue system of "${host}", set ${label}
 Nothing has been written to any disk.

   start-restore     restore this machine: shows a plan first, then asks
   cdrec plan        only show what a restore would do
   cdrec verify      check all volumes that can be found
   cdrec --help      everything else
   reboot, poweroff

`;

/** \`poweroff\` and \`reboot\`: sync, unmount what can be unmounted, tell the kernel. */
export const haltScript = (letter: 'o' | 'b'): string => `#!/bin/sh
sync
umount -a -r -t noproc,nosysfs,nodevtmpfs,nooverlay,notmpfs,nosquashfs 2> /dev/null
sync
echo ${letter} > /proc/sysrq-trigger
sleep 60
`;

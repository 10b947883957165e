/**
 * rc.system: process 1 of the rescue system (bash). Prepares devices, network and hooks, then keeps a shell on every
 * console. What it reads of the configuration lies in files below /etc/cdrec; none of them is executed but the hooks.
 */
export const RC_SYSTEM = `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux LANG=C.UTF-8
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
# From here on nothing but an emergency may write into what a person types; everything stays in dmesg.
echo 1 > /proc/sys/kernel/printk
log() { echo "$(cut -d' ' -f1 < /proc/uptime) $*" >> /run/cdrec/rescue.log; }
words=" $(cat /proc/cmdline) "
word() { # the value of NAME= on the kernel command line, else $2
  local rest=\${words#* $1=}
  [ "$rest" = "$words" ] && echo "$2" || echo "\${rest%% *}"
}
load_aliases() { modprobe -abq $(cat /sys/bus/*/devices/*/modalias 2> /dev/null) 2> /dev/null; }
coldplug=$(cat /etc/cdrec/coldplug)
log "coldplug by $coldplug"
case $coldplug in
  udev)
    $(readlink /usr/lib/cdrec/udevd) --daemon 2>> /run/cdrec/rescue.log
    udevadm trigger --action=add --type=subsystems
    udevadm trigger --action=add --type=devices
    udevadm settle --timeout=30 ;;
  mdev)
    load_aliases
    echo /usr/sbin/mdev > /proc/sys/kernel/hotplug 2> /dev/null
    mdev -s
    load_aliases ;;
  *)
    load_aliases ;;
esac
for module in ext4 xfs vfat nls_cp437 nls_ascii nls_iso8859-1 efivarfs; do modprobe -q $module 2> /dev/null; done
ip link set lo up 2> /dev/null
[ -e /etc/cdrec/keymap.map ] && { loadkeys -q /etc/cdrec/keymap.map < /dev/tty1 2>> /run/cdrec/rescue.log || log "the keymap could not be loaded"; }
mode=$(word cdrec.net "$(cat /etc/cdrec/network.mode)")
log "network: $mode"
network "$mode" > /run/cdrec/network.log 2>&1 &
[ -e /etc/cdrec/sshd_config ] && rescue-sshd >> /run/cdrec/rescue.log 2>&1
if [ -e /etc/cdrec/pre_exec ] && [ "$(word cdrec.hooks on)" = on ]; then
  log "rescue.pre_exec begins"
  bash /etc/cdrec/pre_exec > /run/cdrec/pre_exec.log 2>&1 < /dev/null
  status=$?
  log "rescue.pre_exec ended with status $status"
  [ $status = 0 ] || echo " rescue.pre_exec ended with status $status: /run/cdrec/pre_exec.log" >> /run/cdrec/warnings
fi
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
  log "console $name"
  console "$name" &
done
while :; do wait -n 2> /dev/null || sleep 1; done
`;

/** Start of every interactive shell: a line size where the terminal tells none, the menu, and numbers that are its commands. */
export const BASHRC = `case $- in *i*) ;; *) return ;; esac
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
case $(tty) in */ttyS*|*/hvc*) export TERM=vt102; [ "$(stty size)" = "0 0" ] && stty rows 24 cols 80 ;; */pts/*) ;; *) export TERM=linux ;; esac
PS1='cdrec:\\w# '
alias 1=start-restore 2='cdrec plan' 3='cdrec verify' 4=network 5=save-log 6=reboot 7=poweroff
cd /root
menu
case " $(cat /proc/cmdline) " in
  *" cdrec.auto=restore "*) if mkdir /run/cdrec/auto 2> /dev/null; then cdrec restore --auto; fi ;;
esac
`;

/** \`menu\`: what a person at the console reads first. */
export const menuScript = (host: string, label: string): string => `#!/bin/sh
firmware=BIOS
[ -d /sys/firmware/efi ] && firmware=UEFI
memory=$(($(sed -n 's/^MemAvailable: *\\([0-9]*\\) .*/\\1/p' /proc/meminfo) / 1024))
cat << 'end'

 cdrec rescue system of "${host}", set ${label}
end
echo " Linux $(uname -r), booted by $firmware, $memory MiB of memory free."
[ -e /run/cdrec/journal.jsonl ] || echo " Nothing has been written to any disk."
cat /run/cdrec/warnings 2> /dev/null
cat << 'end'

   1  start-restore   restore this machine: shows a plan first, then asks
   2  cdrec plan      only show what a restore would do
   3  cdrec verify    check all volumes that can be found
   4  network         show the network, or set it up
   5  save-log        save the log to a disk or a stick
   6  reboot          7  poweroff
      clone-dsk, restore-fs     one disk; one file system or single files
      menu            this list again; cdrec --help: everything else

end
`;

/** \`poweroff\` and \`reboot\`: sync, unmount what can be unmounted, tell the kernel. */
export const haltScript = (letter: 'o' | 'b'): string => `#!/bin/sh
sync
umount -a -r -t noproc,nosysfs,nodevtmpfs,nooverlay,notmpfs,nosquashfs 2> /dev/null
sync
echo ${letter} > /proc/sysrq-trigger
sleep 60
`;

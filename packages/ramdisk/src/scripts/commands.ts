/**
 * \`network [dhcp|static|off]\`: sets the network up, or shows it. /etc/cdrec/network holds the addresses of the surveyed
 * machine, a line each (see \`networkLines\`); interfaces are known by their MAC address, because names change.
 */
export const NETWORK = `#!/bin/bash
config=/etc/cdrec/network
cards() { for path in /sys/class/net/*; do [ -e "$path/device" ] && echo "\${path##*/}"; done; }
up() { for card in $(cards); do ip link set "$card" up; done; }
by_mac() {
  for card in $(cards); do
    [ "$(cat "/sys/class/net/$card/address")" = "$1" ] && echo "$card" && return 0
  done
  return 1
}
# The card of the survey, or, on other hardware, the N-th card that is there.
card_of() { by_mac "$1" || cards | sed -n "$2p"; }
off() {
  for pid in /run/dhclient.pid /run/udhcpc.*.pid; do [ -e "$pid" ] && kill "$(cat "$pid")" 2> /dev/null; done
  command -v dhcpcd > /dev/null && dhcpcd -k > /dev/null 2>&1
  for card in $(cards); do ip addr flush dev "$card"; ip link set "$card" down; done
}
dhcp() {
  up
  if [ -z "$(cards)" ]; then echo "no network card was found"; return 1; fi
  if command -v dhclient > /dev/null; then
    mkdir -p /var/lib/dhcp
    dhclient -nw -sf /usr/lib/cdrec/dhcp-script -pf /run/dhclient.pid -lf /run/dhclient.leases -cf /etc/cdrec/dhclient.conf $(cards)
  elif command -v dhcpcd > /dev/null; then
    dhcpcd --background --script /usr/lib/cdrec/dhcp-script $(cards)
  elif command -v udhcpc > /dev/null; then
    for card in $(cards); do udhcpc -b -S -p "/run/udhcpc.$card.pid" -s /usr/lib/cdrec/dhcp-script -i "$card"; done
  else
    echo "no DHCP client is in this rescue system; set addresses by hand: ip address add A.B.C.D/N dev CARD; ip route add default via GATEWAY"
    return 1
  fi
}
static() {
  up
  number=0
  card=
  : > /run/cdrec/resolv.conf
  while read -r kind first second rest; do
    case $kind in
      card)
        number=$((number + 1))
        card=$(card_of "$first" $number)
        [ -n "$card" ] || { echo "no card for $first"; continue; }
        for address in $second $rest; do ip addr add "$address" dev "$card"; done ;;
      vlan)
        [ -n "$card" ] || continue
        ip link add link "$card" name "$card.$first" type vlan id "$first" && ip link set "$card.$first" up
        for address in $second $rest; do ip addr add "$address" dev "$card.$first"; done ;;
      route)
        ip route add "$first" via "$second" ;;
      dns)
        echo "nameserver $first" >> /run/cdrec/resolv.conf ;;
      search)
        echo "search $first $second $rest" >> /run/cdrec/resolv.conf ;;
    esac
  done < $config
}
case $1 in
  dhcp) off; dhcp ;;
  static) off; static ;;
  off) off ;;
  "")
    ip -brief address
    ip route
    cat /etc/resolv.conf 2> /dev/null
    echo
    echo "network dhcp     addresses from a DHCP server"
    echo "network static   the addresses that the machine had:"
    sed 's/^/                 /' $config
    echo "network off      take the cards down" ;;
  *) echo "usage: network [dhcp|static|off]" >&2; exit 2 ;;
esac
`;

/** What DHCP clients call (dhclient -sf, dhcpcd --script, udhcpc -s): address, default route, name servers. dhcpcd does the first two itself. */
export const DHCP_SCRIPT = `#!/bin/bash
case \${reason:-$1} in
  PREINIT) ip link set "$interface" up ;;
  BOUND|RENEW|REBIND|REBOOT|bound|renew)
    if [ -n "$reason" ] && [ -z "$new_subnet_cidr" ]; then
      ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
      for router in $new_routers; do ip route replace default via "$router" dev "$interface"; break; done
    elif [ -z "$reason" ]; then
      ip addr replace "$ip/\${subnet:-24}" dev "$interface"
      for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
      new_domain_name_servers=$dns new_domain_name=$domain
    fi
    {
      [ -n "$new_domain_name" ] && echo "search $new_domain_name"
      for server in $new_domain_name_servers; do echo "nameserver $server"; done
    } > /run/cdrec/resolv.conf ;;
  EXPIRE|FAIL|RELEASE|STOP|deconfig|leasefail) ip -4 addr flush dev "$interface" ;;
esac
exit 0
`;

/** \`rescue-sshd\`: makes host keys (new at every boot), says their fingerprint, starts sshd. */
export const RESCUE_SSHD = `#!/bin/bash
mkdir -p -m 755 /run/sshd
chmod 600 /etc/cdrec/authorized_keys
ssh-keygen -q -t ed25519 -N "" -C cdrec-rescue -f /run/sshd/ssh_host_ed25519_key || exit 1
echo " SSH for the configured keys: root, host key $(ssh-keygen -l -f /run/sshd/ssh_host_ed25519_key.pub | cut -d' ' -f2)" >> /run/cdrec/warnings
exec "$(command -v sshd)" -f /etc/cdrec/sshd_config
`;

/** Configuration of the rescue system's sshd: root by key, nothing else. */
export const SSHD_CONFIG = `HostKey /run/sshd/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/cdrec/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
Subsystem sftp internal-sftp
`;

/** \`save-log [PARTITION|DIRECTORY]\`: everything that tells what happened, as one archive on a disk. */
export const SAVE_LOG = `#!/bin/bash
# usage: save-log [PARTITION|DIRECTORY]
target=$1
if [ -z "$target" ]; then
  lsblk -o PATH,SIZE,FSTYPE,LABEL,MODEL -e 7
  read -r -p "Partition (or directory) that shall get the log: " target
fi
[ -n "$target" ] || exit 2
name=cdrec-log-$(date -u +%Y%m%d-%H%M%S)
work=/run/cdrec/$name
mkdir -p "$work"
dmesg > "$work/dmesg.txt"
cp /run/cdrec/*.log /run/cdrec/journal.jsonl "$work" 2> /dev/null
cp /etc/recovery/survey.json "$work"
{ cat /proc/cmdline; uname -a; lsblk -o NAME,SIZE,TYPE,FSTYPE,UUID,LABEL,MODEL,SERIAL,MOUNTPOINT; blkid; ip address; ip route; lsmod; cat /proc/meminfo; } > "$work/state.txt" 2>&1
mounted=
if [ -b "$target" ]; then
  kind=$(blkid -p -o value -s TYPE "$target")
  case $kind in
    iso9660|udf|squashfs) echo "save-log: $target holds $kind, which cannot be written to" >&2; exit 1 ;;
    "") echo "save-log: there is no file system on $target" >&2; exit 1 ;;
  esac
  mkdir -p /run/cdrec/logdisk
  mount "$target" /run/cdrec/logdisk || exit 1
  mounted=yes
  directory=/run/cdrec/logdisk
elif [ -d "$target" ]; then directory=$target
else echo "save-log: $target is neither a partition nor a directory" >&2; exit 1; fi
(umask 077; tar -C /run/cdrec -czf "$directory/$name.tar.gz.partial" "$name" && sync "$directory/$name.tar.gz.partial" && mv "$directory/$name.tar.gz.partial" "$directory/$name.tar.gz")
status=$?
size=$(stat -c %s "$directory/$name.tar.gz" 2> /dev/null)
if [ -n "$mounted" ]; then umount /run/cdrec/logdisk || status=1; fi
rm -rf "$work"
if [ $status = 0 ]; then echo "saved: $name.tar.gz ($size bytes) on $target"; else echo "save-log: the log could not be written to $target" >&2; fi
exit $status
`;

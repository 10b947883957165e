import type { IsoImage } from '@cdrec/iso9660';

/** What every line of the restored system's own report begins with, on its serial line. */
export const MARK = 'CDREC-REHEARSAL';

/** Files that a rehearsal puts into the restored system on the throw-away disk, relative to its root. */
export const INJECTED = [
  'etc/cdrec-rehearsal.sh', 'etc/systemd/system/cdrec-rehearsal.service (and links to it from multi-user and graphical.target.wants)', 'etc/systemd/system/cdrec-rehearsal-emergency.service (emergency and rescue.target.wants)',
  'without systemd instead: etc/cdrec-rehearsal-once.sh, and etc/local.d/cdrec-rehearsal.start (etc/runlevels/default/local), or etc/inittab.d/cdrec-rehearsal.tab and etc/rc2.d, rc3.d, rc5.d/S99cdrec-rehearsal',
];

/** Runs in the restored system: waits until it has started, says how it is, switches it off. */
const REPORT = `#!/bin/sh
# Put here by "cdrec rehearse", on a throw-away disk.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
out=/dev/ttyS0
say() { printf '\\r\\n${MARK} %s\\r\\n' "$*" > $out; }
state=unknown
if [ -d /run/systemd/system ]; then
  waited=0
  while state=$(systemctl is-system-running 2> /dev/null); case $state in initializing|starting) [ $waited -lt \${2:-600} ] ;; *) false ;; esac; do
    [ "$1" = emergency ] && break
    sleep 1; waited=$((waited + 1))
  done
  say "target $(systemctl get-default 2> /dev/null)"
  for unit in $(systemctl --failed --no-legend --plain 2> /dev/null | cut -d' ' -f1); do
    case $unit in *wait-online*|rpc-statd*|nfs-*|remote-fs*) continue ;; esac
    # An emulated machine is slow: what fails in the rush of its start, and works now, is said, but is no failure.
    if [ "$1" != emergency ] && timeout 90 systemctl restart "$unit" > /dev/null 2>&1; then say "retried $unit"; else say "failed $unit"; fi
  done
  [ "$1" = emergency ] || state=$(systemctl is-system-running 2> /dev/null)
  [ "$1" = emergency ] && systemctl list-jobs --no-legend --plain 2> /dev/null | head -20 | while read -r id unit rest; do say "waiting $unit"; done
fi
[ "$1" = emergency ] && state=emergency
say "kernel $(uname -r)"
while read -r source target type options rest; do
  case $source in ''|'#'*) continue ;; esac
  case $type in swap)
    case $options in *noauto*) ;; *) say "swap $source $(grep -cv ^Filename /proc/swaps)" ;; esac
    continue ;;
  esac
  case $options in *noauto*|*nofail*|*_netdev*|*x-systemd.automount*) continue ;; esac
  # The guest has no network: what comes over it cannot be there.
  case $type in nfs*|cifs|smb*|ceph|glusterfs|fuse.sshfs|9p|davfs) continue ;; esac
  # As the kernel calls it: without a slash at its end, and behind links.
  target=$(printf '%b' "$target")
  target=$(readlink -f "$target" || echo "$target")
  if awk -v t="$target" '{ gsub(/\\\\040/, " ", $2); if ($2 == t) found = 1 } END { exit !found }' /proc/mounts; then say "mounted $target"; else say "missing $target $source"; fi
done < /etc/fstab
[ "$1" = emergency ] && { journalctl -b -p err --no-pager -o cat 2> /dev/null | tail -n 15 | while read -r line; do say "log $line"; done; }
say "state $state"
say "END"
sync
sleep 6
[ "$1" = emergency ] && { echo o > /proc/sysrq-trigger; sleep 60; }
if [ -d /run/systemd/system ]; then systemctl poweroff; else poweroff; fi
`;

const unit = (argument: string, more: string): string => `[Unit]
Description=Report of a rehearsed restore
${more}
[Service]
Type=simple
ExecStart=/bin/sh /etc/cdrec-rehearsal.sh ${argument}
`;

/** Runs in the rescue system with the restored system mounted at $CDREC_ROOT: puts the report in, and has it started. */
const INJECT = `set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$CDREC_ROOT
cp "$here/report.sh" "$root/etc/cdrec-rehearsal.sh"
chmod 755 "$root/etc/cdrec-rehearsal.sh"
# Units of systemd lie about where it does not run, too: with sysvinit and others, init is a program of its own and no link to systemd.
other=no
for init in usr/sbin/init sbin/init; do if [ -f "$root/$init" ] && [ ! -L "$root/$init" ]; then other=yes; fi; done
if [ -e "$root/usr/lib/systemd/systemd" ] || [ -e "$root/lib/systemd/systemd" ]; then
  units=$root/etc/systemd/system
  mkdir -p "$units"
  cp "$here/normal.service" "$units/cdrec-rehearsal.service"
  cp "$here/emergency.service" "$units/cdrec-rehearsal-emergency.service"
  # Longer, on a machine that is slow.
  [ ! -e /run/rehearsal-seconds ] || sed -i "s/ normal [0-9]*$/ normal $(cat /run/rehearsal-seconds)/" "$units/cdrec-rehearsal.service"
  for target in multi-user graphical; do
    mkdir -p "$units/$target.target.wants"
    ln -sf ../cdrec-rehearsal.service "$units/$target.target.wants/cdrec-rehearsal.service"
  done
  for target in emergency rescue; do
    mkdir -p "$units/$target.target.wants"
    ln -sf ../cdrec-rehearsal-emergency.service "$units/$target.target.wants/cdrec-rehearsal-emergency.service"
  done
  # SELinux: the labels that files of these kinds have there, whatever the policy calls them.
  if grep -qs '^ *SELINUX *= *enforcing' "$root/etc/selinux/config"; then
    label() {
      value=$(getfattr --absolute-names --only-values -h -n security.selinux "$1" 2> /dev/null | tr -d '\\0'); shift
      [ -z "$value" ] || setfattr -n security.selinux -v "$value" "$@"
    }
    for like in "$root/usr/bin/env" "$root/bin/env"; do [ ! -e "$like" ] || { label "$like" "$root/etc/cdrec-rehearsal.sh"; break; }; done
    for like in "$root"/usr/lib/systemd/system/getty@.service "$root"/lib/systemd/system/getty@.service; do [ ! -e "$like" ] || { label "$like" "$units/cdrec-rehearsal.service" "$units/cdrec-rehearsal-emergency.service"; break; }; done
  fi
else
  other=yes
fi
if [ $other = yes ]; then
  # New files only: those of the system are compared with the archive afterwards. Whatever starts it first, it runs once.
  printf '#!/bin/sh\\nmkdir /run/cdrec-rehearsal 2> /dev/null || exit 0\\nexec /bin/sh /etc/cdrec-rehearsal.sh normal\\n' > "$root/etc/cdrec-rehearsal-once.sh"
  if [ -d "$root/etc/local.d" ]; then
    # OpenRC.
    printf '#!/bin/sh\\nsh /etc/cdrec-rehearsal-once.sh &\\n' > "$root/etc/local.d/cdrec-rehearsal.start"
    chmod 755 "$root/etc/local.d/cdrec-rehearsal.start"
    if [ -e "$root/etc/init.d/local" ] && [ -d "$root/etc/runlevels/default" ] && [ ! -e "$root/etc/runlevels/default/local" ]; then ln -s /etc/init.d/local "$root/etc/runlevels/default/local"; fi
  else
    if [ -f "$root/etc/inittab" ]; then
      # sysvinit: read after inittab itself, and init waits for what starts the services (inittab(5)). A script in rc2.d alone would not be
      # started where insserv keeps the dependencies of its own.
      mkdir -p "$root/etc/inittab.d"
      printf 'cdrr:2345:once:/bin/sh /etc/cdrec-rehearsal-once.sh\\n' > "$root/etc/inittab.d/cdrec-rehearsal.tab"
    fi
    for level in 2 3 5; do
      [ -d "$root/etc/rc$level.d" ] || continue
      printf '#!/bin/sh\\nsh /etc/cdrec-rehearsal-once.sh &\\n' > "$root/etc/rc$level.d/S99cdrec-rehearsal"
      chmod 755 "$root/etc/rc$level.d/S99cdrec-rehearsal"
    done
  fi
fi
[ ! -e "$here/more.sh" ] || bash "$here/more.sh"
`;

/** Adds everything that a rehearsal brings into its guest: the report, what puts it in, keys. `more`: further commands, run with $CDREC_ROOT. */
export function addRehearsalFiles(iso: IsoImage, options: { readonly bootSeconds: number; readonly more?: string; readonly luksPassphrase?: string; readonly identity?: string; readonly repository?: { readonly password: string; readonly environment: Readonly<Record<string, string>>; readonly sshKey?: string } }): void {
  const add = (name: string, text: string): void => { iso.addFile(name, Buffer.from(text), { mode: 0o600 }); };
  add('inject.sh', INJECT);
  add('report.sh', REPORT);
  add('normal.service', unit(`normal ${String(options.bootSeconds)}`, 'After=local-fs.target'));
  add('emergency.service', unit('emergency', 'DefaultDependencies=no'));
  if (options.more !== undefined) add('more.sh', options.more);
  if (options.luksPassphrase !== undefined) add('luks-key', options.luksPassphrase);
  if (options.identity !== undefined) add('identity', options.identity);
  if (options.repository !== undefined) {
    add('repository-password', `${options.repository.password}\n`);
    if (options.repository.sshKey !== undefined) add('repository-ssh-key', options.repository.sshKey);
    add('repository-environment', Object.entries(options.repository.environment).map(([name, value]) => `${name}=${value}\n`).join(''));
  }
}

/** What the restored system said of itself. */
export interface SystemReport {
  readonly state: string;
  readonly target: string;
  readonly kernel: string;
  readonly failedUnits: readonly string[];
  /** Units that failed when the machine started, and did not when they were started again. */
  readonly retriedUnits: readonly string[];
  readonly mounted: readonly string[];
  /** Entries of fstab that are not mounted: mount point and source. */
  readonly missing: readonly string[];
  readonly swap: boolean | undefined;
  readonly log: readonly string[];
}

/** Reads the report out of what came over the serial line. */
export function parseSystemReport(text: string): SystemReport {
  const lines = text.split(/\r?\n/).flatMap((l) => (l.startsWith(`${MARK} `) ? [l.slice(MARK.length + 1).trimEnd()] : []));
  const all = (key: string): string[] => lines.filter((l) => l.startsWith(`${key} `)).map((l) => l.slice(key.length + 1));
  const swaps = all('swap');
  return {
    state: all('state')[0] ?? 'unknown', target: all('target')[0] ?? '', kernel: all('kernel')[0] ?? '', failedUnits: all('failed'), retriedUnits: all('retried'), mounted: all('mounted'), missing: all('missing'), log: [...all('log'), ...all('waiting').map((w) => `waiting: ${w}`)],
    swap: swaps.length === 0 ? undefined : swaps.every((s) => Number(s.split(' ').at(-1)) > 0),
  };
}

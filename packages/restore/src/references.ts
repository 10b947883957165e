import type { PartitionTable, Survey } from '@cdrec/survey';
import { partitionNode } from './commands.js';
import { partUuid } from './convert.js';
import type { Assignment } from './match.js';

/**
 * A way to speak of a device that is no longer right, and what takes its place: `tag` where `UUID=` is understood, `path`
 * where only a path is.
 */
export interface Renamed { readonly from: string; readonly tag: string; readonly path: string }

/**
 * What configuration files may say of devices that is wrong on the new disks: names of the kernel that changed, links of udev
 * that belong to the old hardware, PARTUUIDs of a converted table (`partUuids`: old to new). Identifiers of file systems, volumes
 * and arrays stay as they were. With `bare`, tags are such that a kernel without initramfs knows: it can read a partition table,
 * not a file system. Pure.
 */
export function renamedDevices(survey: Survey, assignments: readonly Assignment[], partUuids: ReadonlyMap<string, string>, bare = false): Renamed[] {
  const out: Renamed[] = [];
  const uuids = new Map<string, string>([
    ...survey.fileSystems.map((f): [string, string] => [f.device, f.uuid]), ...survey.swaps.map((s): [string, string] => [s.device, s.uuid]),
    ...survey.layers.flatMap((l): [string, string][] => (l.type === 'luks' ? [[l.on, l.uuid]] : [])), ...survey.images.map((i): [string, string] => [i.device, i.uuid]),
  ]);
  for (const { source: { device }, target, rule, others = [] } of assignments) {
    const disk = survey.disks.find((d) => d.device === device);
    if (disk === undefined) continue;
    // The very disk keeps its links.
    const links = rule === 'same serial number or WWN' ? [] : disk.links;
    const rename = (old: string, names: readonly string[], now: string, part?: string): void => {
      const uuid = uuids.get(old);
      const byNumber = part === undefined || part === '' ? { tag: now, path: now } : { tag: `PARTUUID=${part}`, path: `/dev/disk/by-partuuid/${part}` };
      // Without a UUID (swap with a new random key at every start, say) the partition's own: a kernel's name, wrong once, would have another one overwritten.
      const to = bare ? { tag: byNumber.tag, path: now } : uuid === undefined || uuid === '' ? byNumber : { tag: `UUID=${uuid}`, path: `/dev/disk/by-uuid/${uuid}` };
      if (old !== now) out.push({ from: old, ...to });
      for (const from of names) out.push({ from: `/dev/disk/${from}`, ...to });
    };
    rename(device, links, target.device);
    const { table } = disk;
    for (const p of table?.partitions ?? []) {
      const own = partUuid(table as PartitionTable, p);
      // Of a disk that went onto this one by its own links; its whole content may be a partition now.
      const other = others.find((o) => o.device === p.node || o.table?.partitions.some((q) => q.node === p.node));
      const names = other === undefined ? links : other.links;
      const whole = p.node === (other?.device ?? device);
      rename(p.node, whole ? names : names.map((l) => `${l}-part${/(\d+)$/.exec(p.node)?.[1] ?? ''}`), partitionNode(target.device, p.number), partUuids.get(own) ?? own);
    }
  }
  for (const [from, to] of partUuids) {
    out.push({ from: `PARTUUID=${from}`, tag: `PARTUUID=${to}`, path: `/dev/disk/by-partuuid/${to}` });
    out.push({ from: `/dev/disk/by-partuuid/${from}`, tag: `PARTUUID=${to}`, path: `/dev/disk/by-partuuid/${to}` });
  }
  return out;
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Replaces what is renamed in a text, where it stands as a word of its own; comments (lines that begin with #) stay as they
 * are. Returns the new text, and what was replaced by what. Pure.
 */
export function rewriteReferences(text: string, renamed: readonly Renamed[], style: 'tag' | 'path'): { text: string; changes: string[] } {
  const changes = new Set<string>();
  if (renamed.length === 0) return { text, changes: [] };
  const byName = new Map(renamed.map((r) => [r.from.toLowerCase(), r]));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escape);
  // Device names hold no quotes, blanks, commas; a word ends there, or at the end of a line. GUIDs are written in capitals too.
  const word = new RegExp(`(?<![\\w/.:+-])(?:${names.join('|')})(?![\\w/.:+-])`, 'gi');
  const lines = text.split('\n').map((line) => (/^\s*#/.test(line) ? line : line.replace(word, (found) => {
    const to = byName.get(found.toLowerCase());
    if (to === undefined || (found !== to.from && found.startsWith('/dev/') && !found.includes('by-partuuid'))) return found;
    changes.add(`${found} -> ${to[style]}`);
    return to[style];
  })));
  return { text: lines.join('\n'), changes: [...changes] };
}

/**
 * Files of a system that speak of devices, as globs below its root, and how they may say it. An environment block of GRUB has
 * a fixed size and is handled apart (`rewriteGrubEnvironment`).
 */
export const REFERENCE_FILES: readonly (readonly [glob: string, style: 'tag' | 'path'])[] = [
  ['etc/fstab', 'tag'], ['etc/crypttab', 'tag'], ['etc/default/grub', 'tag'], ['etc/default/grub.d/*.cfg', 'tag'], ['etc/kernel/cmdline', 'tag'], ['etc/kernel/cmdline.d/*.conf', 'tag'],
  // What the next run of their programs takes from there would undo the work.
  ['etc/grub.d/*_custom', 'tag'], ['boot/grub/custom.cfg', 'tag'], ['boot/grub2/custom.cfg', 'tag'], ['etc/dracut.conf.d/*.conf', 'tag'], ['etc/uswsusp.conf', 'path'], ['boot/refind_linux.conf', 'tag'], ['boot/efi/EFI/refind/refind.conf', 'tag'],
  ['etc/initramfs-tools/conf.d/resume', 'tag'], ['boot/grub/grub.cfg', 'tag'], ['boot/grub2/grub.cfg', 'tag'], ['boot/loader/entries/*.conf', 'tag'], ['boot/efi/loader/entries/*.conf', 'tag'], ['efi/loader/entries/*.conf', 'tag'],
  ['boot/efi/EFI/*/grub.cfg', 'tag'], ['boot/extlinux/extlinux.conf', 'tag'], ['boot/syslinux/*.cfg', 'tag'], ['boot/extlinux.conf', 'tag'], ['extlinux/extlinux.conf', 'tag'], ['syslinux/*.cfg', 'tag'],
  ['etc/lvm/lvm.conf', 'path'], ['etc/lvm/lvmlocal.conf', 'path'], ['etc/mdadm/mdadm.conf', 'path'], ['etc/mdadm.conf', 'path'], ['etc/lilo.conf', 'path'], ['etc/systemd/system/*.mount', 'path'], ['etc/systemd/system/*.swap', 'path'],
  // Of no use to the start, but a service that fails, or GRUB's tools that complain, for a disk that is gone.
  ['boot/grub/device.map', 'path'], ['boot/grub2/device.map', 'path'], ['etc/smartd.conf', 'path'], ['etc/smartmontools/smartd.conf', 'path'], ['etc/hdparm.conf', 'path'],
];

/** An environment block of GRUB: exactly 1024 bytes, filled up with # (GRUB manual, "The GRUB environment block"). Undefined when the new text has no room in it. */
export function rewriteGrubEnvironment(text: string, renamed: readonly Renamed[]): { text: string; changes: string[] } | undefined {
  const [head, ...rest] = text.replace(/#*$/, '').split('\n');
  const { text: now, changes } = rewriteReferences(rest.join('\n'), renamed, 'tag');
  const whole = `${head ?? ''}\n${now}`;
  return Buffer.byteLength(whole) > 1024 ? undefined : { text: whole.padEnd(1024, '#'), changes };
}

import { describeLayer } from './stack.js';
import type { Disk, Layer, Survey } from './schema.js';

/** A way in which a machine is no longer what its survey says: what, and why a set made before may not bring it back as it is now. */
export interface Drift { readonly what: string; readonly was: string; readonly is: string }

/** Two disks are the same by serial number or WWN, else by the UUIDs of what lies on them; never by name. */
function sameDisk(a: Disk, b: Disk): boolean {
  if (a.serial !== '' && b.serial !== '') return a.serial === b.serial;
  if (a.wwn !== '' && b.wwn !== '') return a.wwn === b.wwn;
  if (a.table !== undefined || b.table !== undefined) return a.table?.id === b.table?.id;
  return a.device === b.device && a.bytes === b.bytes;
}

const partitions = (d: Disk): string[] => (d.table?.partitions ?? []).map((p) => `${String(p.number)}: sector ${String(p.start)}, ${String(p.sectors)} sectors, type ${p.type}${p.uuid === undefined ? '' : `, ${p.uuid}`}`);

/** A layer in words that do not change when devices get other names. */
function layerKey(l: Layer): string {
  return l.type === 'vg' ? `volume group ${l.name}` : l.type === 'luks' ? `encrypted volume ${l.uuid}` : l.type === 'raid' ? `array ${l.uuid}` : `btrfs ${l.uuid}`;
}

function layerState(l: Layer): string {
  switch (l.type) {
    case 'raid': return `${l.level} of ${String(l.count)}, chunk ${String(l.chunkBytes ?? 0)}, layout ${l.layout ?? ''}`;
    case 'luks': return `LUKS${l.version}, ${l.cipher}, ${String(l.slots)} key slots`;
    case 'vg': return `${String(l.physical.length)} physical volumes; ${l.volumes.map((v) => `${v.name} ${v.kind} ${String(v.bytes)} bytes`).sort().join(', ')}`;
    case 'btrfs': return `${String(l.devices.length)} devices, data ${l.data}, metadata ${l.metadata}; ${l.subvolumes.filter((s) => !s.snapshot).map((s) => s.path).sort().join(', ')}`;
  }
}

/**
 * In what a machine differs from its survey: disks, partitions, layers, file systems, swap, boot loaders, kernel, and the files that
 * say how it starts (`configuration`). What changes by itself is no drift: names of devices, times, used bytes, sizes that grew
 * with nothing else, loaded modules, addresses, sticks and other disks that nothing of the machine lies on. Pure.
 */
export function driftOf(before: Survey, now: Survey): Drift[] {
  const out: Drift[] = [];
  const add = (what: string, was: string, is: string): void => { if (was !== is) out.push({ what, was, is }); };
  const used = (s: Survey): Disk[] => s.disks.filter((d) => d.used);
  const guests = used(now).filter((d) => d.transport === 'usb' && !used(before).some((b) => sameDisk(b, d))).map((d) => d.device);
  const own = <T extends { readonly disk: string }>(list: readonly T[]): T[] => list.filter((x) => !guests.includes(x.disk));
  const rest = used(now).filter((d) => !guests.includes(d.device));
  for (const old of used(before)) {
    const at = rest.findIndex((d) => sameDisk(old, d));
    const name = `disk ${old.device}${old.serial === '' ? '' : ` (serial ${old.serial})`}`;
    const found = rest[at];
    if (found === undefined) {
      add(name, 'part of the machine', 'gone, or nothing of the machine lies on it');
      continue;
    }
    rest.splice(at, 1);
    add(`size of ${name}`, String(old.bytes), String(found.bytes));
    add(`partition table of ${name}`, old.table?.type ?? 'none', found.table?.type ?? 'none');
    add(`partitions of ${name}`, partitions(old).join('; '), partitions(found).join('; '));
  }
  for (const d of rest) add(`disk ${d.device}${d.serial === '' ? '' : ` (serial ${d.serial})`}`, 'not part of the machine', 'part of the machine');
  byKey(before.layers, now.layers, layerKey, layerState, (l) => describeLayer(l), add);
  const fsKey = (f: Survey['fileSystems'][number]): string => `file system on ${f.mount}`;
  // Size and use grow by themselves; the options of a mount are what fstab says, which is watched.
  byKey(before.fileSystems, own(now.fileSystems), fsKey, (f) => `${f.type}, UUID ${f.uuid}, label "${f.label}"${f.subvolume === undefined ? '' : `, subvolume ${f.subvolume}`}`, fsKey, add);
  byKey(before.swaps, own(now.swaps), (s) => `swap ${s.uuid}`, (s) => `label "${s.label}"`, (s) => `swap on ${s.device}`, add);
  byKey(before.swapFiles, now.swapFiles, (s) => `swap file ${s.path}`, (s) => `${String(s.bytes)} bytes, UUID ${s.uuid}`, (s) => `${String(s.bytes)} bytes`, add);
  add('firmware', before.boot.firmware, now.boot.firmware);
  add('kernel', before.boot.kernel.version, now.boot.kernel.version);
  const loaders = (s: Survey): string => s.boot.loaders.map((l) => (l.type === 'efi' ? `UEFI programs in ${l.mount}: ${[...l.files].sort().join(', ')}` : l.type)).sort().join('; ');
  add('boot loaders', loaders(before), loaders(now));
  for (const path of [...new Set([...Object.keys(before.configuration), ...Object.keys(now.configuration)])].sort()) {
    // A survey of an older version knows of none.
    if (Object.keys(before.configuration).length > 0) add(path, before.configuration[path] ?? 'absent', now.configuration[path] ?? 'absent');
  }
  return out;
}

/** Compares two lists of things that have a name of their own. */
function byKey<T>(before: readonly T[], now: readonly T[], key: (t: T) => string, state: (t: T) => string, describe: (t: T) => string, add: (what: string, was: string, is: string) => void): void {
  for (const old of before) {
    const found = now.find((n) => key(n) === key(old));
    add(key(old), state(old), found === undefined ? 'gone' : state(found));
  }
  for (const n of now) if (!before.some((o) => key(o) === key(n))) add(key(n), 'not there', describe(n));
}

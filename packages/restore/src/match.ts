import type { Disk } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import type { TargetDisk } from './targets.js';

/** A disk of the survey and the disk that takes its place, with the rule that matched them. */
export interface Assignment {
  readonly source: Disk;
  readonly target: TargetDisk;
  /** Disks of the survey that go onto it as well, as they were: their partitions are in the source's table (`joinDisks`). */
  readonly others?: readonly Disk[];
  readonly rule: 'named by you' | 'same serial number or WWN' | 'the only disk of its size' | 'the only disk that is large enough' | 'all disks of this kind are needed';
}

/** Bytes that a disk must have for the table of `disk` to fit: end of the last partition, and the backup GPT behind it. */
export function neededBytes(disk: Disk): number {
  if (disk.table === undefined) return disk.bytes;
  const end = Math.max(0, ...disk.table.partitions.map((p) => p.start + p.sectors));
  const backup = disk.table.type === 'gpt' ? 1 + Math.ceil(((disk.table.tableLength ?? 128) * 128) / disk.sectorBytes) : 0;
  return (end + backup) * disk.sectorBytes;
}

const describe = (t: TargetDisk): string => `${t.device} (${t.model || 'no model'}, serial ${t.serial || 'none'}, ${String(t.bytes)} bytes, ${t.content})`;

/**
 * Finds a target for every used disk of a survey: by the person's choice (`chosen`: source device to target device),
 * else by serial number or WWN (where several have the same one, with model and size), else by being the only one of the same size,
 * the only one that is large enough, or one of several alike that are all needed.
 * Never by name alone, and removable disks never by size. `need`: bytes that a disk must have to take the place of one
 * (`leastDiskBytes`, when sizes may change).
 * @throws CdrecError DISK_REFUSED, DISK_TOO_SMALL, DISK_AMBIGUOUS, DISK_MISSING
 */
export function assignDisks(disks: readonly Disk[], targets: readonly TargetDisk[], chosen: ReadonlyMap<string, string>, need: (disk: Disk) => number = neededBytes): Assignment[] {
  const taken = new Set<string>();
  const out: Assignment[] = [];
  const sources = disks.filter((d) => d.used);
  for (const name of chosen.keys()) {
    if (!sources.some((d) => d.device === name)) throw new CdrecError('DISK_MISSING', `${name} is no disk of the survey`, { hint: `its disks are ${sources.map((d) => d.device).join(', ')}` });
  }
  const take = (source: Disk, target: TargetDisk, rule: Assignment['rule']): void => {
    if (target.refusal !== undefined) throw new CdrecError('DISK_REFUSED', `${target.device} is refused: ${target.refusal}`);
    if (taken.has(target.device)) throw new CdrecError('DISK_REFUSED', `${target.device} is to take the place of two disks`, { hint: `name all of them: --disk SOURCE=${target.device} for each, and they are put onto it together` });
    const missing = need(source) - target.bytes;
    if (missing > 0) throw new CdrecError('DISK_TOO_SMALL', `${target.device} is too small for ${source.device} by ${String(missing)} bytes (${String(target.bytes)} of ${String(need(source))})`, { hint: 'take a larger disk' });
    taken.add(target.device);
    out.push({ source, target, rule });
  };
  const rest: Disk[] = [];
  for (const source of sources) {
    const name = chosen.get(source.device);
    if (name === undefined) {
      rest.push(source);
      continue;
    }
    const target = targets.find((t) => t.device === name);
    if (target === undefined) throw new CdrecError('DISK_MISSING', `${name} is no disk of this machine`, { hint: `there are ${targets.map(describe).join('; ')}` });
    take(source, target, 'named by you');
  }
  const same = (a: string, b: string): boolean => a !== '' && a === b;
  const alike = (t: TargetDisk, source: Disk): boolean => same(t.serial, source.serial) || same(t.wwn, source.wwn);
  const candidates = targets.filter((t) => !taken.has(t.device) && t.refusal === undefined);
  const unmatched = rest.filter((source) => {
    // Adapters, and cheap disks, give one number to all of theirs: then model and size must tell which is which, or a person.
    const like = candidates.filter((t) => alike(t, source));
    const twins = (t: TargetDisk): Disk[] => rest.filter((s) => alike(t, s));
    const equal = like.filter((t) => t.bytes === source.bytes && t.model === source.model);
    const [target] = like.length === 1 && twins(like[0] as TargetDisk).length === 1 ? like : equal.length === 1 && twins(equal[0] as TargetDisk).filter((s) => s.bytes === source.bytes && s.model === source.model).length === 1 ? equal : [];
    if (target === undefined) return true;
    take(source, target, 'same serial number or WWN');
    return false;
  });
  // Those that need most first: they have the least choice.
  const waiting = unmatched.map((source) => ({ source, bytes: need(source) })).sort((a, b) => b.bytes - a.bytes).map((w) => w.source);
  for (const [n, source] of waiting.entries()) {
    const free = targets.filter((t) => t.refusal === undefined && !t.onlyByName && !taken.has(t.device));
    const fitting = free.filter((t) => t.bytes >= need(source));
    const equal = fitting.filter((t) => t.bytes === source.bytes);
    if (fitting.length === 1) take(source, fitting[0] as TargetDisk, 'the only disk that is large enough');
    else if (equal.length === 1 && unmatched.filter((s) => s.bytes === source.bytes).length === 1) take(source, equal[0] as TargetDisk, 'the only disk of its size');
    // As many disks of one model and size as must be found: all are overwritten, whichever takes whose place. In the order of both lists.
    else if (fitting.length > 1 && fitting.length <= waiting.length - n && fitting.every((t) => t.bytes === fitting[0]?.bytes && t.model === fitting[0].model)) take(source, fitting[0] as TargetDisk, 'all disks of this kind are needed');
    else if (fitting.length > 1) throw new CdrecError('DISK_AMBIGUOUS', `several disks could take the place of ${source.device}: ${fitting.map(describe).join('; ')}`, { hint: `choose one: --disk ${source.device}=${(fitting[0] as TargetDisk).device}` });
    else if (free.length === 1) take(source, free[0] as TargetDisk, 'the only disk that is large enough'); // tells by how much it is too small
    else throw new CdrecError('DISK_MISSING', `no disk can take the place of ${source.device} (${String(need(source))} bytes needed)`, { hint: `disks: ${targets.map((t) => describe(t) + (t.refusal !== undefined ? `: ${t.refusal}` : t.onlyByName ? ': removable, must be named' : '')).join('; ') || 'none'}${sources.length > 1 && targets.length > 0 ? '; several may go onto one: --disk SOURCE=TARGET for each' : ''}` });
  }
  return out.sort((a, b) => sources.indexOf(a.source) - sources.indexOf(b.source));
}

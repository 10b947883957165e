import type { Survey } from '@cdrec/survey';
import type { Assignment } from './match.js';
import { onDisks } from './only.js';
import type { TargetDisk } from './targets.js';

/** A UUID as one sees it, however it is written: mdadm has colons where blkid has hyphens. */
const plain = (uuid: string): string => uuid.replace(/[-:]/g, '').toLowerCase();

/** UUIDs that the disks of a restore will have, and what each is that of. */
function uuidsOf(survey: Survey, assignments: readonly Assignment[]): Map<string, string> {
  const there = onDisks(survey.disks, assignments.map((a) => a.source.device));
  const out = new Map<string, string>();
  const add = (uuid: string, device: string, what: string): void => { if (uuid !== '' && there(device)) out.set(plain(uuid), what); };
  for (const f of survey.fileSystems) add(f.uuid, f.device, f.mount);
  for (const s of survey.swaps) add(s.uuid, s.device, 'swap');
  for (const l of survey.layers) {
    if (l.type === 'luks') add(l.uuid, l.on, `encrypted volume ${l.name}`);
    else if (l.type === 'raid') for (const m of l.members) add(l.uuid, m.device, `array ${l.name || l.device}`);
    else if (l.type === 'vg') for (const p of l.physical) add(p.uuid, p.device, `volume group ${l.name}`);
  }
  return out;
}

/** A disk that stays as it is, and what it has of the same UUIDs. */
export interface Twin { readonly device: string; readonly model: string; readonly serial: string; readonly what: readonly string[] }

/**
 * Disks of this machine that nothing is restored onto and that carry what will have the same UUIDs: the old disk beside the new one. A system that
 * starts with both may mount one for the other; LVM refuses a group that it finds twice (lvmcache, "duplicate PVs"); md takes the older members. Pure.
 */
export function findTwins(survey: Survey, assignments: readonly Assignment[], attached: readonly TargetDisk[]): Twin[] {
  const ours = uuidsOf(survey, assignments);
  return attached.filter((d) => !assignments.some((a) => a.target.device === d.device)).flatMap(({ device, model, serial, uuids = [] }): Twin[] => {
    const what = [...new Set(uuids.flatMap((u) => ours.get(plain(u)) ?? []))];
    return what.length === 0 ? [] : [{ device, model, serial, what }];
  });
}

/** What a plan says of them. */
export const twinWarning = (t: Twin): string => `${t.device} (${t.model || 'no model'}, serial ${t.serial || 'none'}) stays as it is, and has the same UUIDs (${t.what.join(', ')}): detach it before the restored system starts, which could not tell one from the other; or erase it (wipefs --all)`;

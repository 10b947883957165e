import type { HostFact, RepositorySet } from './engine.js';

/** A machine of the repository, in a table. */
export interface HostRow {
  readonly host: string;
  readonly setId: string;
  readonly label: string;
  /** ISO 8601. */
  readonly created: string;
  readonly ageDays: number;
  readonly sets: number;
  readonly contentBytes: number;
  readonly addedBytes: number;
  /** The last verdict on any of its sets: backups are made daily, rehearsals are not. */
  readonly rehearsal: 'PASS' | 'FAIL' | 'never';
  /** When that was (ISO 8601). */
  readonly rehearsed: string | undefined;
  /** Days since then, when it was not the newest set that was rehearsed. */
  readonly rehearsedDays: number | undefined;
  /** Differences between machine and newest set, as the machine last said; undefined: it has not said since. */
  readonly drift: number | undefined;
  /** Why somebody should look at it. */
  readonly attention: readonly string[];
}

const DAY = 86_400_000;
/** Days after which a rehearsal of an older set proves little. */
const PROOF_DAYS = 90;

/** One row a host, by name. `now` and `maxAge` in milliseconds. Pure. */
export function hostRows({ sets, facts }: { readonly sets: readonly RepositorySet[]; readonly facts: readonly HostFact[] }, now: number, maxAge?: number): HostRow[] {
  const facted = new Map<string, HostFact[]>();
  for (const f of facts) facted.set(f.host, [...(facted.get(f.host) ?? []), f]);
  const byHost = new Map<string, RepositorySet[]>();
  for (const s of sets) byHost.set(s.host, [...(byHost.get(s.host) ?? []), s]);
  return [...byHost].sort(([a], [b]) => (a < b ? -1 : 1)).map(([host, own]): HostRow => {
    const newest = own.reduce((a, b) => (Date.parse(b.created) > Date.parse(a.created) ? b : a));
    const latest = (kind: HostFact['kind'], of: (f: HostFact) => boolean): HostFact | undefined => (facted.get(host) ?? []).filter((f) => f.kind === kind && of(f)).sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
    const rehearsed = latest('rehearsal', () => true);
    const status = latest('status', (f) => f.setId === newest.setId);
    const since = rehearsed === undefined || rehearsed.setId === newest.setId ? undefined : Math.round(((now - Date.parse(rehearsed.created)) / DAY) * 10) / 10;
    const age = now - Date.parse(newest.created);
    const verdict = rehearsed === undefined ? 'never' : rehearsed.value === 'PASS' ? 'PASS' : 'FAIL';
    const drift = status === undefined || !/^\d+$/.test(status.value) ? undefined : Number(status.value);
    const attention = [
      ...(maxAge !== undefined && age > maxAge ? ['too old'] : []), ...(drift !== undefined && drift > 0 ? [`changed since (${String(drift)} differences)`] : []),
      ...(verdict === 'FAIL' ? ['its rehearsal failed'] : verdict === 'never' ? ['never rehearsed'] : since !== undefined && since > PROOF_DAYS ? [`not rehearsed for ${String(Math.floor(since))} days`] : []),
    ];
    return { host, setId: newest.setId, label: newest.label, created: newest.created, ageDays: Math.round((age / DAY) * 10) / 10, sets: own.length, contentBytes: newest.contentBytes, addedBytes: newest.addedBytes, rehearsal: verdict, rehearsed: rehearsed?.created, rehearsedDays: since, drift, attention };
  });
}

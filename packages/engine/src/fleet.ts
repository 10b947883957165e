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
  /** Of its newest set; `never` when there is none. */
  readonly rehearsal: 'PASS' | 'FAIL' | 'never';
  readonly rehearsed: string | undefined;
  /** Differences between machine and newest set, as the machine last said; undefined: it has not said since. */
  readonly drift: number | undefined;
  /** Why somebody should look at it. */
  readonly attention: readonly string[];
}

const DAY = 86_400_000;

/** One row a host, by name. `now` and `maxAge` in milliseconds. Pure. */
export function hostRows({ sets, facts }: { readonly sets: readonly RepositorySet[]; readonly facts: readonly HostFact[] }, now: number, maxAge?: number): HostRow[] {
  const bySet = new Map<string, HostFact[]>();
  for (const f of facts) bySet.set(f.setId, [...(bySet.get(f.setId) ?? []), f]);
  const byHost = new Map<string, RepositorySet[]>();
  for (const s of sets) byHost.set(s.host, [...(byHost.get(s.host) ?? []), s]);
  return [...byHost].sort(([a], [b]) => (a < b ? -1 : 1)).map(([host, own]): HostRow => {
    const newest = own.reduce((a, b) => (Date.parse(b.created) > Date.parse(a.created) ? b : a));
    const latest = (kind: HostFact['kind']): HostFact | undefined => (bySet.get(newest.setId) ?? []).filter((f) => f.kind === kind).sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
    const rehearsed = latest('rehearsal');
    const status = latest('status');
    const age = now - Date.parse(newest.created);
    const verdict = rehearsed === undefined ? 'never' : rehearsed.value === 'PASS' ? 'PASS' : 'FAIL';
    const drift = status === undefined || !/^\d+$/.test(status.value) ? undefined : Number(status.value);
    const attention = [
      ...(maxAge !== undefined && age > maxAge ? ['too old'] : []), ...(drift !== undefined && drift > 0 ? [`changed since (${String(drift)} differences)`] : []),
      ...(verdict === 'FAIL' ? ['its rehearsal failed'] : verdict === 'never' ? ['never rehearsed'] : []),
    ];
    return { host, setId: newest.setId, label: newest.label, created: newest.created, ageDays: Math.round((age / DAY) * 10) / 10, sets: own.length, contentBytes: newest.contentBytes, addedBytes: newest.addedBytes, rehearsal: verdict, rehearsed: rehearsed?.created, drift, attention };
  });
}

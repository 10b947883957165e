import { verifySet } from '@cdrec/volumes';
import { EXIT, usageError } from '../exit.js';
import { verifyRehearsal } from '../rehearsal-verify.js';
import { openSource, verifySnapshots, type SourceFlags } from '../source.js';
import type { Terminal } from '../terminal.js';

/** `cdrec verify`: reads a set, compares every checksum; or checks the report of a rehearsal. */
export async function verify([volumes]: [string[]], flags: SourceFlags & { json?: boolean; rehearsal?: string; key?: string }, terminal: Terminal): Promise<number> {
  if (flags.rehearsal !== undefined) {
    return verifyRehearsal(flags.rehearsal, flags.key, volumes, terminal);
  }
  if (flags.key !== undefined) throw usageError('--key goes with --rehearsal');
  const { set, engine } = await openSource(volumes, flags, terminal);
  try {
    const meter = terminal.progress(`Verifying ${set.label}`, set.manifest.archives.reduce((n, a) => n + (a.snapshot === undefined ? a.bytes : a.contentBytes), 0));
    const findings = [...(await verifySet(set, meter.add)), ...(await verifySnapshots(set, engine, meter.set, undefined, terminal))];
    meter.done();
    if (flags.json === true) terminal.print(JSON.stringify({ setId: set.setId, label: set.label, volumes: set.volumes.size, findings }));
    else if (findings.length === 0) terminal.print(`${set.label}: complete and undamaged (${engine === undefined ? `${String(set.volumes.size)} volumes, ` : ''}${String(set.manifest.archives.length)} archives)`);
    else for (const f of findings) terminal.print(`${f.volume}${f.file === '' ? '' : `: ${f.file}`}: ${f.problem}`);
    return findings.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await set.close();
  }
}

import { verifySet } from '@cdrec/volumes';
import { EXIT, usageError } from '../exit.js';
import { verifyRehearsal } from '../rehearsal-verify.js';
import { findSet } from '../sets.js';
import type { Terminal } from '../terminal.js';

/** `cdrec verify`: reads a set, compares every checksum; or checks the report of a rehearsal. */
export async function verify([volumes]: [string[]], flags: { tape: string[]; json?: boolean; rehearsal?: string; key?: string }, terminal: Terminal): Promise<number> {
  if (flags.rehearsal !== undefined) {
    return verifyRehearsal(flags.rehearsal, flags.key, volumes, terminal);
  }
  if (flags.key !== undefined) throw usageError('--key goes with --rehearsal');
  const { set } = await findSet(volumes, { drives: flags.tape, terminal });
  try {
    const meter = terminal.progress(`Verifying ${set.label}`, set.manifest.archives.reduce((n, a) => n + a.bytes, 0));
    const findings = await verifySet(set, meter.add);
    meter.done();
    if (flags.json === true) terminal.print(JSON.stringify({ setId: set.setId, label: set.label, volumes: set.volumes.size, findings }));
    else if (findings.length === 0) terminal.print(`${set.label}: complete and undamaged (${String(set.volumes.size)} volumes, ${String(set.manifest.archives.length)} archives)`);
    else for (const f of findings) terminal.print(`${f.volume}${f.file === '' ? '' : `: ${f.file}`}: ${f.problem}`);
    return findings.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await set.close();
  }
}

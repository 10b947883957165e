import { verifySet } from '@cdrec/volumes';
import { EXIT, usageError, type AddCommand } from '../main.js';
import { verifyRehearsal } from '../rehearsal-verify.js';
import { findSet } from '../sets.js';

export const verifyCommand: AddCommand = (program, terminal, finish) => {
  program.command('verify')
    .description('read all volumes of a set and compare every checksum; in any order, from files, directories or devices')
    .argument('[volumes...]', 'ISO files, devices, or the directory of a path set (default: search all devices)')
    .option('--tape <drive>', 'the set is on tape: /dev/nst0, or HOST:/dev/nst0 by SSH (repeatable)', (value: string, all: string[]) => [...all, value], [])
    .option('--json', 'result as JSON on standard output')
    .option('--rehearsal <directory>', 'check the report of a rehearsal: its signature (--key), and that it speaks of these very volumes')
    .option('--key <file>', 'public Ed25519 key (PEM) of who signed the report')
    .action(async (volumes: string[], flags: { tape: string[]; json?: boolean; rehearsal?: string; key?: string }) => {
      if (flags.rehearsal !== undefined) {
        finish(await verifyRehearsal(flags.rehearsal, flags.key, volumes, terminal));
        return;
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
        finish(findings.length === 0 ? EXIT.ok : EXIT.failed);
      } finally {
        await set.close();
      }
    });
};

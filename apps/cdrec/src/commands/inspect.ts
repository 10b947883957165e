import { parseSurvey } from '@cdrec/survey';
import { volumeLabel } from '@cdrec/volumes';
import type { AddCommand } from '../main.js';
import { findSet } from '../sets.js';
import { formatBytes } from '../terminal.js';

export const inspectCommand: AddCommand = (program, terminal) => {
  program.command('inspect')
    .description('show what a set holds')
    .argument('[volumes...]', 'ISO files, devices, or the directory of a path set (default: search all devices)')
    .option('--json', 'set.json of the last volume on standard output')
    .action(async (volumes: string[], flags: { json?: boolean }) => {
      const { set } = await findSet(volumes);
      try {
        const { manifest } = set;
        if (flags.json === true) {
          terminal.print(JSON.stringify(manifest));
          return;
        }
        terminal.print(`${manifest.label}  set ${manifest.setId}\nof ${manifest.host}, made ${manifest.created}`);
        const first = set.volumes.get(1);
        if (first !== undefined && manifest.mode !== 'path') {
          const survey = parseSurvey((await first.readFile('cdrec/survey.json')).toString('utf8'));
          terminal.print(`${survey.host.os}, kernel ${survey.boot.kernel.version}, ${survey.boot.firmware}`);
          for (const d of survey.disks.filter((x) => x.used)) terminal.print(`disk ${d.device}  ${formatBytes(d.bytes)}  ${d.table?.type ?? 'no table'}  ${d.model} ${d.serial}`.trimEnd());
          for (const f of survey.fileSystems) terminal.print(`  ${f.mount}  ${f.type} on ${f.device}  ${formatBytes(f.usedBytes)} of ${formatBytes(f.bytes)}`);
        }
        for (const [n, v] of [...set.volumes].sort(([a], [b]) => a - b)) terminal.print(`volume ${volumeLabel(set.label, n)}  ${v.path}`);
        for (const m of set.missing) terminal.print(`volume ${m}  MISSING`);
        for (const a of manifest.archives) terminal.print(`archive ${a.name}  ${a.mount}  ${formatBytes(a.bytes)} in ${String(a.pieces.length)} pieces${a.exceptions.length > 0 ? `, ${String(a.exceptions.length)} exceptions` : ''}`);
      } finally {
        await set.close();
      }
    });
};

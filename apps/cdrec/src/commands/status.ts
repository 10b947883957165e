import { loadConfig } from '@cdrec/config';
import { EXIT, usageError, type AddCommand } from '../main.js';
import { parseAge, readStatus, type Status } from '../status.js';

interface Flags { config?: string; maxAge?: string; json?: boolean }
const CONFIG = '/etc/cdrec/cdrec.toml';

function describe(s: Status): string[] {
  if (s.set === undefined) return [];
  const short = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}...` : text);
  return [
    `Set        ${s.set.label}, made ${s.set.created} (${String(s.set.ageDays)} days ago)`, ...s.set.volumes.map((v) => `           ${v}`),
    `Drift      ${s.drift.length === 0 ? 'none: the machine is as in the set' : ''}`.trimEnd(), ...s.drift.flatMap((d) => [`  ${d.what}`, `    was: ${short(d.was)}`, `    is:  ${short(d.is)}`]),
    `Rehearsed  ${s.rehearsal === undefined ? 'never' : `${s.rehearsal.verdict} ${s.rehearsal.created} (${s.rehearsal.report})`}`,
  ];
}

export const statusCommand: AddCommand = (program, terminal, finish) => {
  program.command('status').description('is there a set, how old is it, has the machine changed since, was it rehearsed?')
    .argument('[volumes...]', 'ISO files or directories of sets (default: the output directory)')
    .option('--config <file>', `configuration (default: ${CONFIG})`)
    .option('--max-age <age>', 'a set older than this needs attention: 12h, 30d, 6w')
    .option('--json', 'the status as JSON on standard output')
    .addHelpText('after', '\nWhat changes by itself (times, counters, names of devices, sticks, used bytes) is no drift.\nExit status: 0 all is well; 1 there is no set, or it could not be found out; 2 wrong usage; 3 attention: drift, too old, not rehearsed, or its rehearsal failed.')
    .action(async (volumes: string[], flags: Flags) => {
      if (process.getuid?.() !== 0) throw usageError('cdrec status must be run as root: it reads the disks\' tables and superblocks');
      const status = await readStatus(loadConfig(flags.config ?? CONFIG, flags.config !== undefined), volumes, flags.maxAge === undefined ? undefined : parseAge(flags.maxAge), Date.now());
      if (flags.json === true) terminal.print(JSON.stringify(status));
      else for (const line of describe(status)) terminal.print(line);
      for (const a of status.attention) terminal.say(`attention: ${a}`);
      finish(status.set === undefined ? EXIT.failed : status.attention.length > 0 ? EXIT.exceptions : EXIT.ok);
    });
};

import { resolve } from 'node:path';
import { parseSize, type Config } from '@cdrec/config';
import { isLabel } from '@cdrec/volumes';
import { build } from '../build.js';
import { buildSnapshots } from '../repository-build.js';
import { planArchives } from '../archives.js';
import { dryRun } from '../dry-run.js';
import { surveyMachine } from '../rescue-parts.js';
import { Burner } from '../burner.js';
import { chooseMode, type Choice } from '../choose.js';
import { tapeDrives } from '../tapes.js';
import { addToTree } from '../fleet-tree.js';
import { buildFloppy, buildNetTree, buildTree } from '../netboot.js';
import { configOf } from '../config.js';
import { EXIT, usageError } from '../exit.js';
import { formatBytes, formatSeconds, type Terminal } from '../terminal.js';

interface Flags {
  config?: string; mode?: string; output?: string; out?: string; volumeSize?: string; label?: string; kernel?: string; tape: string[]; burn?: string; erase?: boolean; sameDisk?: boolean; passphrase?: boolean; dryRun?: boolean; tree?: string; exclude: string[]; excludeMount: string[]; overwrite?: boolean; json?: boolean; initRepository?: boolean; medium: boolean; to?: string; generic?: boolean;
}
async function showDryRun(config: Config, flags: Flags, terminal: Terminal): Promise<void> {
  const request = { config, out: resolve(flags.out ?? config.output.directory), label: flags.label ?? (config.output.label === '' ? undefined : config.output.label) };
  const survey = await surveyMachine({ config, kernel: flags.kernel, date: Date.now() });
  const result = await dryRun(survey, planArchives(survey, request, config.backup.passphrase ? [...config.backup.encrypt, 'the passphrase'] : config.backup.encrypt), request);
  if (flags.json === true) {
    terminal.print(JSON.stringify(result));
    return;
  }
  terminal.print('Archives (bytes in use; compressed they are smaller):');
  for (const a of result.archives) terminal.print(`  ${a.name}  ${a.mount}  ${a.fsType} on ${a.device}  ${formatBytes(a.usedBytes)}`);
  terminal.print('Left out:');
  for (const l of result.leftOut) terminal.print(`  ${l.what}${l.bytes === undefined ? '' : `  ${formatBytes(l.bytes)}`}  ${l.why}`);
  terminal.print('Nothing was written.');
}

/** `cdrec build`: a recovery set of this machine. */
export async function buildSet(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  const read = configOf(flags);
  const config = flags.passphrase === true ? { ...read, backup: { ...read.backup, passphrase: true } } : read;
  if (process.getuid?.() !== 0) throw usageError('cdrec build must be run as root: it reads every file and every disk');
  if (flags.dryRun === true) {
    await showDryRun(config, flags, terminal);
    return EXIT.ok;
  }
  const { output } = flags;
  if (output !== 'iso' && output !== 'pxe' && output !== 'floppy' && output !== 'tree') throw usageError(`--output ${String(output)} is unknown`, 'take iso, pxe, floppy or tree');
  if (output !== 'iso' && flags.mode !== undefined && flags.mode !== 'rescue') throw usageError(`--output ${output} makes no backups: --mode ${flags.mode} does not go with it`, 'make the backups with --mode path, on a server that the rescue system can reach');
  const chosen: Omit<Choice, 'mode'> & { mode: string } = output !== 'iso' ? { mode: 'rescue' } : flags.mode !== undefined ? { mode: flags.mode } : config.output.mode !== '' ? { mode: config.output.mode } : config.backup.engine !== 'tar' ? { mode: 'repository' } : await chooseMode(terminal);
  if (chosen.mode !== 'rescue' && chosen.mode !== 'iso' && chosen.mode !== 'path' && chosen.mode !== 'tape' && chosen.mode !== 'repository') throw usageError(`--mode ${chosen.mode} is unknown`, 'take rescue, iso, path, tape or repository');
  if (config.backup.engine !== 'tar' && chosen.mode !== 'repository' && chosen.mode !== 'rescue') throw usageError(`backup.engine = "${config.backup.engine}" keeps the backups elsewhere: --mode ${chosen.mode} does not go with it`, 'take --mode repository');
  if (flags.passphrase === true && chosen.mode === 'repository') throw usageError('--passphrase does not go with --mode repository', 'restic encrypts with the password of the repository');
  if (!flags.medium && chosen.mode !== 'repository') throw usageError('--no-medium goes with --mode repository', 'the backups would be nowhere');
  const tapes = [...flags.tape, ...(chosen.tape === undefined ? [] : [chosen.tape])];
  const drive = flags.burn ?? chosen.burn ?? (config.output.burn !== '' && (chosen.mode === 'iso' || chosen.mode === 'rescue' || chosen.mode === 'repository') ? config.output.burn : undefined);
  if (tapes.length > 0 && chosen.mode !== 'tape') throw usageError(`--tape does not go with --mode ${chosen.mode}`);
  if (drive !== undefined && chosen.mode === 'path') throw usageError('--burn does not go with --mode path');
  const label = flags.label ?? (config.output.label === '' ? undefined : config.output.label);
  if (label !== undefined && !isLabel(label)) throw usageError(`label "${label}" has ${String(label.length)} characters; it must have 1 to 28 of A-Z a-z 0-9 _ . -`);
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  const started = Date.now();
  const request = {
    config, out: resolve(flags.out ?? chosen.out ?? config.output.directory), label, kernel: flags.kernel, overwrite: flags.overwrite === true,
    date: epoch === undefined ? Math.floor(started / 1000) * 1000 : Number(epoch) * 1000, reproducible: epoch !== undefined, tree: flags.tree === undefined ? undefined : resolve(flags.tree),
  };
  if (flags.tree !== undefined && output === 'tree') throw usageError('--tree and --output tree do not go together');
  if ((flags.to !== undefined || flags.generic === true) && output !== 'pxe') throw usageError('--to and --generic go with --output pxe');
  if (flags.generic === true && (flags.to === undefined || config.backup.engine !== 'restic')) throw usageError('--generic needs --to TREE, and backup.engine = "restic": it restores machines of a repository');
  if (output !== 'iso') {
    const { to } = flags;
    const files = to !== undefined ? await addToTree({ ...request, to: resolve(to), generic: flags.generic === true }, terminal) : await ({ pxe: buildNetTree, floppy: buildFloppy, tree: buildTree }[output](request, terminal));
    if (flags.json === true) terminal.print(JSON.stringify({ files }));
    else for (const f of files) terminal.print(`${f.path}  ${formatBytes(f.bytes)}`);
    return EXIT.ok;
  }
  if (!flags.medium) {
    const { setId, exceptions, bytes } = await buildSnapshots({ ...request, initialize: flags.initRepository === true }, terminal);
    for (const e of exceptions) terminal.say(`exception: ${e}`);
    if (flags.json === true) terminal.print(JSON.stringify({ setId, bytes, exceptions }));
    else terminal.print(`set ${setId}: ${formatBytes(bytes)} added to the repository`);
    return exceptions.length > 0 ? EXIT.exceptions : EXIT.ok;
  }
  const burner = drive === undefined ? {} : { burner: new Burner({ drive, program: config.output.burn_program, speed: config.output.burn_speed, erase: flags.erase ?? config.output.burn_erase }, terminal) };
  if (chosen.mode === 'tape') tapeDrives(config, tapes); // wrong ones are told before anything is done
  const { set, exceptions } = await build({ ...request, initialize: flags.initRepository === true, mode: chosen.mode, tapes, sameDisk: flags.sameDisk === true, ...burner, volumeBytes: parseSize(flags.volumeSize ?? config.output.volume_size) }, terminal);
  for (const e of exceptions) terminal.say(`exception: ${e}`);
  if (flags.json === true) terminal.print(JSON.stringify({ ...set, exceptions }));
  else for (const f of set.files) terminal.print(`${f.path}  ${formatBytes(f.bytes)}`);
  terminal.say(`Complete${exceptions.length > 0 ? `, with ${String(exceptions.length)} exceptions` : ''}, in ${formatSeconds((Date.now() - started) / 1000)}. Try it before you need it: boot it, or run "cdrec verify".`);
  return exceptions.length > 0 ? EXIT.exceptions : EXIT.ok;
}

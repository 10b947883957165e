import { resolve } from 'node:path';
import { loadConfig, parseSize, type Config } from '@cdrec/config';
import { isLabel } from '@cdrec/volumes';
import { build, type BuildRequest } from '../build.js';
import { planArchives } from '../archives.js';
import { dryRun } from '../dry-run.js';
import { surveyMachine } from '../rescue-parts.js';
import { Burner } from '../burner.js';
import { tapeDrives } from '../tapes.js';
import { buildFloppy, buildNetTree, buildTree } from '../netboot.js';
import { collect, EXIT, usageError, type AddCommand } from '../main.js';
import { formatBytes, formatSeconds, type Terminal } from '../terminal.js';

interface Flags {
  config?: string; mode?: string; output?: string; out?: string; volumeSize?: string; label?: string; kernel?: string; tape: string[]; burn?: string; erase?: boolean; sameDisk?: boolean; passphrase?: boolean; dryRun?: boolean; tree?: string; exclude: string[]; excludeMount: string[]; overwrite?: boolean; json?: boolean;
}
/** Where the configuration is looked for. */
export const DEFAULT_CONFIG_FILE = '/etc/cdrec/cdrec.toml';

/** Options that read the machine, shared by \`build\` and \`test\`. */
export function configOf(flags: { config?: string; exclude?: string[]; excludeMount?: string[] }): Config {
  const config = loadConfig(flags.config ?? DEFAULT_CONFIG_FILE, flags.config !== undefined);
  return { ...config, backup: { ...config.backup, exclude: [...config.backup.exclude, ...(flags.exclude ?? [])], exclude_mounts: [...config.backup.exclude_mounts, ...(flags.excludeMount ?? [])] } };
}

/** mkCDrec's menu of five choices. */
async function chooseMode(terminal: Terminal): Promise<{ mode: BuildRequest['mode']; out?: string; tape?: string; burn?: string }> {
  terminal.say(`
  1) Rescue CD only (no backups)
  2) Onto discs: every volume is burned as soon as it is complete
  3) ISO images, for burning later or for USB
  4) Into a directory: another disk, NFS, SMB (rescue ISO and archives)
  5) Onto tape, here or on another host
`);
  for (;;) {
    switch (await terminal.ask('Your choice (1-5): ', '--mode rescue|iso|path|tape')) {
      case '1': return { mode: 'rescue' };
      case '2': return { mode: 'iso', burn: await terminal.ask('Drive (/dev/sr0): ', '--burn DRIVE') || '/dev/sr0' };
      case '3': return { mode: 'iso' };
      case '4': return { mode: 'path', out: await terminal.ask('Directory: ', '--out DIRECTORY') };
      case '5': return { mode: 'tape', tape: await terminal.ask('Drive (/dev/nst0, or HOST:/dev/nst0): ', '--tape DRIVE') || '/dev/nst0' };
      default: terminal.say('Type a number from 1 to 5.');
    }
  }
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

export const buildCommand: AddCommand = (program, terminal, finish) => {
  program.command('build')
    .description('build a bootable recovery set of this machine')
    .option('--mode <mode>', 'rescue: no backups; iso: volumes; path: rescue ISO and archives in a directory; tape: rescue ISO in --out, archives on tape')
    .option('--output <kind>', 'iso: ISO volumes; pxe: a tree for a TFTP or HTTP server (rescue system only); floppy: the image of a boot floppy; tree: the rescue root as a directory, to be changed', 'iso')
    .option('--tree <directory>', 'take the rescue root from this directory, which --output tree made')
    .option('--out <directory>', 'where the set is written')
    .option('--volume-size <size>', 'cd, dvd, dvd-dl, bd, bd-dl, bytes, or 700M, 4.5G...')
    .option('--label <label>', 'label of the set (default: CDrec-YYYY.MM.DD)')
    .option('--kernel <version>', 'kernel of the rescue system (default: the running one)')
    .option('--tape <drive>', 'drive for --mode tape: /dev/nst0, or HOST:/dev/nst0 by SSH (repeatable: one after another)', collect, [])
    .option('--burn <drive>', 'burn every volume of --mode iso when it is complete, read it back, ask for the next disc; no ISO files are kept')
    .option('--erase', 'blank rewritable discs without a question')
    .option('--same-disk', 'let --mode path write to a disk that is itself backed up')
    .option('--passphrase', 'encrypt the archives with a passphrase that is asked for (backup.encrypt: with public keys)')
    .option('--exclude <path>', 'leave out: /x drops x, /x/* keeps x empty (repeatable)', collect, [])
    .option('--exclude-mount <mount point>', 'a file system that does not belong to the machine (repeatable)', collect, [])
    .option('--dry-run', 'list the archives, their sizes, and what is left out and why; write nothing')
    .option('--overwrite', 'replace volumes of the same name; with --tape, overwrite tapes that hold data')
    .option('--config <file>', `configuration file (default: ${DEFAULT_CONFIG_FILE}, if it exists)`)
    .option('--json', 'result as JSON on standard output')
    .addHelpText('after', '\nExit status: 0 complete; 1 failed, nothing is left behind; 2 wrong usage; 3 complete, but the listed files could not be read or changed.')
    .action(async (flags: Flags) => {
      const read = configOf(flags);
      const config = flags.passphrase === true ? { ...read, backup: { ...read.backup, passphrase: true } } : read;
      if (process.getuid?.() !== 0) throw usageError('cdrec build must be run as root: it reads every file and every disk');
      if (flags.dryRun === true) {
        await showDryRun(config, flags, terminal);
        return;
      }
      const { output } = flags;
      if (output !== 'iso' && output !== 'pxe' && output !== 'floppy' && output !== 'tree') throw usageError(`--output ${String(output)} is unknown`, 'take iso, pxe, floppy or tree');
      if (output !== 'iso' && flags.mode !== undefined && flags.mode !== 'rescue') throw usageError(`--output ${output} makes no backups: --mode ${flags.mode} does not go with it`, 'make the backups with --mode path, on a server that the rescue system can reach');
      const chosen: { mode: string; out?: string; tape?: string; burn?: string } = output !== 'iso' ? { mode: 'rescue' as const } : flags.mode !== undefined ? { mode: flags.mode } : config.output.mode !== '' ? { mode: config.output.mode } : await chooseMode(terminal);
      if (chosen.mode !== 'rescue' && chosen.mode !== 'iso' && chosen.mode !== 'path' && chosen.mode !== 'tape') throw usageError(`--mode ${chosen.mode} is unknown`, 'take rescue, iso, path or tape');
      const tapes = [...flags.tape, ...(chosen.tape === undefined ? [] : [chosen.tape])];
      const drive = flags.burn ?? chosen.burn ?? (config.output.burn !== '' && (chosen.mode === 'iso' || chosen.mode === 'rescue') ? config.output.burn : undefined);
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
      if (output !== 'iso') {
        const files = await ({ pxe: buildNetTree, floppy: buildFloppy, tree: buildTree }[output](request, terminal));
        if (flags.json === true) terminal.print(JSON.stringify({ files }));
        else for (const f of files) terminal.print(`${f.path}  ${formatBytes(f.bytes)}`);
        return;
      }
      const burner = drive === undefined ? {} : { burner: new Burner({ drive, program: config.output.burn_program, speed: config.output.burn_speed, erase: flags.erase ?? config.output.burn_erase }, terminal) };
      if (chosen.mode === 'tape') tapeDrives(config, tapes); // wrong ones are told before anything is done
      const { set, exceptions } = await build({ ...request, mode: chosen.mode, tapes, sameDisk: flags.sameDisk === true, ...burner, volumeBytes: parseSize(flags.volumeSize ?? config.output.volume_size) }, terminal);
      for (const e of exceptions) terminal.say(`exception: ${e}`);
      if (flags.json === true) terminal.print(JSON.stringify({ ...set, exceptions }));
      else for (const f of set.files) terminal.print(`${f.path}  ${formatBytes(f.bytes)}`);
      terminal.say(`Complete${exceptions.length > 0 ? `, with ${String(exceptions.length)} exceptions` : ''}, in ${formatSeconds((Date.now() - started) / 1000)}. Try it before you need it: boot it, or run "cdrec verify".`);
      finish(exceptions.length > 0 ? EXIT.exceptions : EXIT.ok);
    });
};

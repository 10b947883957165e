import { statfsSync } from 'node:fs';
import { release, totalmem } from 'node:os';
import { getDiskInfoSync } from 'node-disk-info';
import { RESCUE_PROGRAMS } from '@cdrec/ramdisk';
import { neededPrograms } from '@cdrec/restore';
import { findKernel, listKernels, readSurvey, type Kernel, type Survey } from '@cdrec/survey';
import { findProgram, installHint, programsOf, runTool } from '@cdrec/tool';
import { checkBoot, checkKernel, checkMachine } from '../checks/boot.js';
import { wrong, type Add, type Check } from '../checks/check.js';
import { unsaved } from '../dry-run.js';
import { collect, EXIT, type AddCommand } from '../main.js';
import { formatBytes, searchPath } from '../terminal.js';
import { configOf } from './build.js';

/** Programs that `cdrec build` itself runs. */
const BUILD_PROGRAMS = ['lsblk', 'findmnt', 'sfdisk', 'blkid', 'tar', 'ldd', 'modinfo', 'unshare', 'mount', 'sh'];
const MIB = 2 ** 20;

interface Flags { config?: string; label?: string; kernel?: string; exclude: string[]; excludeMount: string[]; out?: string; json?: boolean }

async function runChecks(flags: Flags): Promise<Check[]> {
  const path = searchPath();
  const out: Check[] = [];
  const add = (id: string, status: Check['status'], message: string, remedy?: string): void => { out.push({ id, status, message, ...(remedy === undefined ? {} : { remedy }) }); };

  add('root', process.getuid?.() === 0 ? 'PASS' : 'FAIL', process.getuid?.() === 0 ? 'running as root' : 'not running as root', ...(process.getuid?.() === 0 ? [] : ['run cdrec as root: it reads every file and every disk']));
  const config = configOf(flags);
  const image = config.rescue.image === 'squashfs' ? ['mksquashfs'] : [];
  const compress = [...programsOf(config.backup.compress).slice(-1), ...(config.backup.encrypt.length > 0 || config.backup.passphrase ? ['age'] : []), ...(config.backup.passphrase ? ['age-keygen'] : [])];
  const programs = [...new Set([...BUILD_PROGRAMS, ...image, ...compress, ...RESCUE_PROGRAMS.required, ...config.rescue.programs])];
  for (const program of programs) {
    const found = findProgram(program, path, true);
    if (found === undefined) add(`program.${program}`, 'FAIL', `${program} is not on PATH`, installHint(program));
    else add(`program.${program}`, 'PASS', `${program} is ${found}`);
  }
  await checkTar(path, add);
  let kernel: Kernel | undefined;
  try {
    kernel = findKernel(flags.kernel ?? (config.rescue.kernel || release()));
    add('kernel', 'PASS', `kernel ${kernel.version}: image and modules are there`);
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('kernel', 'FAIL', message, remedy);
  }
  add('memory', totalmem() < 512 * MIB ? 'WARN' : 'PASS', `${formatBytes(totalmem())} of memory`, ...(totalmem() < 512 * MIB ? ['the rescue system wants 512 MiB'] : []));
  checkSpace(flags.out ?? config.output.directory, add);
  await checkMachine(config, flags.label, add);
  const survey = await checkSurvey(flags, config, add);
  if (kernel !== undefined) await checkBoot(config, kernel, survey?.boot.secureBoot ?? false, survey?.modules ?? [], add);
  if (kernel !== undefined && survey !== undefined) await checkKernel(config, kernel, survey, add);
  return out;
}

async function checkTar(path: string, add: Add): Promise<void> {
  if (findProgram('tar', path, true) === undefined) return; // said above
  const { stdout } = await runTool('tar', ['--version'], { ok: [0, 1, 2, 64] });
  const gnu = stdout.includes('GNU tar');
  add('tar.gnu', gnu ? 'PASS' : 'FAIL', gnu ? (stdout.split('\n')[0] as string) : 'tar is not GNU tar: it would lose metadata', ...(gnu ? [] : ['install GNU tar and put it first on PATH']));
}

/** Free space where volumes go; the list of mounted disks is for the eye, the decision is statfs's. */
function checkSpace(out: string, add: Add): void {
  let directory = out;
  for (;;) {
    try {
      const s = statfsSync(directory);
      const free = s.bavail * s.bsize;
      const mounted = (() => { try { return getDiskInfoSync().find((d) => d.mounted === directory)?.filesystem ?? ''; } catch { return ''; } })();
      add('space', free < 300 * MIB ? 'FAIL' : 'PASS', `${formatBytes(free)} free for ${out}${mounted === '' ? '' : ` on ${mounted}`}`, ...(free < 300 * MIB ? ['a rescue system alone needs about 300 MiB: free space, or choose another --out'] : []));
      return;
    } catch (error) {
      if (directory === '/') throw error;
      directory = directory.slice(0, directory.lastIndexOf('/')) || '/';
    }
  }
}

async function checkSurvey(flags: Flags, config: ReturnType<typeof configOf>, add: Add): Promise<Survey | undefined> {
  let survey: Survey;
  try {
    const kernel = flags.kernel ?? (config.rescue.kernel || listKernels().at(-1)?.version);
    survey = await readSurvey({ ...(kernel === undefined ? {} : { kernel }), excludeMounts: config.backup.exclude_mounts, images: config.backup.images, allowUnsupported: config.backup.allow_unsupported, path: searchPath(), now: Date.now() });
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('survey', 'FAIL', `the machine could not be surveyed: ${message}`, remedy);
    return undefined;
  }
  for (const u of survey.unsupported) add(`layout.${u.object}`, u.excluded ? 'WARN' : 'FAIL', `${u.object} (${u.what}): ${u.reason}`, u.excluded ? 'it is left out, as configured' : `exclude it: backup.allow_unsupported = ["${u.object}"]`);
  const root = survey.fileSystems.some((f) => f.mount === '/');
  add('layout', root ? 'PASS' : 'FAIL', `${String(survey.fileSystems.length)} file systems on ${String(survey.disks.filter((d) => d.used).length)} disks are understood`, ...(root ? [] : ['the root file system must lie on a local disk']));
  const lost = await unsaved(survey);
  add('unsaved', lost.length > 0 ? 'WARN' : 'PASS', lost.length > 0 ? `not mounted, so not saved: ${lost.map((u) => `${u.device} (${u.type})`).join(', ')}` : 'nothing on the disks is left out unseen', ...(lost.length > 0 ? [`mount what belongs to the machine, or save it block by block: backup.images = [${lost.map((u) => `"${u.device}"`).join(', ')}]`] : []));
  const missing = neededPrograms(survey).filter((p) => findProgram(p, searchPath(), true) === undefined);
  for (const p of missing) add(`program.${p}`, 'FAIL', `${p} is not on PATH: the restore needs it in the rescue system`, installHint(p));
  const loaders = survey.boot.loaders;
  add('loader', loaders.length === 0 ? 'WARN' : 'PASS', loaders.length === 0 ? 'no boot loader was recognised on the disks' : `boot loader: ${loaders.map((l) => (l.type === 'efi' ? `UEFI programs in ${l.mount}` : `GRUB on ${l.disk}`)).join(', ')}`, ...(loaders.length === 0 ? ['after a restore, install one by hand: GRUB is what cdrec knows'] : []));
  return survey;
}

export const testCommand: AddCommand = (program, terminal, finish) => {
  program.command('test')
    .description('check everything a build needs on this machine, with a remedy for what is missing')
    .option('--out <directory>', 'where the set would be written')
    .option('--label <label>', 'label that the set would have')
    .option('--kernel <version>', 'kernel of the rescue system (default: the running one)')
    .option('--exclude <path>', 'as in build', collect, [])
    .option('--exclude-mount <mount point>', 'as in build', collect, [])
    .option('--config <file>', 'configuration file')
    .option('--json', 'result as JSON on standard output')
    .action(async (flags: Flags) => {
      const checks = await runChecks(flags);
      if (flags.json === true) terminal.print(JSON.stringify(checks, null, 1));
      else for (const c of checks) terminal.print(`${c.status}  ${c.id}: ${c.message}${c.status !== 'PASS' && c.remedy !== undefined ? `\n      remedy: ${c.remedy}` : ''}`);
      const failed = checks.filter((c) => c.status === 'FAIL').length;
      terminal.say(`${String(checks.length)} checks, ${String(failed)} failed, ${String(checks.filter((c) => c.status === 'WARN').length)} warnings`);
      finish(failed === 0 ? EXIT.ok : EXIT.failed);
    });
};

import { existsSync, statfsSync } from 'node:fs';
import { release, totalmem } from 'node:os';
import { getDiskInfoSync } from 'node-disk-info';
import type { Config } from '@cdrec/config';
import { RESCUE_PROGRAMS, usableFormat } from '@cdrec/ramdisk';
import { neededPrograms } from '@cdrec/restore';
import { findKernel, listKernels, readSurvey, type Kernel, type Survey } from '@cdrec/survey';
import { endsWithin, findProgram, installHint, programsOf, requireAnswer, runTool } from '@cdrec/tool';
import { configOf } from '../config.js';
import { unsaved } from '../dry-run.js';
import { DEFAULT_CONFIG_FILE } from '../environment.js';
import { formatBytes, searchPath } from '../terminal.js';
import { checkBoot, checkKernel, checkMachine } from './boot.js';
import { groupOf, wrong, type Add, type Check } from './check.js';
import { checkRepository } from './repository.js';
import { checkDevices, checkEnvironment, checkRehearsal, checkRescue } from './surroundings.js';

/** Programs that `cdrec build` itself runs. */
const BUILD_PROGRAMS = ['lsblk', 'findmnt', 'sfdisk', 'blkid', 'tar', 'ldd', 'modinfo', 'unshare', 'mount', 'sh'];
const MIB = 2 ** 20;

/** What the checks are made for: options of `cdrec test`. */
export interface CheckFlags { config?: string; label?: string; kernel?: string; exclude: string[]; excludeMount: string[]; out?: string }

/** Everything that a build needs, checked on this machine. A wrong configuration is an error, not a check. @throws CdrecError CONFIG_INVALID */
export async function runChecks(flags: CheckFlags): Promise<Check[]> {
  const path = searchPath();
  const out: Check[] = [];
  const add: Add = (id, status, message, remedy, missing) => { out.push({ id, group: groupOf(id), status, message, ...(remedy === undefined ? {} : { remedy }), ...(missing === undefined ? {} : { missing }) }); };

  add('root', process.getuid?.() === 0 ? 'PASS' : 'FAIL', process.getuid?.() === 0 ? 'running as root' : 'not running as root', ...(process.getuid?.() === 0 ? [] : ['run cdrec as root: it reads every file and every disk']));
  const wished = configOf(flags);
  const file = flags.config ?? DEFAULT_CONFIG_FILE;
  add('config', 'PASS', existsSync(file) ? `${file} is right` : `no configuration (${file}): the defaults hold`);
  await checkEnvironment(add);
  const image = wished.rescue.image === 'squashfs' ? ['mksquashfs'] : [];
  const { format, why } = await usableFormat(wished.rescue.image, path);
  if (why !== undefined) add('rescue-image', 'WARN', why, 'install squashfs-tools 4.5 or later, where the distribution has them');
  const config: Config = { ...wished, rescue: { ...wished.rescue, image: format } };
  const compress = [...programsOf(config.backup.compress).slice(-1), ...(config.backup.encrypt.length > 0 || config.backup.passphrase ? ['age'] : []), ...(config.backup.passphrase ? ['age-keygen'] : [])];
  const programs = [...new Set([...BUILD_PROGRAMS, ...image, ...compress, ...RESCUE_PROGRAMS.required, ...config.rescue.programs])];
  const absent = programs.filter((p) => findProgram(p, path, true) === undefined);
  for (const p of absent) add(`program.${p}`, 'FAIL', `${p} is not on PATH`, installHint(p), [p]);
  if (absent.length === 0) add('programs', 'PASS', `all ${String(programs.length)} programs that a build and its rescue system need are there`);
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
  await checkSpace(flags.out ?? config.output.directory, add);
  await checkMachine(config, flags.label, add);
  await checkDevices(config, add);
  await checkRepository(config, add);
  await checkRescue(config, path, add);
  const survey = await checkSurvey(flags, config, add);
  if (kernel !== undefined) await checkBoot(config, kernel, survey?.boot.secureBoot ?? false, survey?.modules ?? [], add);
  if (kernel !== undefined && survey !== undefined) await checkKernel(config, kernel, survey, add);
  await checkRehearsal(add);
  return out;
}

async function checkTar(path: string, add: Add): Promise<void> {
  if (findProgram('tar', path, true) === undefined) return; // said above
  const { stdout } = await runTool('tar', ['--version'], { ok: [0, 1, 2, 64] });
  const gnu = stdout.includes('GNU tar');
  add('tar.gnu', gnu ? 'PASS' : 'FAIL', gnu ? (stdout.split('\n')[0] as string) : 'tar is not GNU tar: it would lose metadata', ...(gnu ? [] : ['install GNU tar and put it first on PATH']));
}

/** The device mounted at a directory; empty where nothing is, or a dead server somewhere on the machine would keep df(1), which the library runs, for ever. */
async function deviceAt(directory: string): Promise<string> {
  if (!(await endsWithin(5, 'df', '-P'))) return '';
  try {
    return getDiskInfoSync().find((d) => d.mounted === directory)?.filesystem ?? '';
  } catch {
    return '';
  }
}

/** Free space where volumes go; the list of mounted disks is for the eye, the decision is statfs's. */
async function checkSpace(out: string, add: Add): Promise<void> {
  try {
    await requireAnswer([out]);
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('space', 'FAIL', message, remedy);
    return;
  }
  let directory = out;
  for (;;) {
    try {
      const s = statfsSync(directory);
      const free = s.bavail * s.bsize;
      const mounted = await deviceAt(directory);
      add('space', free < 300 * MIB ? 'FAIL' : 'PASS', `${formatBytes(free)} free for ${out}${mounted === '' ? '' : ` on ${mounted}`}`, ...(free < 300 * MIB ? ['a rescue system alone needs about 300 MiB: free space, or choose another --out'] : []));
      return;
    } catch (error) {
      if (directory === '/') throw error;
      directory = directory.slice(0, directory.lastIndexOf('/')) || '/';
    }
  }
}

async function checkSurvey(flags: CheckFlags, config: Config, add: Add): Promise<Survey | undefined> {
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
  for (const p of missing) add(`program.${p}`, 'FAIL', `${p} is not on PATH: the restore needs it in the rescue system`, installHint(p), [p]);
  const loaders = survey.boot.loaders;
  add('loader', loaders.length === 0 ? 'WARN' : 'PASS', loaders.length === 0 ? 'no boot loader was recognised on the disks' : `boot loader: ${loaders.map((l) => (l.type === 'efi' ? `UEFI programs in ${l.mount}` : `${{ 'grub-bios': 'GRUB', lilo: 'LILO', extlinux: 'EXTLINUX' }[l.type]} on ${l.disk}`)).join(', ')}`, ...(loaders.length === 0 ? ['the code in the first sector of each disk is brought back as it is; whether the machine starts by it, a rehearsal shows'] : []));
  return survey;
}

import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { BackupItem } from '@cdrec/backup';
import { parseSize, type Config } from '@cdrec/config';
import type { Survey } from '@cdrec/survey';
import { shownLocation } from '@cdrec/engine';
import { findProgram } from '@cdrec/tool';
import { planArchives } from '../archives.js';
import { runChecks } from '../checks/run.js';
import { fixMissing } from '../checks/fix.js';
import { chooseMode, type Choice } from '../choose.js';
import { readConfig } from '../config.js';
import { unsaved } from '../dry-run.js';
import { estimate, sampleCompression, type Estimate } from '../estimate.js';
import { EXIT } from '../exit.js';
import { main } from '../main.js';
import { surveyMachine } from '../rescue-parts.js';
import { formatBytes, formatSeconds, searchPath, type Terminal } from '../terminal.js';

const isYes = (answer: string): boolean => /^y(es)?$/i.test(answer);

/** Bytes free where a directory is, or will be. */
function freeAt(directory: string): number {
  let at = resolve(directory);
  while (!existsSync(at)) at = dirname(at);
  const s = statfsSync(at);
  return s.bavail * s.bsize;
}

/** The machine in a few lines. */
function describeMachine(survey: Survey, items: readonly BackupItem[], terminal: Terminal): void {
  terminal.say(`This is ${survey.host.name}: ${survey.host.os}, kernel ${survey.boot.kernel.version}, ${survey.boot.firmware === 'bios' ? 'BIOS' : 'UEFI'}`);
  for (const d of survey.disks.filter((x) => x.used)) terminal.say(`  disk ${d.device}  ${formatBytes(d.bytes)}  ${d.model}`.trimEnd());
  for (const i of items) terminal.say(`    ${i.meta.mount || i.meta.device}  ${i.meta.fsType}  ${formatBytes(i.usedBytes)} in use`);
}

const about = (e: Estimate, volumes?: string): string => `about ${formatBytes(e.bytes)}${volumes === undefined ? '' : `, ${String(e.volumes)} ${volumes}${e.volumes === 1 ? '' : 's'}`}, ${formatSeconds(e.seconds)}`;

/** Checks, with what is missing installed if the person wants it. False: something stands in the way. */
async function prepared(config: Config, terminal: Terminal): Promise<boolean> {
  terminal.say('Looking at this machine ...');
  for (let fixed = false; ; fixed = true) {
    const checks = await runChecks({ exclude: [], excludeMount: [], out: config.output.directory });
    const wrong = checks.filter((c) => c.status !== 'PASS');
    for (const c of wrong) terminal.say(`  ${c.status}  ${c.message}${c.remedy === undefined ? '' : `\n        ${c.remedy}`}`);
    if (!wrong.some((c) => c.status === 'FAIL')) return true;
    if (fixed || !(await fixMissing(checks, false, terminal))) {
      terminal.say('A set cannot be made yet. Mend what failed (cdrec test shows it again), then start again.');
      return false;
    }
  }
}

/** `cdrec` alone, on a terminal: leads from nothing to a set that has been rehearsed. */
export async function lead(terminal: Terminal): Promise<number> {
  terminal.say('cdrec makes a recovery set of this machine, and proves that it works. Nothing is written before you say so; Ctrl-C stops.\n');
  if (process.getuid?.() !== 0) {
    terminal.say('It must read every file and every disk: start it as root (sudo npx cdrec).\n"cdrec --help" shows what else there is; "cdrec rehearse" and "cdrec verify" need no root.');
    return EXIT.usage;
  }
  if (existsSync('/etc/recovery/survey.json')) {
    terminal.say('This is the rescue system. "start-restore" brings the machine back, "clone-dsk" one disk, "restore-fs" single files.');
    return EXIT.ok;
  }
  const config = readConfig(undefined);
  if (!(await prepared(config, terminal))) return EXIT.failed;
  const survey = await surveyMachine({ config, kernel: undefined, date: Date.now() });
  const items = planArchives(survey, { config, out: resolve(config.output.directory), label: undefined }, config.backup.encrypt);
  describeMachine(survey, items, terminal);
  for (const u of await unsaved(survey)) terminal.say(`    ${u.device} (${u.type}) is not mounted and will not be saved`);
  const sample = await sampleCompression(items, config.backup.compress, config.backup.level, config.backup.threads);
  const used = items.reduce((n, i) => n + i.usedBytes, 0);
  const volumeBytes = parseSize(config.output.volume_size);
  const [rescue, all] = [estimate(0, sample, volumeBytes), estimate(used, sample, volumeBytes)];
  terminal.say(`A sample of ${formatBytes(sample.sampledBytes)} of its files shrank to ${String(Math.round(sample.ratio * 100))} % (${config.backup.compress}); the estimates below rest on it.`);
  const choice: Choice = config.backup.engine !== 'tar' ? { mode: 'repository' } : await chooseMode(terminal, { rescue: about(rescue), discs: about(all, `disc (${config.output.volume_size})`.replace(/ \(.*\)$/, '')), iso: about(all, 'volume'), path: about(all), tape: about(all) });
  if (choice.mode === 'repository') terminal.say(`The files go to ${config.backup.engine === 'restic' ? `the repository ${shownLocation(config.repository.location)}` : 'backup.command'}, the rescue medium (${about(rescue)}) to ${config.output.directory}.`);
  let out = choice.out ?? config.output.directory;
  if (choice.mode === 'iso' && choice.burn === undefined) out = await terminal.ask(`Directory for the volumes (${out}): `, '--out DIRECTORY') || out;
  const needed = choice.mode === 'rescue' || choice.mode === 'repository' ? rescue.bytes : choice.burn !== undefined ? Math.min(all.bytes, volumeBytes) : choice.mode === 'tape' ? rescue.bytes : all.bytes;
  const free = freeAt(out);
  if (free < needed) terminal.say(`${out} has ${formatBytes(free)} free, and about ${formatBytes(needed)} are needed: if it gets full, the build stops and removes what it wrote.`);
  const flags = ['--mode', choice.mode, '--out', out, ...(choice.burn === undefined ? [] : ['--burn', choice.burn]), ...(choice.tape === undefined ? [] : ['--tape', choice.tape])];
  terminal.say(`\nThis is what will be done, and how to do it without questions:\n  cdrec build ${flags.join(' ')}`);
  if (!isYes(await terminal.ask('Begin? (y/n): ', 'cdrec build'))) {
    terminal.say('Nothing was written.');
    return EXIT.ok;
  }
  terminal.release();
  const before = new Set(existsSync(out) ? readdirSync(out) : []);
  const result = await main(['build', ...flags]);
  if (result === EXIT.ok || result === EXIT.exceptions) await next(choice.mode, out, before, terminal);
  return result;
}

/** What comes after a set was made: its proof, and its repetition. */
async function next(mode: string, out: string, before: ReadonlySet<string>, terminal: Terminal): Promise<void> {
  const made = readdirSync(out).filter((n) => !before.has(n));
  const volumes = mode === 'path' ? made.filter((n) => existsSync(join(out, n, 'cdrec/set.json'))) : made.filter((n) => n.endsWith('.iso'));
  const command = ['rehearse', ...volumes.map((n) => join(out, n))];
  const can = (mode === 'iso' || mode === 'path' || mode === 'repository') && volumes.length > 0;
  if (can && findProgram('qemu-system-x86_64', searchPath()) !== undefined) {
    if (isYes(await terminal.ask('\nRehearse it now? A virtual machine is restored from it and every file compared; some minutes. (y/n): ', 'cdrec rehearse'))) {
      terminal.release();
      await main(command);
    } else terminal.say(`Later: cdrec ${command.join(' ')}`);
  } else if (can) terminal.say(`\nProve that it works, here or on a machine with QEMU (apt install qemu-system-x86): cdrec ${command.join(' ')}`);
  terminal.say('Keep it fresh: cdrec install-timer. How it stands: cdrec status.');
}

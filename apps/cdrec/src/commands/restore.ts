import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { assignDisks, describeStep, executePlan, formatPlan, leastDiskBytes, neededBytes, planRestore, readTargets, type Plan } from '@cdrec/restore';
import { parseSurvey, type Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { verifySet, type Archive, type OpenSet } from '@cdrec/volumes';
import { collect, EXIT, usageError, type AddCommand } from '../main.js';
import { identityFor } from '../identity.js';
import { findSet, requireComplete } from '../sets.js';
import { formatSeconds, interruptSignal, searchPath, type Terminal } from '../terminal.js';

interface Flags { disk: string[]; without: string[]; grow?: boolean; tape: string[]; yes?: boolean; auto?: boolean; skipVerify?: boolean; identity?: string; luksKey: string[]; json?: boolean; journal: string; work: string; dryRun?: boolean }

const POST_EXEC = '/etc/cdrec/post_exec';
const shared = (command: Command): Command => command
  .argument('[volumes...]', 'ISO files, devices, or the directory of a path set (default: search all devices)')
  .option('--tape <drive>', 'the set is on tape: /dev/nst0, or HOST:/dev/nst0 by SSH (repeatable)', collect, [])
  .option('--disk <source=target>', 'which disk takes the place of which (repeatable); just a target if the machine had one disk', collect, [])
  .option('--without <source>', 'disk of the machine that nothing takes the place of: arrays run degraded (repeatable)', collect, [])
  .option('--grow', 'use all of larger disks: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)')
  .option('--json', 'the plan as JSON on standard output');

async function readSurveyOf(set: OpenSet): Promise<Survey> {
  const first = set.volumes.get(1);
  if (first !== undefined && set.manifest.mode !== 'path') return parseSurvey((await first.readFile('cdrec/survey.json')).toString('utf8'));
  if (existsSync('/etc/recovery/survey.json')) return parseSurvey(readFileSync('/etc/recovery/survey.json', 'utf8'));
  if (first !== undefined && existsSync(`${first.path}/${set.label}_1.iso`)) {
    const rescue = await findSet([`${first.path}/${set.label}_1.iso`]);
    try {
      return parseSurvey((await (rescue.set.volumes.get(1) as { readFile(f: string): Promise<Buffer> }).readFile('cdrec/survey.json')).toString('utf8'));
    } finally {
      await rescue.set.close();
    }
  }
  throw new CdrecError('SET_INCOMPLETE', 'survey.json was not found: volume 1 is needed');
}

async function makePlan(set: OpenSet, places: readonly string[], flags: Pick<Flags, 'disk' | 'without' | 'grow'>): Promise<Plan> {
  const survey = await readSurveyOf(set);
  const used = survey.disks.filter((d) => d.used && !flags.without.includes(d.device));
  const chosen = new Map(flags.disk.map((text): [string, string] => {
    const [a, b] = text.split('=');
    if (b !== undefined) return [a as string, b];
    if (used.length !== 1) throw usageError(`--disk ${text}: the machine had ${String(used.length)} disks`, `write --disk SOURCE=${text}`);
    return [(used[0] as { device: string }).device, text];
  }));
  const targets = await readTargets(places);
  // Only the rescue system has this file: rescue.post_exec of the configuration.
  const hook = existsSync(POST_EXEC) ? { postExec: POST_EXEC } : {};
  return planRestore({ survey, archives: set.manifest.archives, assignments: assignDisks(used, targets, chosen, (d) => Math.min(neededBytes(d), leastDiskBytes(survey, d))), without: flags.without, grow: flags.grow === true, ...hook });
}

async function verifyFirst(set: OpenSet, terminal: Terminal): Promise<void> {
  const meter = terminal.progress('Verifying the archives', set.manifest.archives.reduce((n, a) => n + a.bytes, 0));
  const findings = await verifySet(set, meter.add, true);
  meter.done();
  if (findings.length > 0) {
    throw new CdrecError('SET_DAMAGED', findings.map((f) => f.problem).join('; '), { hint: 'nothing was written; use another copy of the volume, mend it (par2 repair FILE.par2, if there is such a file), or --skip-verify to save what can be saved' });
  }
}

async function confirm(plan: Plan, flags: Flags, terminal: Terminal): Promise<void> {
  if (flags.yes === true) return;
  if (flags.auto === true) {
    for (let left = 30; left > 0; left -= 5) {
      terminal.say(`Restoring in ${String(left)} seconds. Ctrl-C stops it.`);
      await sleep(5000);
    }
    return;
  }
  const word = plan.disks.map((d) => d.target).join(' ');
  const answer = await terminal.ask(`Nothing has been written yet. To overwrite, type the name${plan.disks.length > 1 ? 's' : ''} of the disk${plan.disks.length > 1 ? 's' : ''} (${word}): `, '--yes');
  if (answer !== word) throw new CdrecError('NOT_CONFIRMED', 'not confirmed: nothing was written');
}

/** Where passphrases of encrypted volumes come from: files, else the terminal, each asked for twice and once a run. */
function passphrases(files: readonly string[], terminal: Terminal): (volume: string, kept?: boolean) => Promise<string> {
  const known = new Map<string, string>();
  for (const text of files) {
    const [name, file] = text.includes('=') ? [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] : ['', text];
    try {
      known.set(name, readFileSync(file, 'utf8').replace(/\n$/, ''));
    } catch (error) {
      throw usageError(`--luks-key ${text}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return async (volume, kept = false) => {
    for (;;) {
      const found = known.get(volume) ?? known.get('');
      if (found !== undefined && found !== '') return found;
      const first = await terminal.askSecret(`${kept ? 'A passphrase that opened' : 'New passphrase of'} the encrypted volume ${volume}: `, '--luks-key FILE');
      if (first === '') terminal.say('An empty passphrase protects nothing.');
      else if (kept || first === (await terminal.askSecret('The same again: ', '--luks-key FILE'))) known.set(volume, first);
      else terminal.say('They differ.');
    }
  };
}

async function restore(volumes: readonly string[], flags: Flags, terminal: Terminal): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec restore must be run as root');
  const { set, places } = await findSet(volumes, { drives: flags.tape, terminal });
  const interrupt = interruptSignal();
  try {
    requireComplete(set);
    const plan = await makePlan(set, places, flags);
    terminal.say(formatPlan(plan));
    if (flags.json === true) terminal.print(JSON.stringify(plan));
    if (flags.dryRun === true) return EXIT.ok;
    const identity = await identityFor(set, flags.identity, terminal);
    const passphrase = passphrases(flags.luksKey, terminal);
    // Asked before hours of work, not in their middle.
    for (const s of plan.steps) if (s.kind === 'layer' && s.step.passphrase !== undefined) await passphrase(s.step.passphrase, s.step.kept);
    if (flags.skipVerify !== true) await verifyFirst(set, terminal);
    await confirm(plan, flags, terminal);
    interrupt.signal.throwIfAborted();
    const started = Date.now();
    let meter: ReturnType<Terminal['progress']> | undefined;
    const archive = (name: string): Archive => set.manifest.archives.find((a) => a.name === name) as Archive;
    const { remarks } = await executePlan(plan, {
      openArchive: (name) => set.read(archive(name)), journal: flags.journal, work: flags.work, path: searchPath(), passphrase, ...(identity === undefined ? {} : { identity }), uefi: existsSync('/sys/firmware/efi/efivars'), signal: interrupt.signal,
      onBytes: (n) => meter?.add(n),
      onStep: (step, state) => {
        if (state === 'start') {
          terminal.say(describeStep(step));
          meter = step.kind === 'extract' || step.kind === 'image' ? terminal.progress(`  ${step.archive}`, archive(step.archive).bytes) : undefined;
        } else if (state === 'skipped') terminal.say(`done before: ${describeStep(step)}`);
        else meter?.done();
      },
    });
    for (const r of remarks) terminal.say(`remark: ${r}`);
    const lost = set.manifest.archives.flatMap((a) => a.exceptions.map((e) => `${a.mount}: ${e}`));
    for (const e of lost) terminal.say(`exception when the backup was made: ${e}`);
    terminal.print(`RESTORED ${plan.host} in ${formatSeconds((Date.now() - started) / 1000)}${lost.length > 0 ? ', with the exceptions above' : ''}. Remove the medium and reboot.`);
    return lost.length > 0 ? EXIT.exceptions : EXIT.ok;
  } finally {
    interrupt.stop();
    await set.close();
  }
}

export const restoreCommand: AddCommand = (program, terminal, finish) => {
  shared(program.command('restore').alias('start-restore').description('restore the whole machine: verify the set, show the plan, ask, do it'))
    .option('--yes', 'do not ask; only for plans that are not ambiguous')
    .option('--auto', 'like --yes, after a visible countdown')
    .option('--dry-run', 'only show the plan')
    .option('--identity <file>', 'secret key of age that opens an encrypted set')
    .option('--luks-key <[name=]file>', 'file with the passphrase of encrypted volumes, or of the one named (repeatable; default: ask)', collect, [])
    .option('--skip-verify', 'do not read the archives before the first write')
    .option('--journal <file>', 'where finished steps are noted', '/run/cdrec/journal.jsonl')
    .option('--work <directory>', 'where file systems are mounted meanwhile', '/mnt/local')
    .addHelpText('after', '\nExit status: 0 restored; 1 failed (run it again: finished steps are not repeated); 2 wrong usage; 3 restored, but files listed were missing from the backup.')
    .action(async (volumes: string[], flags: Flags) => { finish(await restore(volumes, flags, terminal)); });
};

export const planCommand: AddCommand = (program, terminal, finish) => {
  shared(program.command('plan').description('show what a restore would do; writes nothing'))
    .action(async (volumes: string[], flags: Flags) => {
      const { set, places } = await findSet(volumes, { drives: flags.tape, terminal });
      try {
        requireComplete(set);
        const plan = await makePlan(set, places, flags);
        terminal.print(flags.json === true ? JSON.stringify(plan) : formatPlan(plan).trimEnd());
        finish(EXIT.ok);
      } finally {
        await set.close();
      }
    });
};

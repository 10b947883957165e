import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@cdrec/engine';
import { describeStep, executePlan, formatPlan, type Plan, type Step } from '@cdrec/restore';
import { hasUnixMetadata } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { verifySet, type Archive, type OpenSet } from '@cdrec/volumes';
import { identityFor } from './identity.js';
import { EXIT, usageError } from './exit.js';
import { makePlan, type PlanFlags } from './restore-plan.js';
import { tellTrouble } from './repository.js';
import { isRead, requireComplete } from './sets.js';
import { openSource, verifySnapshots, type Source, type SourceFlags } from './source.js';
import { formatSeconds, interruptSignal, searchPath, type Terminal } from './terminal.js';

/** Options of a restore, as commander leaves them. */
export interface RestoreFlags extends PlanFlags, SourceFlags { tape: string[]; from?: string; skip: string[]; step?: boolean; restart?: boolean; yes?: boolean; auto?: boolean; skipVerify?: boolean; identity?: string; luksKey: string[]; json?: boolean; journal: string; work: string; dryRun?: boolean }

async function verifyFirst({ set, engine }: Pick<Source, 'set' | 'engine'>, empty: readonly string[], signal: AbortSignal, terminal: Terminal): Promise<void> {
  const meter = terminal.progress('Verifying the archives', set.manifest.archives.filter(isRead(empty)).reduce((n, a) => n + sizeOf(a), 0));
  const findings = [...(await verifySet(set, meter.add, isRead(empty))), ...(await verifySnapshots(set, engine, meter.set, signal, terminal))];
  meter.done();
  if (findings.length > 0) {
    throw new CdrecError('SET_DAMAGED', findings.map((f) => f.problem).join('; '), { hint: engine === undefined ? 'nothing was written; use another copy of the volume, mend it (par2 repair FILE.par2, if there is such a file), do without the files of one file system (--empty MOUNT), or --skip-verify to save what can be saved' : 'nothing was written; take another state (--snapshot DATE), mend the repository (restic repair), or --skip-verify to save what can be saved' });
  }
}

/** What the progress of an archive is measured against, in bytes. */
const sizeOf = (a: Archive): number => (a.snapshot === undefined ? a.bytes : a.contentBytes);

/** Restores and compares what an engine keeps. */
function treesOf(set: OpenSet, engine: Engine, signal: AbortSignal, terminal: Terminal): NonNullable<Parameters<typeof executePlan>[1]['trees']> {
  const referenceOf = (name: string): NonNullable<Archive['snapshot']> => (set.manifest.archives.find((a) => a.name === name) as Archive & { snapshot: NonNullable<Archive['snapshot']> }).snapshot;
  const onTrouble = tellTrouble(terminal);
  return {
    restore: (name, directory, onBytes) => engine.restoreTree(referenceOf(name), directory, [], { onBytes, onTrouble, signal }),
    compare: (name, directory, fsType) => engine.compareTree(referenceOf(name), directory, hasUnixMetadata(fsType), { onTrouble, signal }),
  };
}

async function confirm(plan: Plan, flags: RestoreFlags, terminal: Terminal): Promise<void> {
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

/** The place of a step in a plan, by its number or id. @throws CdrecError USAGE */
function indexOfStep(plan: Plan, option: string, text: string): number {
  const index = /^\d+$/.test(text) ? Number(text) - 1 : plan.steps.findIndex((s) => s.id === text);
  if (plan.steps[index] === undefined) throw usageError(`${option} ${text}: the plan has no such step`, `it has 1 to ${String(plan.steps.length)}, called ${plan.steps.map((s) => `"${s.id}"`).join(', ')}`);
  return index;
}

type Decide = (step: Step, index: number) => Promise<'run' | 'skip' | 'done'>;

/** Which steps are done: all, without some, from one on, or as a person says at each. */
function decider(plan: Plan, flags: RestoreFlags, terminal: Terminal): Decide {
  const from = flags.from === undefined ? 0 : indexOfStep(plan, '--from', flags.from);
  const skipped = new Set(flags.skip.map((text) => indexOfStep(plan, '--skip', text)));
  let all = flags.step !== true;
  return async (step, index) => {
    if (index < from) return 'done';
    if (skipped.has(index)) return 'skip';
    while (!all) {
      const answer = (await terminal.ask(`${String(index + 1)}. ${describeStep(step)}\n   Enter: do it; s: leave it out; a: do this and all that follow; q: stop here: `, '--skip STEP')).toLowerCase();
      if (answer === '') return 'run';
      if (answer === 's') return 'skip';
      if (answer === 'q') throw new CdrecError('INTERRUPTED', `stopped before the step "${describeStep(step)}"`, { hint: 'run the same command again: finished steps are not repeated' });
      if (answer === 'a') all = true;
    }
    return 'run';
  };
}

/** Asks what to do about a failed step, with a shell at hand. */
async function askAfterFailure(error: CdrecError, terminal: Terminal): Promise<'retry' | 'skip' | 'stop'> {
  terminal.fail(error, false);
  for (;;) {
    const answer = (await terminal.ask('Enter: a shell to look at it and mend it; r: try the step again; s: leave it out and go on; q: stop: ', '--yes')).toLowerCase();
    if (answer === 'r') return 'retry';
    if (answer === 's') return 'skip';
    if (answer === 'q') return 'stop';
    if (answer !== '') continue;
    terminal.say('A shell; "exit" comes back to this question.');
    terminal.release();
    spawnSync('bash', ['--norc', '-i'], { stdio: 'inherit', env: { ...process.env, PS1: 'cdrec (mending):\\w# ' } });
  }
}

/** Restores a machine, or one disk of it (`only`): plan, verification, question, execution. Returns the exit status. */
export async function runRestore(volumes: readonly string[], flags: RestoreFlags, terminal: Terminal, only?: string): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec restore must be run as root');
  if (flags.hook !== undefined && !existsSync(flags.hook)) throw usageError(`--hook ${flags.hook}: there is no such file`);
  const { set, places, engine } = await openSource(volumes, flags, terminal);
  const interrupt = interruptSignal('the disks are restored in part: run the same command again, finished steps are not repeated');
  try {
    requireComplete(set, flags.empty);
    const plan = await makePlan(set, places, flags, only);
    const decide = decider(plan, flags, terminal);
    terminal.say(formatPlan(plan));
    if (flags.json === true) terminal.print(JSON.stringify(plan));
    if (flags.dryRun === true) return EXIT.ok;
    const identity = await identityFor(set, flags.identity, terminal);
    const trees = engine === undefined ? {} : { trees: treesOf(set, engine, interrupt.signal, terminal) };
    const passphrase = passphrases(flags.luksKey, terminal);
    // Asked before hours of work, not in their middle.
    for (const s of plan.steps) if (s.kind === 'layer' && s.step.passphrase !== undefined) await passphrase(s.step.passphrase, s.step.kept);
    if (flags.skipVerify !== true) await verifyFirst({ set, engine }, plan.empty, interrupt.signal, terminal);
    await confirm(plan, flags, terminal);
    interrupt.signal.throwIfAborted();
    const started = Date.now();
    let meter: ReturnType<Terminal['progress']> | undefined;
    const archive = (name: string): Archive => set.manifest.archives.find((a) => a.name === name) as Archive;
    const unattended = flags.yes === true || flags.auto === true || !terminal.interactive;
    const { remarks, checked } = await executePlan(plan, {
      ...trees,
      openArchive: (name) => set.read(archive(name)), journal: flags.journal, work: flags.work, path: searchPath(), passphrase, ...(identity === undefined ? {} : { identity }), uefi: existsSync('/sys/firmware/efi/efivars'), signal: interrupt.signal,
      restart: flags.restart === true, decide, ...(unattended ? {} : { onFailure: (_: Step, error: CdrecError) => askAfterFailure(error, terminal) }),
      onRecovered: (n) => { terminal.say(`An interrupted restore of this set was found on the disk: going on there (${String(n)} of ${String(plan.steps.length)} steps are done; --restart begins anew).`); },
      onBytes: (n) => meter?.add(n),
      onStep: (step, state) => {
        if (state === 'start') {
          terminal.say(describeStep(step));
          meter = step.kind === 'extract' || step.kind === 'image' || step.kind === 'check' ? terminal.progress(`  ${step.archive}`, sizeOf(archive(step.archive))) : undefined;
        } else if (state === 'skipped' || state === 'left out') terminal.say(`${state === 'skipped' ? 'done before' : 'left out'}: ${describeStep(step)}`);
        else meter?.done();
      },
    });
    for (const r of [...plan.empty.map((m) => `left out: the files of ${m}`), ...remarks]) terminal.say(`remark: ${r}`);
    const lost = set.manifest.archives.flatMap((a) => a.exceptions.map((e) => `${a.mount}: ${e}`));
    for (const e of lost) terminal.say(`exception when the backup was made: ${e}`);
    if (flags.check === true) {
      for (const d of checked.differences.slice(0, 100)) terminal.print(`DIFFERENT ${d}`);
      terminal.print(`CHECKED ${String(checked.entries)} files: ${String(checked.differences.length)} differences`);
    }
    const left = remarks.filter((r) => /^(failed and )?left out:/.test(r)).length;
    const exceptions = lost.length > 0 || left > 0 || plan.empty.length > 0 || checked.differences.length > 0;
    terminal.print(`RESTORED ${plan.host} in ${formatSeconds((Date.now() - started) / 1000)}${exceptions ? ', with the exceptions above' : ''}. Remove the medium${plan.twins.length === 0 ? '' : `, detach ${plan.twins.map((t) => t.device).join(', ')} (the same UUIDs are there)`} and reboot.`);
    return exceptions ? EXIT.exceptions : EXIT.ok;
  } finally {
    interrupt.stop();
    await set.close();
  }
}

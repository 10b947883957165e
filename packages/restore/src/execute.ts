import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CdrecError, errorCode, runTool } from '@cdrec/tool';
import { ensureEfi, installExtlinux, installGrubBios, installLilo, writeBootSector, type Notes } from './bootloader.js';
import { checkFiles, type Checked } from './check.js';
import { counted, extract, feed, type StoredAs } from './extract.js';
import { applyFlags, prepareFlags } from './flags.js';
import { headerWriter, makeSubvolumes, releaseDisk, runLayer } from './make-layers.js';
import { withMount, withSystem } from './mounts.js';
import { addKeyFiles } from './key-files.js';
import { rewriteSubvolumeIds } from './subvolume-ids.js';
import { askForRelabel, labelNewFiles } from './selinux.js';
import { setQuotas } from './quotas.js';
import { adaptDebconf } from './debconf.js';
import { makeBtrfs } from './btrfs-alone.js';
import { adaptCards } from './network-cards.js';
import { makeSwapFile } from './swap-file.js';
import { appendFstab, cloudRemark, forgetLvmDevices, rewriteSystem } from './adapt.js';
import { refreshInitramfs } from './initramfs.js';
import { describeStep } from './describe.js';
import { Journal } from './journal.js';
import type { Plan, PlannedNode, Step } from './plan.js';

/** How a plan is carried out. */
export interface ExecuteOptions {
  /** The verified stream of an archive, by its name. */
  readonly openArchive: (name: string) => AsyncIterable<Uint8Array>;
  /** What brings back and compares file systems that an engine keeps, by the archive's name; `onBytes` is told how many are done in all. */
  readonly trees?: {
    restore(name: string, directory: string, onBytes: (done: number) => void): Promise<void>;
    compare(name: string, directory: string, fsType: string): Promise<Checked>;
  };
  /** Secret key of age, when archives are encrypted. */
  readonly identity?: string;
  /** The passphrase of an encrypted volume, by its name; asked for once a volume. */
  readonly passphrase?: (volume: string) => Promise<string>;
  /** PATH in which programs are looked for. */
  readonly path: string;
  /** Journal file: finished steps are not done again by a second run of the same plan. */
  readonly journal: string;
  /** Directory below which file systems are mounted. */
  readonly work: string;
  /** Whether this system was booted by UEFI, so that firmware entries can be written. */
  readonly uefi: boolean;
  /** Begin anew, even if a journal says that steps of this plan are done. */
  readonly restart?: boolean;
  /** Whether a step that is not done is to be; default: every one. */
  readonly decide?: (step: Step, index: number) => Promise<'run' | 'skip' | 'done'>;
  /** What to do about a step that failed; default: stop. */
  readonly onFailure?: (step: Step, error: CdrecError) => Promise<'retry' | 'skip' | 'stop'>;
  /** Told how many steps an interrupted restore of this plan had done, by its journal on the target. */
  readonly onRecovered?: (steps: number) => void;
  readonly onStep?: (step: Step, state: 'start' | 'done' | 'skipped' | 'left out') => void;
  readonly onBytes?: (bytes: number) => void;
  /** Aborts between steps. */
  readonly signal?: AbortSignal;
}

/** What happened. `remarks` are exceptions that leave a bootable system. */
export interface ExecuteResult {
  readonly remarks: readonly string[];
  /** What the comparison with the archives found, if the plan has one: files that a step of the restore rewrote are not held against it. */
  readonly checked: Checked;
}

/**
 * Carries out a plan, step by step; every finished step is journalled, also on the target. Layers whose steps are done already are
 * activated: after a restart of the rescue system what was made is there, but sleeps.
 * @throws CdrecError with the failing step in its message; the journal lets a second run go on there.
 */
export async function executePlan(plan: Plan, options: ExecuteOptions): Promise<ExecuteResult> {
  const journal = new Journal(plan, options.journal, options.work, options.restart);
  if (options.restart !== true && journal.size === 0 && (await wake(plan, options)) && (await journal.recover())) options.onRecovered?.(journal.size);
  const remarks: string[] = [];
  const findings = new Findings(journal.rewritten);
  for (const [index, step] of plan.steps.entries()) {
    if (options.signal?.aborted === true) throw new CdrecError('INTERRUPTED', `interrupted before the step "${describeStep(step)}"`, { hint: 'run the same command again: finished steps are not repeated' });
    const wanted = journal.has(step) ? 'done' : ((await options.decide?.(step, index)) ?? 'run');
    if (wanted !== 'run') {
      options.onStep?.(step, wanted === 'skip' ? 'left out' : 'skipped');
      if (wanted === 'skip') remarks.push(`left out: ${describeStep(step)}`);
      if (step.kind === 'layer' && !existsSync(step.step.node)) await runLayer(step.step, step.step.activate, options);
      continue;
    }
    // The cards are no part of the step: one that is plugged in meanwhile makes no other plan.
    if (await attempt(step.kind === 'adapt' ? { ...step, cards: plan.cards } : step, options, remarks, findings, journal)) {
      // A comparison is made again each time: its outcome stands in no journal.
      if (step.kind !== 'check') await journal.add(step, ['adapt', 'extlinux', 'lilo'].includes(step.kind) ? findings.rewritten : []);
    } else remarks.push(`failed and left out: ${describeStep(step)}`);
  }
  await journal.finish();
  await runTool('sync', []);
  return { remarks, checked: findings.checked };
}

/** What is known of the restored files across steps. */
class Findings {
  readonly #rewritten: Set<string>;
  checked: Checked = { entries: 0, differences: [] };

  /** `rewritten`: what was rewritten before an interruption. */
  constructor(rewritten: readonly string[]) {
    this.#rewritten = new Set(rewritten);
  }

  get rewritten(): string[] {
    return [...this.#rewritten];
  }

  /** Files that a step rewrote knowingly, by its remarks (`/path: ...`), and what initramfs programs made anew. */
  rewrote(remarks: readonly string[], made: readonly string[]): void {
    for (const path of made) this.#rewritten.add(path);
    for (const r of remarks) {
      const path = /^(\/[^:]+): /.exec(r)?.[1];
      if (path !== undefined) this.#rewritten.add(path);
      if (/^the (initramfs|unified kernel image) of/.test(r)) for (const settled of ['/etc/initramfs-tools/modules', '/var/lib/initramfs-tools/', '/etc/dracut.conf.d/', '/var/lib/dracut/', '/etc/mkinitcpio.conf.d/']) this.#rewritten.add(settled);
    }
  }

  add({ entries, differences }: Checked): void {
    // grub-install makes its images and modules anew, never its menu.
    const excused = (d: string): boolean => /^\/boot\/grub2?\/(?!grub\.cfg:)/.test(d) || [...this.#rewritten].some((p) => d.startsWith(`${p}:`) || (p.endsWith('/') && d.startsWith(p)));
    this.checked = { entries: this.checked.entries + entries, differences: [...this.checked.differences, ...differences.filter((d) => !excused(d))] };
  }
}

/** Runs a step, again as often as somebody wants; false when it was given up. */
async function attempt(step: Step, options: ExecuteOptions, remarks: string[], findings: Findings, journal: Journal): Promise<boolean> {
  for (;;) {
    options.onStep?.(step, 'start');
    try {
      remarks.push(...(await runStep(step, options, findings, { note: (text) => journal.note(step, text), noted: () => journal.noted(step) })));
      options.onStep?.(step, 'done');
      return true;
    } catch (error) {
      const failure = new CdrecError(errorCode(error) ?? 'RESTORE_FAILED', `step "${describeStep(step)}": ${error instanceof Error ? error.message : String(error)}`, {
        cause: error, hint: (error instanceof CdrecError ? error.hint : undefined) ?? 'the disk is not usable as it is; run the same command again: finished steps are not repeated',
      });
      const answer = options.signal?.aborted === true ? 'stop' : ((await options.onFailure?.(step, failure)) ?? 'stop');
      if (answer === 'stop') throw failure;
      if (answer === 'skip') return false;
    }
  }
}

/** Activates the layers of an interrupted restore as far as they are there. Returns whether all are: else nothing can be read from them. */
async function wake(plan: Plan, options: ExecuteOptions): Promise<boolean> {
  for (const step of plan.steps) {
    if (step.kind !== 'layer' || existsSync(step.step.node)) continue;
    try {
      await runLayer(step.step, step.step.activate, options, 5);
    } catch {
      return false;
    }
  }
  return true;
}

/** How the archive of a step is stored, and what opens it. */
const storedAs = (step: Pick<StoredAs, 'compress' | 'encrypt'>, options: ExecuteOptions): StoredAs => ({ compress: step.compress, encrypt: step.encrypt, identity: options.identity, path: options.path });

async function runStep(step: Step, options: ExecuteOptions, findings: Findings, notes: Notes): Promise<string[]> {
  const root = join(options.work, 'root');
  switch (step.kind) {
    case 'wipe':
      await releaseDisk(step.disk);
      await runTool('wipefs', ['--all', '--force', step.disk]);
      return [];
    case 'table':
      await runTool('sfdisk', ['--wipe=always', '--wipe-partitions=always', '--no-reread', '--no-tell-kernel', step.disk], { input: step.script });
      writeBootSector(step);
      await tellKernel(step.disk, step.nodes);
      return [];
    case 'luks-header':
      await feed(options.openArchive(step.archive), storedAs(step, options), headerWriter(step.device), step.archive);
      return [];
    case 'layer':
      await runLayer(step.step, step.step.make, options);
      return [];
    case 'subvolumes':
      await withMount({ device: step.device, type: 'btrfs', options: step.options }, join(options.work, 'fs'), () => makeSubvolumes(step, join(options.work, 'fs')));
      return [];
    case 'make':
      for (const [program, ...args] of step.commands) await (program === 'mkfs.btrfs' ? makeBtrfs(args) : runTool(program, args));
      return [];
    case 'extract':
      await withMount({ device: step.device, type: step.fsType, ...(step.options === undefined ? {} : { options: step.options }) }, join(options.work, 'fs'), () => unpack(step, options));
      return [];
    case 'check': {
      const directory = join(options.work, 'fs');
      await withMount({ device: step.device, type: step.fsType, options: ['ro', ...(step.options === undefined ? [] : [step.options])].join(',') }, directory, async () => {
        if (step.engine !== undefined && options.trees !== undefined) {
          const { entries, differences } = await options.trees.compare(step.archive, directory, step.fsType);
          findings.add({ entries, differences: differences.map((d) => `${step.mount === '/' ? '' : step.mount}${d.replace(/^\.(?=\/)/, '')}`) });
          return;
        }
        findings.add(await checkFiles(counted(options.openArchive(step.archive), options.onBytes), storedAs(step, options), { directory, mount: step.mount, fsType: step.fsType, what: step.archive }));
      });
      return [];
    }
    case 'swap-file':
      await withSystem(step.fileSystems, root, async () => {
        await makeSwapFile(step, root);
        await labelNewFiles(root, [], [step.file.path]);
      });
      return [];
    case 'image':
      await feed(counted(options.openArchive(step.archive), options.onBytes), storedAs(step, options), { program: step.writer[0], args: step.writer.slice(1) }, step.archive);
      return [];
    case 'grub-bios':
      await withSystem(step.fileSystems, root, () => installGrubBios(step, root, notes));
      return [];
    case 'lilo':
      return withSystem(step.fileSystems, root, async () => {
        const { said, made } = await installLilo(step, root, notes);
        findings.rewrote([], made);
        return said;
      });
    case 'extlinux':
      findings.rewrote([], await withSystem(step.fileSystems, root, () => installExtlinux(step, root)));
      return [];
    case 'adapt':
      return withSystem(step.fileSystems, root, async () => {
        // What an interrupted run had rewritten is right already, and must be in a new initramfs all the same.
        const before = JSON.parse(notes.noted() ?? '[]') as string[];
        // A new file system is root's alone.
        for (const mount of step.empty ?? []) if (/^(\/var)?\/tmp$/.test(mount)) chmodSync(join(root, mount), 0o1777);
        const said = [...rewriteSystem(root, step.renamed), ...adaptDebconf(root, step.renamed)];
        if (step.subvolumes !== undefined) said.push(...rewriteSubvolumeIds(root, step.subvolumes));
        const cloud = step.otherDisks === true ? cloudRemark(root) : undefined;
        if (step.fstab !== undefined) said.push(...appendFstab(root, step.fstab));
        if (step.otherDisks === true) said.push(...forgetLvmDevices(root), ...(cloud === undefined ? [] : [cloud]));
        said.push(...adaptCards(root, step.cards ?? [], step.kernelNames === true));
        if (step.encrypted !== undefined) said.push(...(await addKeyFiles(root, step.encrypted, async (volume) => options.passphrase?.(volume))));
        said.unshift(...before.filter((l) => !said.includes(l)));
        await notes.note(JSON.stringify(said));
        // What an initramfs, or a unified kernel image, has copies of.
        const copied = said.some((l) => /^\/etc\/(crypttab|mdadm|initramfs-tools|kernel\/cmdline|lvm|systemd\/network|udev)/.test(l));
        const refreshed = await refreshInitramfs(root, step.disks, step.modules, copied);
        said.push(...refreshed.said);
        findings.rewrote(said, refreshed.made);
        const relabel = await askForRelabel(root);
        return relabel === undefined ? said : [...said, relabel];
      });
    case 'efi':
      return withSystem(step.fileSystems, root, () => ensureEfi(step, root, options.uefi));
    case 'flags': {
      // Alone: files that lie hidden under mount points have flags, too.
      const directory = join(options.work, 'fs');
      const said = await withMount({ device: step.device, type: step.fsType, ...(step.options === undefined ? {} : { options: step.options }) }, directory, () => feed(options.openArchive(step.archive), storedAs(step, options), applyFlags(directory), step.archive));
      return said.split('\n').filter((l) => /^(flags|project): /.test(l)).map((l) => `inode ${l} could not be set in ${step.mount}`);
    }
    case 'quotas': {
      const directory = join(options.work, 'fs');
      try {
        await withMount({ device: step.device, type: step.fsType, options: step.options }, directory, () => setQuotas(step.fsType, step.device, directory, step.quotas));
        return [];
      } catch (error) {
        // A kernel without quotas, say. The machine is whole without its limits, and they are in the survey.
        return [`the limits of quotas of ${step.mount} could not be set (survey.json has them): ${error instanceof Error ? error.message : String(error)}`];
      }
    }
    case 'hook':
      await withSystem(step.fileSystems, root, () => runTool('bash', [step.script], { env: { CDREC_ROOT: root } }));
      return [];
  }
}

/** Fills the empty file system that is mounted below the work directory. */
async function unpack(step: Extract<Step, { kind: 'extract' }>, options: ExecuteOptions): Promise<void> {
  const directory = join(options.work, 'fs');
  if (step.flags !== undefined) await feed(options.openArchive(step.flags.archive), storedAs(step.flags, options), prepareFlags(directory), step.flags.archive);
  if (step.engine === undefined) {
    await extract(counted(options.openArchive(step.archive), options.onBytes), { directory, fsType: step.fsType, ...storedAs(step, options), what: step.archive, contentBytes: step.contentBytes });
    return;
  }
  if (options.trees === undefined) throw new CdrecError('RESTORE_FAILED', `${step.archive} is kept by ${step.engine}, which this restore does not have`);
  let before = 0;
  await options.trees.restore(step.archive, directory, (done) => {
    options.onBytes?.(done - before);
    before = done;
  });
}

/** Makes the kernel know the new partitions, by BLKPG: right also where it has no parser for the table. */
async function tellKernel(disk: string, nodes: readonly PlannedNode[]): Promise<void> {
  // A partition of the old table that is in use keeps its place and its size, and a file system would be made for these: the kernel's own numbers are compared.
  const wrong = (): PlannedNode[] => nodes.filter((n) => !existsSync(n.path) || (['start', 'size'] as const).some((k) => Number(readSys(`/sys/class/block/${basename(n.path)}/${k}`)) !== n[k]));
  for (let tries = 0; tries < 100; tries++) {
    // Not --update: it takes the number of partitions for the highest number, and loses logical ones. Status 1 means
    // that some were known already or none were there; what counts is what is there afterwards. Udev may look at one of them just now: again after a while.
    if (tries % 10 === 0) {
      await runTool('partx', ['--delete', disk], { ok: [0, 1] });
      await runTool('partx', ['--add', disk], { ok: [0, 1] });
    }
    if (wrong().length === 0) return;
    await sleep(100);
  }
  throw new CdrecError('PARTITION_MISSING', `the kernel does not show ${wrong().map((n) => n.path).join(', ')} where the new table has it, in its size`, { hint: 'an old partition of the disk may be in use: restart the rescue system and try again' });
}

function readSys(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return 'NaN'; // not there yet
  }
}

import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runTool } from '@cdrec/tool';
import { withMount } from './mounts.js';
import type { Plan, Step } from './plan.js';

/**
 * Options that look at a file system without writing to its device: no journal is replayed. What is looked for lies in place, because
 * it was written by mounts that ended well. A device of the same name may belong to a disk that the plan does not speak of.
 */
const LOOK: Readonly<Record<string, string>> = { ext2: 'ro', ext3: 'ro,noload', ext4: 'ro,noload', xfs: 'ro,norecovery,nouuid', btrfs: 'ro,rescue=nologreplay', f2fs: 'ro,norecovery' };

/** The journal's copy on the restored system: it survives a power cut, and goes away with the last step. */
export const TARGET_JOURNAL = '.cdrec-restore.jsonl';

const line = (plan: string, step: string): string => JSON.stringify({ plan, step }) + '\n';

/** Ids of the steps that a text says are done in a plan; a torn last line does not count. */
export function parseJournal(text: string, plan: string): Set<string> {
  const out = new Set<string>();
  for (const raw of text.split('\n')) {
    const match = /^\{"plan":"([0-9a-f]+)","step":(".*")\}$/.exec(raw);
    if (match?.[1] !== plan) continue;
    try {
      out.add(JSON.parse(match[2] as string) as string);
    } catch {
      continue; // torn
    }
  }
  return out;
}

/** Before the path of a file that a step rewrote, and before what a step noted; no step has such an id. */
const REWROTE = 'rewrote ';
const NOTED = 'noted ';
/** Under this the time stamp of the directory is noted that holds the target's side: should the power go while that is made, it is not lost. */
const TIME = { id: 'time' };

type Extracted = Extract<Step, { kind: 'extract' }>;

/**
 * Which steps of a plan are done. Kept in a file on the side of the rescue system and, as soon as the root (or the first) file system of
 * the target has its content, there too: after a power cut the same plan goes on where it was.
 */
export class Journal {
  readonly #plan: Plan;
  readonly #file: string;
  readonly #work: string;
  readonly #home: Extracted | undefined;
  #done: Set<string>;

  /** `file`: the rescue system's side; `work`: directory below which the target is mounted for the other; `anew`: what was done before does not count. */
  constructor(plan: Plan, file: string, work: string, anew = false) {
    this.#plan = plan;
    this.#file = file;
    this.#work = join(work, 'journal');
    const archives = plan.steps.filter((s): s is Extracted => s.kind === 'extract');
    this.#home = archives.find((s) => s.mount === '/') ?? archives[0];
    if (anew) rmSync(file, { force: true });
    this.#done = existsSync(file) ? parseJournal(readFileSync(file, 'utf8'), plan.id) : new Set();
    mkdirSync(dirname(file), { recursive: true });
  }

  has(step: Step): boolean {
    return this.#done.has(step.id);
  }

  /** How many steps are done. */
  get size(): number {
    return this.#plan.steps.filter((s) => this.#done.has(s.id)).length;
  }

  /** Files that finished steps rewrote knowingly. */
  get rewritten(): string[] {
    return [...this.#done].filter((id) => id.startsWith(REWROTE)).map((id) => id.slice(REWROTE.length));
  }

  /** Reads the target's side, if this one knows nothing yet. What cannot be mounted has no journal. Returns whether there was one. */
  async recover(): Promise<boolean> {
    const look = this.#home === undefined ? undefined : LOOK[this.#home.fsType];
    if (look === undefined || this.#done.size > 0) return false;
    try {
      const text = await this.#onTarget(look, (path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''));
      this.#done = parseJournal(text, this.#plan.id);
    } catch {
      return false; // no such file system, or none that can be mounted: nothing was restored onto it
    }
    if (this.#done.size > 0) this.#write([...this.#done]);
    return this.#done.size > 0;
  }

  /** Notes a step as done, and what it rewrote, on the disk before this returns. */
  async add(step: Step, rewrote: readonly string[] = []): Promise<void> {
    await this.#append([...rewrote.map((path) => `${REWROTE}${path}`), step.id], step.id === this.#home?.id);
  }

  /** Notes something for a step that is under way: should it be interrupted, the next run finds what was before it. */
  async note(step: Pick<Step, 'id'>, text: string): Promise<void> {
    await this.#append([`${NOTED}${step.id} ${text}`], false);
  }

  /** What an interrupted run of a step noted last. */
  noted(step: Pick<Step, 'id'>): string | undefined {
    const prefix = `${NOTED}${step.id} `;
    return [...this.#done].filter((id) => id.startsWith(prefix)).at(-1)?.slice(prefix.length);
  }

  /** `whole`: the target's side is begun, with all that is known. */
  async #append(ids: readonly string[], whole: boolean): Promise<void> {
    for (const id of ids) this.#done.add(id);
    this.#write(ids);
    if (this.#home === undefined || !this.#done.has(this.#home.id)) return;
    await this.#onTarget('rw', (path) => {
      if (whole) this.#done.add(`${NOTED}${TIME.id} ${timeOf(dirname(path))}`);
      writeFileSync(path, (whole ? [...this.#done] : ids).map((id) => line(this.#plan.id, id)).join(''), { flag: 'a', flush: true, mode: 0o600 });
    });
  }

  /** Takes the target's side away: the restored system is as it was. */
  async finish(): Promise<void> {
    if (this.#home !== undefined && this.#done.has(this.#home.id)) await this.#onTarget('rw', (path) => { rmSync(path, { force: true }); }, this.noted(TIME));
  }

  #write(ids: readonly string[]): void {
    // Appended and synced: a step counts as done only when its line is on the disk.
    writeFileSync(this.#file, ids.map((id) => line(this.#plan.id, id)).join(''), { flag: 'a', flush: true, mode: 0o600 });
  }

  #onTarget<T>(mode: string, work: (path: string) => T, time?: string): Promise<T> {
    const home = this.#home as Extracted;
    // The time stamp of the directory is that of the archive: it must come out as it went in.
    return withMount({ device: home.device, type: home.fsType, options: [mode, ...(home.options === undefined ? [] : [home.options])].join(',') }, this.#work, async () => keepingTime(this.#work, () => work(join(this.#work, TARGET_JOURNAL)), mode === 'rw', time));
  }
}

/** The time stamp of a directory as touch(1) takes it, to the nanosecond. */
export const timeOf = (path: string): string => {
  const { mtimeNs } = lstatSync(path, { bigint: true });
  const positive = mtimeNs < 0n ? -mtimeNs : mtimeNs;
  return `@${mtimeNs < 0n ? '-' : ''}${String(positive / 1_000_000_000n)}.${String(positive % 1_000_000_000n).padStart(9, '0')}`;
};

/** Runs `work` and gives a directory its time stamp back (or another one, `time`), to the nanosecond, which utimes cannot. */
async function keepingTime<T>(directory: string, work: () => T, write: boolean, time = timeOf(directory)): Promise<T> {
  if (!write) return work();
  try {
    return work();
  } finally {
    await runTool('touch', ['--no-create', '-m', `--date=${time}`, directory]);
  }
}

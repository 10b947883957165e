import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { CdrecError, errorCode, OWN_MOUNTS, runTool, SEE_ALONE, viewPlace } from '@cdrec/tool';
import { shownLocation, type Access } from './access.js';
import { compareNodes, nodeSchema, type Node } from './compare.js';
import type { Compared, Hooks, HostFact, Reference, Repository, RepositorySet, Saved, Subject, TreeSubject } from './engine.js';
import { pour } from './pour.js';
import { outputOfRestic, resticProgram, startRestic, type Message, type ResticOptions } from './restic-run.js';

const summarySchema = z.object({ snapshot_id: z.string(), data_added_packed: z.number().default(0), total_bytes_processed: z.number().default(0) });
const snapshotSchema = z.object({
  id: z.string(), time: z.string(), hostname: z.string().default(''), tags: z.array(z.string()).nullish(),
  summary: z.object({ data_added_packed: z.number().default(0), total_bytes_processed: z.number().default(0) }).optional(),
});
type Snapshot = z.output<typeof snapshotSchema>;

/** Oldest version whose exit statuses can be trusted. */
const OLDEST = [0, 17, 1] as const;
/** Every snapshot of ours. */
const TAG = 'cdrec';
const DOCUMENT = '/cdrec-set.json';

/** A value of a tag: restic splits tags at commas. */
const tagValue = (text: string): string => text.replaceAll('%', '%25').replaceAll(',', '%2C');
const untag = (text: string): string => text.replaceAll('%2C', ',').replaceAll('%25', '%');
const tagOf = (s: Snapshot, name: string): string | undefined => {
  const tag = s.tags?.find((t) => t.startsWith(`${name}=`));
  return tag === undefined ? undefined : untag(tag.slice(name.length + 1));
};
/** restic's patterns are those of Go's filepath.Match. */
const literal = (path: string): string => path.replace(/[*?[\]\\]/g, '\\$&');

/** Runs a program in a mount namespace of its own, where $1 is seen at $2. */
const BIND = `${SEE_ALONE} && shift 2 && exec "$@"`;
/** The same with $2 below a file system in memory at $3, made for it. */
const BIND_IN_MEMORY = 'mount -t tmpfs cdrec "$3" && mkdir -p -- "$3$2" && mount --bind --make-private -- "$1" "$3$2" && shift 3 && exec "$@"';
const namespace = (script: string, ...args: string[]): string[] => ['unshare', ...OWN_MOUNTS, '--', 'sh', '-c', script, 'sh', ...args];

/** restic (0.17.1 or later) as an engine: every file system is a snapshot, tagged with set, label, archive and mount point. Needs root for trees. */
export class ResticEngine implements Repository {
  readonly name = 'restic';
  readonly #o: ResticOptions;
  #snapshots: readonly Snapshot[] | undefined;

  constructor(options: ResticOptions) {
    this.#o = options;
  }

  /** How the repository is reached, secrets included: for whoever hands them on to a guest. */
  get access(): Access {
    return this.#o.access;
  }

  async connect(hooks: Hooks = {}): Promise<void> {
    const { stdout } = await runTool(resticProgram(this.#o.path), ['version']);
    const version = /(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
    const older = OLDEST.findIndex((n, i) => (version[i] ?? 0) !== n);
    if (older >= 0 && (version[older] ?? 0) < (OLDEST[older] as number)) throw new CdrecError('TOOL_OLD', `restic ${version.join('.')} is too old: its exit statuses do not tell failures apart`, { hint: `install ${OLDEST.join('.')} or later, a single static file, e.g. as /usr/local/bin/restic` });
    const deadline = Date.now() + this.#o.patience;
    for (;;) {
      try {
        await outputOfRestic(this.#o, { args: ['cat', 'config', '--no-lock'], hooks, patience: Math.min(this.#o.patience, 20_000) });
        return;
      } catch (error) {
        // A network that comes up just now is worth a second look; a wrong password is not, nor is a key that ssh or its server refuses.
        const said = error instanceof Error ? error.message : String(error);
        if (errorCode(error) !== 'REPOSITORY_UNREACHABLE' || Date.now() >= deadline || /Host key verification failed|Permission denied/.test(said)) throw error;
        hooks.onTrouble?.(said);
        await sleep(1000);
      }
    }
  }

  /** Makes the repository. @throws CdrecError REPOSITORY_FAILED when there is one */
  async initialize(hooks: Hooks = {}): Promise<void> {
    await outputOfRestic(this.#o, { args: ['init'], hooks });
  }

  async #list(): Promise<readonly Snapshot[]> {
    const text = await outputOfRestic(this.#o, { args: ['snapshots', '--json', '--no-lock', '--tag', TAG] });
    return z.array(snapshotSchema).parse(JSON.parse(text === '' ? '[]' : text));
  }

  async #backup(args: readonly string[], subject: Subject, hooks: Hooks | undefined, place: string, prefix: readonly string[] = []): Promise<{ summary: z.output<typeof summarySchema>; exceptions: string[] }> {
    this.#snapshots ??= await this.#list();
    const parent = this.#snapshots.filter((s) => s.hostname === subject.host && tagOf(s, 'type') === 'tree' && tagOf(s, 'mount') === subject.mount).sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
    let summary: unknown;
    const running = startRestic(this.#o, {
      args: ['backup', '--json', '--no-scan', '--host', subject.host, ...this.#tags(subject, 'tree'), ...(parent === undefined ? [] : ['--parent', parent.id]), ...args],
      ok: [0, 3], prefix, ...(hooks === undefined ? {} : { hooks }),
      onMessage: (m) => {
        if (m['message_type'] === 'summary') summary = m;
        if (m['message_type'] === 'status') report(m, place, hooks);
      },
    });
    const { status, errors } = await running.ended;
    const parsed = summarySchema.safeParse(summary);
    if (!parsed.success) throw new CdrecError('REPOSITORY_FAILED', `restic made no snapshot of ${subject.mount || subject.name}: ${errors.join('; ') || 'it did not say why'}`);
    const exceptions = errors.map((e) => e.replaceAll(`${place}/`, './'));
    return { summary: parsed.data, exceptions: status === 3 && exceptions.length === 0 ? ['restic could not read some files and named none'] : exceptions };
  }

  #tags(subject: Subject, type: 'tree' | 'stream'): string[] {
    return [TAG, `type=${type}`, `set=${subject.setId}`, `label=${subject.label}`, `archive=${tagValue(subject.name)}`, `mount=${tagValue(subject.mount)}`].flatMap((t) => ['--tag', t]);
  }

  async saveTree(tree: TreeSubject, hooks?: Hooks): Promise<Saved> {
    // One place, as far as it is free: all snapshots have the same root, whatever snapshot or directory they are read from.
    const place = viewPlace();
    const gone = tree.include.filter((p) => !existsSync(join(tree.view, p)));
    const paths = tree.include.filter((p) => !gone.includes(p)).map((p) => join(place, p));
    const excludes = tree.exclude.map((e) => `--exclude=${join(place, e)}`);
    const { summary, exceptions } = await this.#backup([...excludes, '--', ...(tree.include.length > 0 ? paths : [place])], tree, hooks, place, namespace(BIND, tree.view, place));
    return { reference: { engine: this.name, id: summary.snapshot_id, path: place }, bytes: summary.data_added_packed, contentBytes: summary.total_bytes_processed, exceptions: [...exceptions, ...gone.map((p) => `${p}: backup.include names it, but it is not there`)] };
  }

  async saveStream(subject: Subject, source: AsyncIterable<Uint8Array>, ended: () => Promise<unknown>, hooks?: Hooks): Promise<Saved> {
    const path = `/${subject.name.replaceAll('/', '_')}`;
    let summary: unknown;
    const running = startRestic(this.#o, { args: ['backup', '--json', '--host', subject.host, ...this.#tags(subject, 'stream'), '--stdin', '--stdin-filename', path], stdin: 'pipe', ...(hooks === undefined ? {} : { hooks }), onMessage: (m) => { if (m['message_type'] === 'summary') summary = m; } });
    const stdin = running.child.stdin as NonNullable<typeof running.child.stdin>;
    let bytes: number;
    try {
      bytes = await pour(source, stdin, hooks?.onBytes);
      if (stdin.writable) await ended(); // before restic learns that this is all
    } catch (error) {
      running.cancel();
      await running.ended.catch(() => undefined);
      throw error;
    }
    stdin.end();
    await running.ended;
    const { snapshot_id: id, data_added_packed: added } = summarySchema.parse(summary);
    return { reference: { engine: this.name, id, path }, bytes: added, contentBytes: bytes, exceptions: [] };
  }

  async verify(references: readonly Reference[], hooks?: Hooks): Promise<string[]> {
    const known = new Set((await this.#list()).map((s) => s.id));
    const findings: string[] = [];
    let bytes = 0;
    for (const { id, path } of references) {
      if (!known.has(id)) {
        findings.push(`the snapshot ${id.slice(0, 8)} is not in the repository ${shownLocation(this.#o.access.location)} any more`);
        continue;
      }
      // The tar goes nowhere: what counts is that every blob is there and has its digest.
      const running = startRestic(this.#o, { args: ['dump', '--no-lock', '--archive', 'tar', id, '/'], raw: true, ...(hooks === undefined ? {} : { hooks }) });
      running.child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        hooks?.onBytes?.(bytes);
      });
      try {
        await running.ended;
      } catch (error) {
        if (errorCode(error) === 'INTERRUPTED' || errorCode(error) === 'REPOSITORY_UNREACHABLE') throw error;
        const said = error instanceof Error ? error.message : String(error);
        // Some names of extended attributes have no form in a tar: then the whole repository is read instead.
        const wrong = said.includes('cannot encode header') ? await this.#checkAll(hooks) : said;
        if (wrong !== undefined) findings.push(`the snapshot ${id.slice(0, 8)} (${path}) cannot be read: ${wrong}`);
      }
    }
    return findings;
  }

  async #checkAll(hooks: Hooks | undefined): Promise<string | undefined> {
    try {
      await startRestic(this.#o, { args: ['check', '--no-lock', '--read-data'], raw: true, ...(hooks === undefined ? {} : { hooks }) }).ended;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Runs `restic restore` where `directory` is seen as the place that the snapshot has it at. */
  async #restore(reference: Reference, directory: string, args: readonly string[], onMessage: (m: Message) => void, hooks: Hooks | undefined): Promise<void> {
    const base = mkdtempSync(join(tmpdir(), 'cdrec-restic-'));
    try {
      const running = startRestic(this.#o, { args: ['restore', reference.id, '--no-lock', '--json', '--target', base, ...args], prefix: namespace(BIND_IN_MEMORY, directory, reference.path, base), onMessage, ...(hooks === undefined ? {} : { hooks }) });
      await running.ended;
    } catch (error) {
      if (errorCode(error) === 'REPOSITORY_FAILED') throw new CdrecError('EXTRACT_FAILED', `restoring snapshot ${reference.id.slice(0, 8)}: ${(error as Error).message.replaceAll(base, '')}`, { cause: error });
      throw error;
    } finally {
      rmdirSync(base);
    }
  }

  async restoreTree(reference: Reference, directory: string, members: readonly string[], hooks?: Hooks): Promise<void> {
    const include = members.flatMap((m) => ['--include', literal(join(reference.path, m))]);
    await this.#restore(reference, directory, ['--sparse', ...include], (m) => { if (m['message_type'] === 'status') hooks?.onBytes?.(Number(m['bytes_restored'] ?? 0)); }, hooks);
  }

  async* readStream(reference: Reference, hooks?: Hooks): AsyncGenerator<Uint8Array, void, undefined> {
    const running = startRestic(this.#o, { args: ['dump', '--no-lock', reference.id, reference.path], raw: true, ...(hooks === undefined ? {} : { hooks }) });
    try {
      for await (const chunk of running.child.stdout as AsyncIterable<Buffer>) yield chunk;
      await running.ended;
    } finally {
      running.cancel();
    }
  }

  async #nodes(reference: Reference, onNode: (node: Node) => void): Promise<void> {
    await startRestic(this.#o, {
      args: ['ls', '--no-lock', '--json', reference.id],
      onMessage: (m) => {
        if (m['message_type'] !== 'node') return;
        const node = nodeSchema.parse(m);
        if (node.path === reference.path || node.path.startsWith(`${reference.path}/`)) onNode({ ...node, path: `.${node.path.slice(reference.path.length)}` });
      },
    }).ended;
  }

  listTree(reference: Reference, onPath: (path: string) => void): Promise<void> {
    return this.#nodes(reference, (n) => { onPath(n.path); });
  }

  async compareTree(reference: Reference, directory: string, unixMetadata: boolean, hooks?: Hooks): Promise<Compared> {
    const nodes: Node[] = [];
    await this.#nodes(reference, (n) => { nodes.push(n); });
    const { entries, differences } = compareNodes(nodes, directory, unixMetadata);
    // Of these the content need not be said as well.
    const told = new Set(differences.filter((d) => /: (Size differs|File type differs|Cannot stat)/.test(d)).map((d) => d.replace(/: (Size differs|File type differs|Cannot stat.*)$/, '')));
    const prefix = reference.path.length;
    await this.#restore(reference, directory, ['--dry-run', '--overwrite', 'always', '-vv'], (m) => {
      if (m['message_type'] !== 'verbose_status' || m['action'] !== 'updated') return;
      const path = `.${String(m['item']).slice(prefix)}`;
      if (!told.has(path)) differences.push(`${path}: Contents differ`);
    }, hooks);
    return { entries, differences };
  }

  async overview(): Promise<{ sets: RepositorySet[]; facts: HostFact[] }> {
    const all = await this.#list();
    const sums = new Map<string, { content: number; added: number }>();
    for (const s of all) {
      const id = tagOf(s, 'set') ?? '';
      const sum = sums.get(id) ?? { content: 0, added: 0 };
      sums.set(id, { content: sum.content + (s.summary?.total_bytes_processed ?? 0), added: sum.added + (s.summary?.data_added_packed ?? 0) });
    }
    const sets = all.filter((s) => s.tags?.includes('kind=set') === true).map((s): RepositorySet => {
      const setId = tagOf(s, 'set') ?? '';
      const sum = sums.get(setId);
      return { setId, host: s.hostname, label: tagOf(s, 'label') ?? '', created: s.time, contentBytes: sum?.content ?? 0, addedBytes: sum?.added ?? 0, macs: (s.tags ?? []).filter((t) => t.startsWith('mac=')).map((t) => t.slice(4)), document: s.id };
    });
    const facts = all.flatMap((s): HostFact[] => {
      const kind = tagOf(s, 'kind');
      return kind === 'rehearsal' || kind === 'status' ? [{ host: s.hostname, setId: tagOf(s, 'set') ?? '', created: s.time, kind, value: tagOf(s, 'value') ?? '' }] : [];
    });
    const newest = (a: { created: string }, b: { created: string }): number => Date.parse(b.created) - Date.parse(a.created);
    return { sets: sets.sort(newest), facts: facts.sort(newest) };
  }

  async #saveText(text: string, host: string, tags: readonly string[]): Promise<void> {
    const running = startRestic(this.#o, { args: ['backup', '--json', '--host', host, ...[TAG, ...tags].flatMap((t) => ['--tag', t]), '--stdin', '--stdin-filename', DOCUMENT], stdin: 'pipe' });
    running.child.stdin?.on('error', () => undefined);
    running.child.stdin?.end(text);
    await running.ended;
  }

  saveDocument({ setId, label, host, macs }: { readonly setId: string; readonly label: string; readonly host: string; readonly macs: readonly string[] }, document: string): Promise<void> {
    return this.#saveText(document, host, ['kind=set', `set=${setId}`, `label=${label}`, ...macs.map((m) => `mac=${m.toLowerCase()}`)]);
  }

  readDocument(set: RepositorySet): Promise<string> {
    return outputOfRestic(this.#o, { args: ['dump', '--no-lock', set.document, DOCUMENT] });
  }

  saveFact({ host, setId, kind, value }: Omit<HostFact, 'created'>): Promise<void> {
    // Each text is another one, so that a snapshot is made in any case.
    return this.#saveText(createHash('sha256').update(`${host} ${kind} ${value} ${String(Date.now())}`).digest('hex'), host, [`kind=${kind}`, `set=${setId}`, `value=${tagValue(value)}`]);
  }
}

/** Passes on what a status line says. */
function report(m: Message, place: string, hooks: Hooks | undefined): void {
  hooks?.onBytes?.(Number(m['bytes_done'] ?? 0));
  const [file] = Array.isArray(m['current_files']) ? (m['current_files'] as unknown[]) : [];
  if (typeof file === 'string') hooks?.onFile?.(file.startsWith(`${place}/`) ? file.slice(place.length) : file);
}

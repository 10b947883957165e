import { SECTOR } from '../bytes.js';
import { IsoError } from '../errors.js';
import { readBootCatalog, type BootImage } from './boot.js';
import { DEFAULT_LIMITS, listDirectory, readDirectory, suspSkip, type IsoEntry, type Namespace, type ReaderLimits } from './directory.js';
import { isSelf, parseRecord } from './record.js';
import type { ByteSource } from './source.js';
import { readDescriptors, type Descriptors, type VolumeInfo } from './volume.js';
import { decompressZisofs } from './zisofs.js';

/** How an image is read. */
export interface ReadOptions {
  /** Which tree; default: Rock Ridge if there, else Joliet, else plain ISO names. */
  readonly namespace?: Namespace;
  /** First sector of the session to read (see `listSessions`); default 0. */
  readonly session?: number;
  readonly limits?: Partial<ReaderLimits>;
  /** Open an image that ends before its volume does: what lies in front of the end can be read. Default false. */
  readonly allowTruncated?: boolean;
}

const CHUNK = 128 * 1024;
/** Directories whose entries are kept for the next question. */
const KEPT_DIRECTORIES = 32;

/** Root of a tree. */
interface Root { readonly sector: number; readonly bytes: number; readonly namespace: Namespace; readonly skip: number }

const clean = (path: string): string => path.split('/').filter((p) => p !== '').join('/');

/** Reads ISO 9660 images: Rock Ridge names if present, else Joliet, else plain ISO names. Directories are read when they are asked for. */
export class IsoReader {
  readonly volume: VolumeInfo;
  readonly namespace: Namespace;
  readonly #source: ByteSource;
  readonly #root: Root;
  readonly #limits: ReaderLimits;
  readonly #kept = new Map<string, IsoEntry[]>();

  private constructor(source: ByteSource, volume: VolumeInfo, root: Root, limits: ReaderLimits) {
    this.#source = source;
    this.volume = volume;
    this.namespace = root.namespace;
    this.#root = root;
    this.#limits = limits;
  }

  /**
   * Reads the volume descriptors and the root directory.
   * @throws IsoError ISO_NOT_ISO when there is no volume descriptor, ISO_INVALID_IMAGE or ISO_LIMIT when the root is bad,
   * ISO_NOT_FOUND when the asked namespace is not there.
   */
  static async open(source: ByteSource, options: ReadOptions = {}): Promise<IsoReader> {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const descriptors = await readDescriptors(source, options.session ?? 0);
    const root = await chooseRoot(source, descriptors, options.namespace);
    if (options.allowTruncated !== true && source.size !== undefined && descriptors.info.bytes > source.size) {
      throw new IsoError('ISO_INVALID_IMAGE', `volume "${descriptors.info.volumeId}" has ${String(descriptors.info.bytes)} bytes, but only ${String(source.size)} are there: the image is truncated`);
    }
    const reader = new IsoReader(source, descriptors.info, root, limits);
    await reader.list('');
    return reader;
  }

  /** Volume identifier. */
  get volumeId(): string {
    return this.volume.volumeId;
  }

  /** Size of the volume in bytes, as the descriptor says. */
  get bytes(): number {
    return this.volume.bytes;
  }

  /**
   * Entries of a directory, in the order of their records. The root is '' or '/'.
   * @throws IsoError ISO_NOT_FOUND, ISO_INVALID_INPUT when `path` is no directory, ISO_INVALID_IMAGE, ISO_LIMIT
   */
  async list(path: string): Promise<readonly IsoEntry[]> {
    const wanted = clean(path);
    if (wanted === '') return this.#entries('', this.#root);
    const entry = await this.stat(wanted);
    if (entry.type !== 'dir') throw new IsoError('ISO_INVALID_INPUT', `"${path}" is no directory`);
    return this.#entries(wanted, entry.extents[0] as { sector: number; bytes: number });
  }

  async #entries(path: string, at: { readonly sector: number; readonly bytes: number }): Promise<readonly IsoEntry[]> {
    const kept = this.#kept.get(path);
    if (kept !== undefined) {
      this.#kept.delete(path); // to the end: used last
      this.#kept.set(path, kept);
      return kept;
    }
    const data = await readDirectory(this.#source, path, at.sector, at.bytes, this.#limits);
    const entries = await listDirectory(this.#source, path, data, this.namespace, this.#root.skip);
    this.#kept.set(path, entries);
    if (this.#kept.size > KEPT_DIRECTORIES) this.#kept.delete(this.#kept.keys().next().value as string);
    return entries;
  }

  /** @throws IsoError ISO_NOT_FOUND */
  async stat(path: string): Promise<IsoEntry> {
    const parts = clean(path).split('/');
    if (parts.length > this.#limits.depth) throw new IsoError('ISO_LIMIT', `"${path}" is deeper than ${String(this.#limits.depth)} levels`);
    let at: { readonly sector: number; readonly bytes: number } = this.#root;
    let dir = '';
    for (const [i, part] of parts.entries()) {
      const found: IsoEntry | undefined = (await this.#entries(dir, at)).find((e) => e.name === part);
      if (found === undefined || (i < parts.length - 1 && found.type !== 'dir')) break;
      if (i === parts.length - 1) return found;
      at = found.extents[0] as { sector: number; bytes: number };
      dir = found.path;
    }
    throw new IsoError('ISO_NOT_FOUND', `"${path}" is not in volume ${this.volumeId}`);
  }

  /** True when `path` exists. @throws IsoError for a damaged image */
  async has(path: string): Promise<boolean> {
    try {
      await this.stat(path);
      return true;
    } catch (error) {
      if (error instanceof IsoError && error.code === 'ISO_NOT_FOUND') return false;
      throw error;
    }
  }

  /**
   * All entries below `path`, directories before what is in them.
   * @throws IsoError ISO_INVALID_IMAGE for a cycle, ISO_LIMIT
   */
  async *walk(path = ''): AsyncGenerator<IsoEntry, void, undefined> {
    const stack: { readonly list: readonly IsoEntry[]; next: number; readonly sector: number }[] = [];
    const ancestors = new Set<number>();
    const start = clean(path) === '' ? this.#root : ((await this.stat(path)).extents[0] as { sector: number; bytes: number });
    stack.push({ list: await this.list(path), next: 0, sector: start.sector });
    ancestors.add(start.sector);
    let count = 0;
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const entry = top.list[top.next++];
      if (entry === undefined) {
        ancestors.delete(top.sector);
        stack.pop();
        continue;
      }
      if (++count > this.#limits.entries) throw new IsoError('ISO_LIMIT', `more than ${String(this.#limits.entries)} entries`);
      yield entry;
      if (entry.type !== 'dir') continue;
      const at = entry.extents[0] as { sector: number; bytes: number };
      if (ancestors.has(at.sector)) throw new IsoError('ISO_INVALID_IMAGE', `directory "/${entry.path}" contains itself`);
      if (stack.length >= this.#limits.depth) throw new IsoError('ISO_LIMIT', `"/${entry.path}" is deeper than ${String(this.#limits.depth)} levels`);
      stack.push({ list: await this.#entries(entry.path, at), next: 0, sector: at.sector });
      ancestors.add(at.sector);
    }
  }

  /** At most `length` bytes of a file from `offset` on, as they are stored; fewer at its end. @throws IsoError ISO_INVALID_IMAGE when the image ends too early */
  async readAt(entry: IsoEntry, offset: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let start = 0;
    let left = length;
    for (const extent of entry.extents) {
      const from = Math.max(0, offset + (length - left) - start);
      if (left > 0 && from < extent.bytes) {
        const n = Math.min(left, extent.bytes - from);
        const data = await this.#source.read(extent.sector * SECTOR + from, n);
        if (data.length < n) throw new IsoError('ISO_INVALID_IMAGE', `volume ${this.volumeId} ends inside "${entry.path}": the image is truncated`);
        parts.push(data);
        left -= n;
      }
      start += extent.bytes;
    }
    return parts.length === 1 ? parts[0] as Buffer : Buffer.concat(parts);
  }

  /**
   * Streams a file's bytes, or those from `start` up to but without `end`, in chunks of at most 128 KiB; zisofs files decompressed.
   * @throws IsoError ISO_NOT_FOUND, ISO_INVALID_INPUT when it is no file, ISO_UNSUPPORTED for an unknown compression, ISO_INVALID_IMAGE when the image ends too early
   */
  async *read(file: string | IsoEntry, range: { readonly start?: number; readonly end?: number } = {}): AsyncGenerator<Buffer, void, undefined> {
    const entry = typeof file === 'string' ? await this.stat(file) : file;
    if (entry.type !== 'file') throw new IsoError('ISO_INVALID_INPUT', `"${entry.path}" is not a file`);
    const { start = 0, end = entry.size } = range;
    if (entry.zisofs !== undefined) {
      if (entry.zisofs !== 'pz') throw new IsoError('ISO_UNSUPPORTED', `"${entry.path}" is compressed by "${entry.zisofs}", which is not known here`);
      let at = 0;
      for await (const block of decompressZisofs((o, n) => this.readAt(entry, o, n), entry.path)) {
        const part = block.subarray(Math.max(0, start - at), Math.max(0, Math.min(block.length, end - at)));
        at += block.length;
        if (part.length > 0) yield part;
      }
      return;
    }
    for (let at = start; at < Math.min(end, entry.size); ) {
      const chunk = await this.readAt(entry, at, Math.min(CHUNK, Math.min(end, entry.size) - at));
      yield chunk;
      at += chunk.length;
    }
  }

  /** Reads a whole small file. @throws IsoError ISO_LIMIT above `limit` bytes (default 64 MiB). */
  async readFile(path: string, limit = 64 << 20): Promise<Buffer> {
    const entry = await this.stat(path);
    if (entry.size > limit) throw new IsoError('ISO_LIMIT', `"${path}" has more than ${String(limit)} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(entry)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Boot images that the El Torito catalog names; none when there is no catalog. */
  async bootImages(): Promise<BootImage[]> {
    return this.volume.bootCatalog === undefined ? [] : readBootCatalog(this.#source, this.volume.bootCatalog);
  }

  /** Closes the source. */
  close(): Promise<void> {
    return this.#source.close();
  }
}

/** The tree to read. */
async function chooseRoot(source: ByteSource, d: Descriptors, wanted: Namespace | undefined): Promise<Root> {
  const rootOf = (descriptor: Buffer): { sector: number; bytes: number } => ({ sector: descriptor.readUInt32LE(158), bytes: descriptor.readUInt32LE(166) });
  const primary = rootOf(d.primary);
  const head = await source.read(primary.sector * SECTOR, SECTOR);
  const self = head.length === SECTOR && head[0] !== 0 ? parseRecord(head, 0) : undefined;
  const skip = self !== undefined && isSelf(self) ? suspSkip(self) : undefined;
  const missing = (): never => { throw new IsoError('ISO_NOT_FOUND', `volume "${d.info.volumeId}" has no ${String(wanted)} tree`); };
  switch (wanted ?? (skip !== undefined ? 'rockridge' : d.joliet !== undefined ? 'joliet' : 'iso')) {
    case 'rockridge': return skip === undefined ? missing() : { ...primary, namespace: 'rockridge', skip };
    case 'joliet': return d.joliet === undefined ? missing() : { ...rootOf(d.joliet), namespace: 'joliet', skip: 0 };
    case 'enhanced': return d.enhanced === undefined ? missing() : { ...rootOf(d.enhanced), namespace: 'enhanced', skip: 0 };
    case 'iso': return { ...primary, namespace: 'iso', skip: 0 };
  }
}

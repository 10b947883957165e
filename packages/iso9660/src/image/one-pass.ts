import { closeSync, fchmodSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { SECTOR, sectorsFor } from '../bytes.js';
import type { BootEntryOptions } from '../eltorito/catalog.js';
import { withBootInfoTable, withGrub2Info } from '../eltorito/patch.js';
import { IsoError } from '../errors.js';
import { Content, DirNode, FileNode, ImageTree, LinkNode, SpecialNode, type IsoAttributes } from '../tree.js';
import { allEntries, placeBootEntries, rootFileIds } from './boot.js';
import { espSectorOf, headLayout, renderHead, renderTail, tailLayout, type Frame, type HeadLayout } from './frame.js';
import { checkLevel, checkTarget, clamp } from './image.js';
import { measureTrees, placeTrees, renderFront, renderTrees, udfVolume, type FrontArea } from './metadata.js';
import { checkOptions, type IsoOptions } from './options.js';
import { CHUNK, type IsoFileInfo } from './pump.js';

/**
 * Sectors kept free in front for the primary tree: libarchive does not read continuation areas (long names) of files
 * that lie before them. Some 700 entries find room; a larger tree lies behind the data.
 */
const FRONT_SECTORS = 64;

/** Chunks of at least so many bytes are written as they come; to gather them first only costs a copy. */
const LARGE = 32 * 1024;

/** A file being appended; at most one is open at a time. */
export interface IsoFileSink {
  /** Appends bytes. */
  write(chunk: Uint8Array): void;
  /** Ends the file and enters it into the tree under `path` (given now, because a name may depend on what was written). */
  close(path: string, attributes?: IsoAttributes): IsoFileInfo;
}

/**
 * Writes an ISO 9660 image into a seekable file in one pass, for files whose sizes are not known beforehand: file data
 * is appended as it comes, directories and path tables follow, descriptors and boot areas are written last.
 */
export class IsoImageWriter {
  readonly #fd: number;
  readonly #options: IsoOptions;
  readonly #tree: ImageTree;
  readonly #files: IsoFileInfo[] = [];
  readonly #head: HeadLayout;
  readonly #front: FrontArea;
  readonly #bootFiles: (BootEntryOptions & { readonly path: string })[] = [];
  #next: number;
  #open = false;
  #pending: Buffer = Buffer.alloc(CHUNK);
  #pendingBytes = 0;
  #position: number;
  #closed = false;

  private constructor(fd: number, options: IsoOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#tree = new ImageTree(options.date);
    // Boot files may come at any time: the catalog's first sector is kept free for them.
    this.#head = headLayout(options, [{}, ...allEntries(options)]);
    this.#front = { sector: this.#head.end, sectors: FRONT_SECTORS };
    this.#next = this.#head.end + this.#front.sectors;
    this.#position = this.#next * SECTOR;
  }

  /**
   * Opens `path` for a new image, readable by its owner only (0600).
   * @throws IsoError ISO_INVALID_INPUT for bad options; the file system's own errors otherwise.
   */
  static create(path: string, options: IsoOptions): IsoImageWriter {
    checkOptions(options);
    const fd = openSync(path, 'w+', 0o600);
    fchmodSync(fd, 0o600);
    return new IsoImageWriter(fd, options);
  }

  /** Files written so far, in the order of their data. */
  get files(): readonly IsoFileInfo[] {
    return this.#files;
  }

  /** Adds an empty directory; parents are made as needed. */
  addDirectory(path: string, a: IsoAttributes = {}): void {
    this.#tree.insert(path, (name, date) => new DirNode(name, a, date));
  }

  /** Adds a symbolic link (Rock Ridge only; Joliet has none). */
  addSymlink(path: string, target: string, a: IsoAttributes = {}): void {
    checkTarget(path, target);
    this.#tree.insert(path, (name, date) => new LinkNode(name, target, a, date));
  }

  /** Adds a device node, named pipe or socket (Rock Ridge only). */
  addSpecial(path: string, type: SpecialNode['type'], device: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 }, a: IsoAttributes = {}): void {
    this.#tree.insert(path, (name, date) => new SpecialNode(name, type, [device.major, device.minor], a, date));
  }

  #append(chunk: Uint8Array): void {
    if (chunk.length >= LARGE) {
      this.#flush();
      this.#writeAt(chunk, this.#position);
      this.#position += chunk.length;
      return;
    }
    for (let at = 0; at < chunk.length; ) {
      const n = Math.min(CHUNK - this.#pendingBytes, chunk.length - at);
      this.#pending.set(chunk.subarray(at, at + n), this.#pendingBytes);
      this.#pendingBytes += n;
      at += n;
      if (this.#pendingBytes === CHUNK) this.#flush();
    }
  }

  #flush(): void {
    this.#writeAt(this.#pending.subarray(0, this.#pendingBytes), this.#position);
    this.#position += this.#pendingBytes;
    this.#pendingBytes = 0;
  }

  #writeAt(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
  }

  #enter(path: string, sector: number, bytes: number, crc: number, a: IsoAttributes): IsoFileInfo {
    const content = new Content(bytes, undefined);
    content.sector = sector;
    this.#tree.insert(path, (name, date) => new FileNode(name, content, a, date));
    checkLevel(content, this.#options.level ?? 3);
    const info = { path, bytes, crc32: crc >>> 0 };
    this.#files.push(info);
    return info;
  }

  /** Starts a file whose size is not known yet. */
  openFile(): IsoFileSink {
    if (this.#open) throw new IsoError('ISO_INVALID_INPUT', 'another file of this image is still open');
    this.#open = true;
    const sector = this.#next;
    let bytes = 0;
    let crc = 0;
    return {
      write: (chunk) => {
        this.#append(chunk);
        bytes += chunk.length;
        crc = crc32(chunk, crc);
      },
      close: (path, a = {}) => {
        const info = this.#enter(path, sector, bytes, crc, a);
        this.#append(Buffer.alloc(sectorsFor(bytes) * SECTOR - bytes));
        this.#next += sectorsFor(bytes);
        this.#open = false;
        return info;
      },
    };
  }

  /** Adds a file from memory. */
  addFile(path: string, data: Uint8Array, attributes?: IsoAttributes): IsoFileInfo {
    const sink = this.openFile();
    sink.write(data);
    return sink.close(path, attributes);
  }

  /** Adds a file by copying it from the host's file system, with one reused buffer. */
  addHostFile(path: string, hostPath: string, attributes?: IsoAttributes): IsoFileInfo {
    const fd = openSync(hostPath, 'r');
    try {
      const sink = this.openFile();
      const buf = Buffer.alloc(CHUNK);
      for (let n = readSync(fd, buf); n > 0; n = readSync(fd, buf)) sink.write(buf.subarray(0, n));
      return sink.close(path, attributes);
    } finally {
      closeSync(fd);
    }
  }

  /** Adds a boot image and enters it into the boot catalog; it is patched as the entry asks. */
  addBootFile(path: string, data: Buffer, entry: BootEntryOptions = {}, attributes?: IsoAttributes): IsoFileInfo {
    let bytes = data;
    if (entry.grub2Info === true) bytes = withGrub2Info(bytes, this.#next);
    if (entry.infoTable === true) bytes = withBootInfoTable(bytes, this.#next);
    const info = this.addFile(path, bytes, attributes);
    // Emulation is checked when the catalog is written; patched it is already.
    this.#bootFiles.push({ ...entry, path, infoTable: false, grub2Info: false });
    return info;
  }

  /** Byte offset at which the next file's data will lie. */
  get nextOffset(): number {
    return this.#next * SECTOR;
  }

  /**
   * Enters a file that another program has written into the image file itself, at `nextOffset` and up to the file's
   * end: for programs that must seek in what they write. Nothing is copied; it is read once, for its CRC-32.
   * @throws IsoError ISO_INVALID_INPUT when nothing lies there
   */
  adoptFile(path: string, a: IsoAttributes = {}): IsoFileInfo {
    if (this.#open || this.#pendingBytes > 0) this.#flush();
    const start = this.nextOffset;
    const buf = Buffer.alloc(CHUNK);
    let bytes = 0;
    let crc = 0;
    for (let n = readSync(this.#fd, buf, 0, CHUNK, start); n > 0; n = readSync(this.#fd, buf, 0, CHUNK, start + bytes)) {
      crc = crc32(buf.subarray(0, n), crc);
      bytes += n;
    }
    if (bytes === 0) throw new IsoError('ISO_INVALID_INPUT', `nothing was written into the image for "${path}"`);
    const info = this.#enter(path, this.#next, bytes, crc, a);
    this.#next += sectorsFor(bytes);
    this.#position = this.#next * SECTOR;
    return info;
  }

  /** Options as they are now, with the boot files that were added. */
  #withBootFiles(): IsoOptions {
    const { boot } = this.#options;
    if (this.#bootFiles.length === 0) return this.#options;
    return { ...this.#options, boot: { ...boot, entries: [...this.#bootFiles, ...(boot?.entries ?? [])] } };
  }

  /**
   * Bytes the finished image would have if `extra` files were added and it were finished then. Exact, whatever is
   * added, so a caller can fill a volume to its last sector.
   */
  projectedBytes(extra: readonly { readonly path: string; readonly bytes: number }[]): number {
    const added: { parent: DirNode; node: DirNode | FileNode }[] = [];
    const remember = (node: DirNode | FileNode): void => { added.push({ parent: node.parent as DirNode, node }); };
    let next = this.#next;
    try {
      for (const { path, bytes } of extra) {
        remember(this.#tree.insert(path, (name, date) => new FileNode(name, new Content(bytes, undefined), {}, date), remember));
        next += sectorsFor(bytes);
      }
      this.#tree.settle();
      return tailLayout(this.#withBootFiles(), next + measureTrees(this.#tree, this.#options, this.#front).sectors, this.#head).total * SECTOR;
    } finally {
      for (const { parent, node } of added.reverse()) parent.removeLast(node);
    }
  }

  /**
   * Writes directories, path tables, ESP, boot catalog, descriptors, MBR and GPT; syncs and closes the file.
   * Returns the image's size in bytes.
   */
  finish(): number {
    if (this.#open) throw new IsoError('ISO_INVALID_INPUT', 'a file of this image is still open');
    const options = this.#withBootFiles();
    if (options.clampTimes === true) clamp(this.#tree.root, options.date);
    this.#tree.settle();
    const entries = allEntries(options);
    if (headLayout(options, entries).end > this.#head.end) throw new IsoError('ISO_INVALID_INPUT', 'more boot entries than the kept catalog sector holds; give them in the options');
    const head = { ...this.#head, catalogSectors: entries.length > 0 ? this.#head.catalogSectors : 0 };
    const trees = placeTrees(measureTrees(this.#tree, options, this.#front), this.#next, head.emptySector);
    const tail = tailLayout(options, trees.end, head);
    const frame: Frame = {
      options, head, tail, trees, entries: this.#placeEntries(options, espSectorOf({ head, tail })), udf: udfVolume(trees, options, tail.anchorSector), fileIds: rootFileIds(this.#tree, options),
    };
    for (const block of renderTrees(trees)) this.#append(block);
    for (const block of renderTail(frame, trees.end)) this.#append(block);
    this.#flush();
    this.#writeAt(renderHead(frame), 0);
    const front = renderFront(trees);
    if (front !== undefined) this.#writeAt(front.data, front.sector * SECTOR);
    ftruncateSync(this.#fd, tail.total * SECTOR);
    fsyncSync(this.#fd);
    this.close();
    return tail.total * SECTOR;
  }

  /** Catalog entries; files with emulation are read back to be checked. */
  #placeEntries(options: IsoOptions, espSector: number | undefined): Frame['entries'] {
    this.#flush();
    for (const { path } of options.boot?.entries ?? []) {
      const node = this.#tree.find(path);
      if (node.type !== 'file') continue;
      const data = Buffer.alloc(node.content.bytes);
      readSync(this.#fd, data, 0, data.length, node.content.sector * SECTOR);
      node.content.source = data;
    }
    const placed = placeBootEntries(this.#tree, options, espSector);
    for (const { path, infoTable, grub2Info } of options.boot?.entries ?? []) {
      const node = this.#tree.find(path);
      if ((infoTable === true || grub2Info === true) && node.type === 'file') this.#writeAt(node.content.source as Buffer, node.content.sector * SECTOR);
    }
    return placed;
  }

  /** Closes the file without finishing it; the caller removes what was written. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

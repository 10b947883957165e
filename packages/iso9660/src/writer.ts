import { closeSync, fchmodSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { SECTOR, sectorsFor } from './bytes.js';
import { hierarchySectors, measure, place } from './directory.js';
import { bootRecord, checkVolumeId, terminator, volumeDescriptor } from './descriptors.js';
import { bootCatalog, withBootInfoTable, type BootEntry } from './eltorito.js';
import { IsoError } from './errors.js';
import { BACKUP_GPT_BLOCKS, hybridAreas } from './hybrid.js';
import { emptyRoot } from './rockridge.js';
import { parentOf, type DirNode, type IsoAttributes } from './tree.js';

const CATALOG_SECTOR = 20;
/** Read-ahead padding for discs burned track-at-once (mkisofs -pad): 150 sectors. */
const PAD_SECTORS = 150;
const CHUNK = 128 * 1024;

/** What the image is called and how it boots. `date` is in milliseconds since 1970 and is every entry's default time. */
export interface IsoOptions {
  readonly volumeId: string;
  readonly date: number;
  readonly application?: string;
  readonly publisher?: string;
  /** El Torito and hybrid boot. The BIOS file must be added with `addBiosBootFile` before `finish`. */
  readonly boot?: {
    /** isohdpfx.bin, for booting the image as a disk by BIOS. */
    readonly mbrCode?: Buffer;
    /** FAT image with /EFI/BOOT: El Torito entry for UEFI and GPT partition at the same time. */
    readonly esp?: Buffer;
  };
}

/** A file that lies in the image. */
export interface IsoFileInfo {
  readonly path: string;
  readonly bytes: number;
  readonly crc32: number;
}

/** A file being appended; at most one is open at a time. */
export interface IsoFileSink {
  /** Appends bytes. */
  write(chunk: Uint8Array): void;
  /** Ends the file and enters it into the tree under `path` (given now, because a name may depend on what was written). */
  close(path: string, attributes?: IsoAttributes): IsoFileInfo;
}

/**
 * Writes an ISO 9660 image (level 3, Rock Ridge 1.12, Joliet, El Torito, hybrid MBR/GPT) into a seekable file in one
 * pass: file data is appended as it comes, directories and path tables follow, descriptors and boot areas are
 * written last. The sizes of files need not be known beforehand.
 */
export class IsoImageWriter {
  readonly #fd: number;
  readonly #options: IsoOptions;
  readonly #root: DirNode;
  readonly #files: IsoFileInfo[] = [];
  #next: number;
  #serial = 2;
  #biosSector: number | undefined;
  #open = false;
  #pending: Buffer = Buffer.alloc(CHUNK);
  #pendingBytes = 0;
  #position: number;

  private constructor(fd: number, options: IsoOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#root = emptyRoot(options.date);
    this.#next = CATALOG_SECTOR + 1;
    this.#position = this.#next * SECTOR;
  }

  /**
   * Opens `path` for a new image, readable by its owner only (0600).
   * @throws IsoError ISO_INVALID_INPUT for a bad volume id; the file system's own errors otherwise.
   */
  static create(path: string, options: IsoOptions): IsoImageWriter {
    checkVolumeId(options.volumeId);
    const fd = openSync(path, 'w+', 0o600);
    fchmodSync(fd, 0o600);
    return new IsoImageWriter(fd, options);
  }

  /** Files written so far, in the order of their data. */
  get files(): readonly IsoFileInfo[] {
    return this.#files;
  }

  #dir(name: string, a: IsoAttributes = {}): DirNode {
    return { type: 'dir', name, mode: a.mode ?? 0o755, uid: a.uid ?? 0, gid: a.gid ?? 0, mtime: a.mtime ?? this.#options.date, serial: this.#serial++, children: new Map() };
  }

  #slot(path: string, onMade: (parent: DirNode, name: string) => void = () => undefined): { dir: DirNode; name: string } {
    const slot = parentOf(this.#root, path, (name, parent) => {
      onMade(parent, name);
      return this.#dir(name);
    });
    if (slot.dir.children.has(slot.name)) throw new IsoError('ISO_INVALID_INPUT', `"${path}" is in the image already`);
    return slot;
  }

  /** Adds an empty directory; parents are made as needed. */
  addDirectory(path: string, attributes?: IsoAttributes): void {
    const { dir, name } = this.#slot(path);
    dir.children.set(name, this.#dir(name, attributes));
  }

  /** Adds a symbolic link (Rock Ridge only; Joliet has none). */
  addSymlink(path: string, target: string, a: IsoAttributes = {}): void {
    if (target === '' || Buffer.byteLength(target) > 4095) throw new IsoError('ISO_INVALID_INPUT', `link target of "${path}" must have 1 to 4095 bytes`);
    const { dir, name } = this.#slot(path);
    dir.children.set(name, { type: 'symlink', name, target, mode: 0o777, uid: a.uid ?? 0, gid: a.gid ?? 0, mtime: a.mtime ?? this.#options.date, serial: this.#serial++ });
  }

  #append(chunk: Uint8Array): void {
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
        const { dir, name } = this.#slot(path);
        this.#append(Buffer.alloc(sectorsFor(bytes) * SECTOR - bytes));
        this.#next += sectorsFor(bytes);
        this.#open = false;
        dir.children.set(name, {
          type: 'file', name, mode: a.mode ?? 0o444, uid: a.uid ?? 0, gid: a.gid ?? 0, mtime: a.mtime ?? this.#options.date,
          serial: this.#serial++, extent: { sector, bytes },
        });
        const info = { path, bytes, crc32: crc >>> 0 };
        this.#files.push(info);
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
    const { dir, name } = this.#slot(path);
    dir.children.set(name, {
      type: 'file', name, mode: a.mode ?? 0o444, uid: a.uid ?? 0, gid: a.gid ?? 0, mtime: a.mtime ?? this.#options.date, serial: this.#serial++,
      extent: { sector: this.#next, bytes },
    });
    this.#next += sectorsFor(bytes);
    this.#position = this.#next * SECTOR;
    const info = { path, bytes, crc32: crc >>> 0 };
    this.#files.push(info);
    return info;
  }

  /** Adds the no-emulation BIOS boot file (isolinux.bin), with its boot information table filled in. */
  addBiosBootFile(path: string, data: Buffer, attributes?: IsoAttributes): IsoFileInfo {
    this.#biosSector = this.#next;
    return this.addFile(path, withBootInfoTable(data, this.#next), attributes);
  }

  #espSectors(): number {
    return sectorsFor(this.#options.boot?.esp?.length ?? 0);
  }

  /** Sectors of everything that follows the file data, given the sectors of directories and path tables. */
  #total(afterMetadata: number): { total: number; esp: number } {
    const padded = afterMetadata + PAD_SECTORS;
    if (this.#options.boot === undefined) return { total: padded, esp: 0 };
    const esp = Math.ceil(padded / 2) * 2; // 4 KiB alignment
    return { total: esp + this.#espSectors() + Math.ceil(BACKUP_GPT_BLOCKS / 4) + 1, esp };
  }

  /**
   * Bytes the finished image would have if `extra` files were added and it were finished then. Exact, whatever is
   * added, so a caller can fill a volume to its last sector.
   */
  projectedBytes(extra: readonly { readonly path: string; readonly bytes: number }[]): number {
    const added: [DirNode, string][] = [];
    const madeBefore = this.#serial;
    let next = this.#next;
    try {
      for (const { path, bytes } of extra) {
        const { dir, name } = this.#slot(path, (parent, made) => added.push([parent, made]));
        dir.children.set(name, { type: 'file', name, mode: 0, uid: 0, gid: 0, mtime: 0, serial: 0, extent: { sector: next, bytes } });
        added.push([dir, name]);
        next += sectorsFor(bytes);
      }
      const sectors = next + hierarchySectors(measure(this.#root, false)) + hierarchySectors(measure(this.#root, true));
      return this.#total(sectors).total * SECTOR;
    } finally {
      for (const [dir, name] of added) dir.children.delete(name);
      this.#serial = madeBefore;
    }
  }

  /**
   * Writes directories, path tables, ESP, boot catalog, descriptors, MBR and GPT; syncs and closes the file.
   * Returns the image's size in bytes.
   */
  finish(): number {
    if (this.#open) throw new IsoError('ISO_INVALID_INPUT', 'a file of this image is still open');
    const { boot } = this.#options;
    if (boot?.mbrCode !== undefined && this.#biosSector === undefined) throw new IsoError('ISO_INVALID_INPUT', 'hybrid boot wants a BIOS boot file');
    const iso = measure(this.#root, false);
    const joliet = measure(this.#root, true);
    const isoTree = place(iso, this.#next);
    const jolietTree = place(joliet, this.#next + hierarchySectors(iso));
    this.#append(isoTree.data);
    this.#append(jolietTree.data);
    const end = this.#next + hierarchySectors(iso) + hierarchySectors(joliet);
    const { total, esp } = this.#total(end);
    this.#flush();
    ftruncateSync(this.#fd, total * SECTOR);
    if (boot?.esp !== undefined) this.#writeAt(boot.esp, esp * SECTOR);

    const texts = { volumeId: this.#options.volumeId, application: this.#options.application ?? '', publisher: this.#options.publisher ?? '', date: this.#options.date };
    const entries: BootEntry[] = [];
    if (this.#biosSector !== undefined) entries.push({ platform: 'bios', sector: this.#biosSector, loadSectors: 4 });
    if (boot?.esp !== undefined) entries.push({ platform: 'efi', sector: esp, loadSectors: Math.ceil(boot.esp.length / 512) });
    const descriptors = [volumeDescriptor(texts, isoTree, total, false)];
    if (entries.length > 0) {
      descriptors.push(bootRecord(CATALOG_SECTOR));
      this.#writeAt(bootCatalog(entries, ''), CATALOG_SECTOR * SECTOR);
    }
    descriptors.push(volumeDescriptor(texts, jolietTree, total, true), terminator());
    this.#writeAt(Buffer.concat(descriptors), 16 * SECTOR);
    if (boot !== undefined) {
      const { systemArea, backupGpt } = hybridAreas({
        mbrCode: boot.mbrCode, biosSector: this.#biosSector, totalSectors: total,
        esp: boot.esp === undefined ? undefined : { sector: esp, bytes: boot.esp.length },
        seed: `${this.#options.volumeId} ${String(this.#options.date)} ${String(total)}`,
      });
      this.#writeAt(systemArea, 0);
      this.#writeAt(backupGpt, total * SECTOR - backupGpt.length);
    }
    fsyncSync(this.#fd);
    this.close();
    return total * SECTOR;
  }

  #closed = false;
  /** Closes the file without finishing it; the caller removes what was written. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

import { statSync } from 'node:fs';
import { SECTOR, sectorsFor } from '../bytes.js';
import { MAX_SECTION } from '../directory/hierarchy.js';
import { IsoError } from '../errors.js';
import { encodeName } from '../names/bytes.js';
import { Content, DirNode, FileNode, ImageTree, LinkNode, pathOf, SpecialNode, type IsoAttributes, type IsoNode, type OpenSource } from '../tree.js';
import { allEntries, placeBootEntries, rootFileIds } from './boot.js';
import { espSectorOf, headLayout, tailLayout, type Frame } from './frame.js';
import { scanHostTree, type ScanOptions, type ScanReport } from './host.js';
import { measureTrees, placeTrees, udfVolume } from './metadata.js';
import { checkOptions, type IsoOptions } from './options.js';
import { ImagePlan } from './plan.js';

/** Where a file's bytes come from: memory, a file on the host, or something of known size that is opened when it is its turn. */
export type FileSource = Uint8Array | { readonly file: string } | { readonly bytes: number; readonly open: OpenSource };

/** @throws IsoError ISO_INVALID_INPUT for a file of several sections below level 3 (ECMA-119 10.1, 10.2). */
export const checkLevel = (content: Content, level: number): void => {
  if (level < 3 && content.bytes > MAX_SECTION && content.owner !== undefined) {
    throw new IsoError('ISO_INVALID_INPUT', `"${pathOf(content.owner)}" has ${String(content.bytes)} bytes: level ${String(level)} ends below 4 GiB; use level 3`);
  }
};

/**
 * An ISO image to be, of files whose sizes are known. Add what it is to hold, in any order, then `plan()` it: the plan
 * knows the size to the byte and writes the image, in order and without seeking, to anything.
 */
export class IsoImage {
  readonly #tree: ImageTree;
  readonly #options: IsoOptions;
  #planned = false;

  /** @throws IsoError ISO_INVALID_INPUT for identifiers or options that cannot be. */
  constructor(options: IsoOptions) {
    checkOptions(options);
    this.#options = options;
    this.#tree = new ImageTree(options.date);
  }

  #insert(path: string, make: (name: string, date: number) => IsoNode): void {
    if (this.#planned) throw new IsoError('ISO_INVALID_INPUT', 'the image has been planned; nothing can be added');
    this.#tree.insert(path, make);
  }

  /** Adds a file; parents are made as needed. @throws IsoError ISO_INVALID_INPUT, or the file system's error for a host file that is not there */
  addFile(path: string, source: FileSource, a: IsoAttributes = {}): void {
    let content: Content;
    if (source instanceof Uint8Array) content = new Content(source.length, source, undefined, a.weight);
    else if ('file' in source) {
      const s = statSync(encodeName(source.file));
      if (!s.isFile()) throw new IsoError('ISO_INVALID_INPUT', `"${source.file}" is no regular file`);
      content = new Content(s.size, source.file, undefined, a.weight);
    } else {
      if (!Number.isSafeInteger(source.bytes) || source.bytes < 0) throw new IsoError('ISO_INVALID_INPUT', `"${path}": the size must be a number of bytes`);
      content = new Content(source.bytes, source.open, undefined, a.weight);
    }
    this.#insert(path, (name, date) => new FileNode(name, content, a, date));
  }

  /** Adds a directory; parents are made as needed. */
  addDirectory(path: string, a: IsoAttributes = {}): void {
    this.#insert(path, (name, date) => new DirNode(name, a, date));
  }

  /** Adds a symbolic link (Rock Ridge only). A trailing slash of the target has no Rock Ridge form and is dropped. */
  addSymlink(path: string, target: string, a: IsoAttributes = {}): void {
    checkTarget(path, target);
    this.#insert(path, (name, date) => new LinkNode(name, target, a, date));
  }

  /** Adds a second name for a file: both share one extent, one serial number and one link count. */
  addHardLink(path: string, existing: string, a: IsoAttributes = {}): void {
    const node = this.#tree.find(existing);
    if (!(node instanceof FileNode)) throw new IsoError('ISO_INVALID_INPUT', `"${existing}" is no file`);
    this.#insert(path, (name) => new FileNode(name, node.content, { mode: node.mode, uid: node.uid, gid: node.gid, ...a }, node.seconds * 1000));
  }

  /** Adds a device node, named pipe or socket (Rock Ridge only). */
  addSpecial(path: string, type: SpecialNode['type'], device: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 }, a: IsoAttributes = {}): void {
    this.#insert(path, (name, date) => new SpecialNode(name, type, [device.major, device.minor], a, date));
  }

  /**
   * Adds a directory of the host with all below it: owners, modes, modification times, hard links, symbolic links,
   * special files. What cannot be read is reported, not thrown.
   */
  addTree(hostDirectory: string, options: ScanOptions = {}): ScanReport {
    if (this.#planned) throw new IsoError('ISO_INVALID_INPUT', 'the image has been planned; nothing can be added');
    return scanHostTree(this.#tree, hostDirectory, options);
  }

  /**
   * Gives everything its place. The image's size is exact from here on; nothing can be added any more.
   * @throws IsoError ISO_INVALID_INPUT for boot images and sizes that cannot be as asked, ISO_NOT_FOUND for boot images that are not there.
   */
  plan(): ImagePlan {
    if (this.#planned) throw new IsoError('ISO_INVALID_INPUT', 'the image has been planned already');
    this.#planned = true;
    const options = this.#options;
    const level = options.level ?? 3;
    if (options.clampTimes === true) clamp(this.#tree.root, options.date);
    const contents = this.#tree.settle();
    const measured = measureTrees(this.#tree, options);
    const head = headLayout(options, allEntries(options));
    let sector = head.end + measured.sectors;
    for (const content of contents) {
      checkLevel(content, level);
      content.sector = sector;
      sector += sectorsFor(content.bytes);
    }
    const tail = tailLayout(options, sector, head);
    if (tail.total > 0xffffffff) throw new IsoError('ISO_INVALID_INPUT', `the image would have ${String(tail.total * SECTOR)} bytes; ISO 9660 ends at 8 TiB`);
    const entries = placeBootEntries(this.#tree, options, espSectorOf({ head, tail }));
    const trees = placeTrees(measured, head.end, head.emptySector);
    const frame: Frame = { options, head, tail, trees, entries, udf: udfVolume(trees, options, tail.anchorSector), fileIds: rootFileIds(this.#tree, options) };
    return new ImagePlan(frame, contents, sector);
  }
}

/** @throws IsoError ISO_INVALID_INPUT */
export function checkTarget(path: string, target: string): void {
  if (target === '' || target.includes('\0') || Buffer.byteLength(target) > 4095) throw new IsoError('ISO_INVALID_INPUT', `link target of "${path}" must have 1 to 4095 bytes`);
}

/** Sets times later than `date` to `date`. */
export function clamp(dir: DirNode, date: number): void {
  const latest = Math.floor(date / 1000);
  dir.seconds = Math.min(dir.seconds, latest);
  for (const child of dir.children) {
    if (child.type === 'dir') clamp(child, date);
    else child.seconds = Math.min(child.seconds, latest);
  }
}

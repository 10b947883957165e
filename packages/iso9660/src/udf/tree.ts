import { SECTOR, sectorsFor } from '../bytes.js';
import { IsoError } from '../errors.js';
import { UniqueNames } from '../names/unique.js';
import { directoryLinks } from '../rockridge/entries.js';
import { pathOf, type Content, type DirNode, type FileNode, type IsoNode } from '../tree.js';
import { compressedUnicode, implementation, longAd, seal, TAG, timestamp } from './primitives.js';
import { UDF } from './volume.js';

/** Most bytes of one extent: 30 bits, whole blocks (ECMA-167 4/14.14.1.1). */
const MAX_EXTENT = 0x3ffff800;
const FILE_ENTRY_HEAD = 176;
const MAX_EXTENTS = (SECTOR - FILE_ENTRY_HEAD) / 8;
/** Bytes of a file identifier descriptor before its name. */
const FID_HEAD = 38;

interface UdfDir { readonly node: DirNode; readonly parent: UdfDir | undefined; readonly bytes: number; block: number; data: number }

/** The UDF tree over the same file extents: measured, and placed by `place`. Symbolic links and special files are left out, as in Joliet. */
export interface UdfTree {
  readonly dirs: UdfDir[];
  readonly files: FileNode[];
  readonly blocks: ReadonlyMap<Content, number>;
  /** Blocks that it takes, the root's file entry first. */
  readonly sectors: number;
}

const kept = (dir: DirNode): (DirNode | FileNode)[] => dir.children.filter((c): c is DirNode | FileNode => c.type === 'dir' || c.type === 'file');
/** Surrogates without partner: bytes that are not UTF-8. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Names of the children as compressed Unicode: at most 255 bytes, unique. */
function names(children: readonly IsoNode[]): Buffer[] {
  const taken = new UniqueNames();
  return children.map((child) => {
    const safe = child.name.replace(LONE, '_');
    // eslint-disable-next-line no-control-regex -- Latin-1 is what one byte a character holds
    const units = /^[\u0000-\u00ff]*$/.test(safe) ? 254 : 127;
    return compressedUnicode(taken.claim(safe.slice(0, units - 5), (s) => safe.slice(0, units - s.length) + s));
  });
}

const fidBytes = (nameBytes: number): number => (FID_HEAD + nameBytes + 3) & ~3;

/** @throws IsoError ISO_INVALID_INPUT for a file that is too large for one file entry (about 234 GiB). */
export function measureUdf(root: DirNode): UdfTree {
  const dirs: UdfDir[] = [];
  const files: FileNode[] = [];
  const blocks = new Map<Content, number>();
  const queue: { node: DirNode; parent: UdfDir | undefined }[] = [{ node: root, parent: undefined }];
  let next = 0;
  for (const { node, parent } of queue) { // grows while it is gone through
    const children = kept(node);
    const bytes = names(children).reduce((n, name) => n + fidBytes(name.length), fidBytes(0));
    const dir: UdfDir = { node, parent, bytes, block: next, data: next + 1 };
    next += 1 + sectorsFor(bytes);
    dirs.push(dir);
    for (const child of children) {
      if (child.type === 'dir') queue.push({ node: child, parent: dir });
      else if (!blocks.has(child.content)) {
        if (Math.ceil(child.content.bytes / MAX_EXTENT) > MAX_EXTENTS) throw new IsoError('ISO_INVALID_INPUT', `"${pathOf(child)}" has ${String(child.content.bytes)} bytes: more than a UDF file entry here describes; leave UDF out`);
        blocks.set(child.content, -1);
        files.push(child);
      }
    }
  }
  for (const file of files) blocks.set(file.content, next++);
  return { dirs, files, blocks, sectors: next };
}

/** Permission bits of a mode (ECMA-167 4/14.9.5): execute, write, read for other, group, owner. */
const permissions = (mode: number): number => (mode & 7) | (((mode >> 3) & 7) << 5) | (((mode >> 6) & 7) << 10);

function fileEntry(node: DirNode | FileNode, own: number, bytes: number, first: number, links: number, root = false): Buffer {
  const buf = Buffer.alloc(SECTOR);
  buf.writeUInt16LE(4, 20); // strategy
  buf.writeUInt16LE(1, 24);
  buf[27] = node.type === 'dir' ? 4 : 5;
  buf.writeUInt16LE(0, 34); // short allocation descriptors
  buf.writeUInt32LE(node.uid, 36);
  buf.writeUInt32LE(node.gid, 40);
  buf.writeUInt32LE(permissions(node.mode), 44);
  buf.writeUInt16LE(Math.min(links, 0xffff), 48);
  buf.writeBigUInt64LE(BigInt(bytes), 56);
  buf.writeBigUInt64LE(BigInt(sectorsFor(bytes)), 64);
  for (const at of [72, 84, 96]) timestamp(buf, at, node.seconds * 1000);
  buf.writeUInt32LE(1, 108);
  implementation(buf, 128);
  buf.writeBigUInt64LE(BigInt(root ? 0 : own + 16), 160); // unique id: 0 for the root, others from 16 on (UDF 1.02 3.2.1.1)
  let at = FILE_ENTRY_HEAD;
  for (let offset = 0; offset < bytes; offset += MAX_EXTENT) {
    buf.writeUInt32LE(Math.min(MAX_EXTENT, bytes - offset), at);
    buf.writeUInt32LE(first + offset / SECTOR, at + 4);
    at += 8;
  }
  buf.writeUInt32LE(at - FILE_ENTRY_HEAD, 172);
  seal(buf, TAG.fileEntry, own, at);
  return buf;
}

/** Renders the tree for its place: `offset` is the block of its first file entry, counted from the partition. */
export function* renderUdf(tree: UdfTree, offset: number): Generator<Buffer> {
  const dirs = new Map(tree.dirs.map((d) => [d.node, d]));
  for (const dir of tree.dirs) {
    const own = offset + dir.block;
    yield fileEntry(dir.node, own, dir.bytes, offset + dir.data, directoryLinks(dir.node) - 1, dir.parent === undefined);
    const out = Buffer.alloc(sectorsFor(dir.bytes) * SECTOR);
    let at = 0;
    const put = (characteristics: number, block: number, name: Buffer): void => {
      const length = fidBytes(name.length);
      const fid = out.subarray(at, at + length);
      fid.writeUInt16LE(1, 16);
      fid[18] = characteristics;
      fid[19] = name.length;
      longAd(fid, 20, SECTOR, block, block === offset ? 0 : block + 16);
      name.copy(fid, FID_HEAD);
      seal(fid, TAG.fileId, offset + dir.data + Math.floor(at / SECTOR));
      at += length;
    };
    put(0x0a, offset + (dir.parent ?? dir).block, Buffer.alloc(0));
    const children = kept(dir.node);
    const ids = names(children);
    children.forEach((child, i) => {
      const block = child.type === 'dir' ? (dirs.get(child) as UdfDir).block : tree.blocks.get(child.content) as number;
      put(child.type === 'dir' ? 2 : 0, offset + block, ids[i] as Buffer);
    });
    yield out;
  }
  for (const file of tree.files) {
    const { content } = file;
    const own = offset + (tree.blocks.get(content) as number);
    yield fileEntry(file, own, content.bytes, content.bytes === 0 ? 0 : content.sector - UDF.partition, content.links);
  }
}

import { readFileSync } from 'node:fs';
import { checkBootImage, type BootEntryOptions, type PlacedBootEntry } from '../eltorito/catalog.js';
import { withBootInfoTable, withGrub2Info } from '../eltorito/patch.js';
import { IsoError } from '../errors.js';
import { encodeName } from '../names/bytes.js';
import { FileNode, type Content, type ImageTree } from '../tree.js';
import type { IsoOptions } from './options.js';

/** Boot images are patched and checked in memory; none is larger than a disk image for hard-disk emulation. */
const MAX_BOOT_IMAGE = 1 << 30;

/** All El Torito entries: those of the options, then the one of the ESP. */
export function allEntries(options: IsoOptions): (BootEntryOptions & { readonly path?: string })[] {
  const { entries = [], esp } = options.boot ?? {};
  return [...entries, ...(esp === undefined ? [] : [{ platform: 'efi' } as const])];
}

/** Reads a boot image's content into memory, so that it can be patched. */
function load(content: Content, path: string): Buffer {
  if (content.bytes > MAX_BOOT_IMAGE) throw new IsoError('ISO_INVALID_INPUT', `boot image "${path}" is too large (${String(content.bytes)} bytes)`);
  const { source } = content;
  if (source instanceof Uint8Array) return Buffer.from(source);
  if (typeof source === 'string') {
    const host = content.directory === undefined ? source : `${content.directory}/${source}`;
    const data = readFileSync(encodeName(host));
    if (data.length !== content.bytes) throw new IsoError('ISO_INVALID_INPUT', `boot image "${host}" changed while the image was planned`);
    return data;
  }
  throw new IsoError('ISO_INVALID_INPUT', `boot image "${path}" must be given as bytes or as a file on the host`);
}

/**
 * Checks the boot images that lie in the tree, patches what is to be patched, and returns the catalog's entries.
 * Contents must have their sectors.
 * @throws IsoError ISO_NOT_FOUND for a path that is not in the image, ISO_INVALID_INPUT for an image that cannot boot as asked.
 */
export function placeBootEntries(tree: ImageTree, options: IsoOptions, espSector: number | undefined): PlacedBootEntry[] {
  const placed: PlacedBootEntry[] = [];
  for (const entry of options.boot?.entries ?? []) {
    const node = tree.find(entry.path);
    if (!(node instanceof FileNode)) throw new IsoError('ISO_INVALID_INPUT', `boot image "${entry.path}" is no file`);
    const { content } = node;
    const emulated = (entry.emulation ?? 'none') !== 'none';
    const patched = entry.infoTable === true || entry.grub2Info === true;
    let systemType = 0;
    if (emulated || patched) {
      let data = load(content, entry.path);
      ({ systemType } = checkBootImage(entry.path, data.length, data, entry));
      if (entry.grub2Info === true) data = withGrub2Info(data, content.sector);
      if (entry.infoTable === true) data = withBootInfoTable(data, content.sector);
      if (patched) content.source = data;
    } else checkBootImage(entry.path, content.bytes, Buffer.alloc(0), entry);
    placed.push({ ...entry, sector: content.sector, bytes: content.bytes, systemType });
  }
  const esp = options.boot?.esp;
  if (esp !== undefined && espSector !== undefined) placed.push({ platform: 'efi', sector: espSector, bytes: esp.length, systemType: 0 });
  return placed;
}

/** Identifiers of copyright, abstract and bibliographic file. @throws IsoError when they are not files of the root directory. */
export function rootFileIds(tree: ImageTree, options: IsoOptions): [string, string, string] {
  const id = (path: string | undefined): string => {
    if (path === undefined) return '';
    const node = tree.find(path);
    if (node.type !== 'file' || node.parent !== tree.root) throw new IsoError('ISO_INVALID_INPUT', `"${path}" must be a file in the root directory (ECMA-119 8.4.24)`);
    return `${node.isoId};1`;
  };
  return [id(options.copyrightFile), id(options.abstractFile), id(options.bibliographicFile)];
}

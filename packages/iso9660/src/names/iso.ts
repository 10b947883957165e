import type { DirNode, IsoNode } from '../tree.js';
import { UniqueNames } from './unique.js';

/** Conformance of the primary tree's names: level 1 has 8.3, levels 2 and 3 have 31 characters (ECMA-119 10). */
export type NameLevel = 1 | 2;

const clean = (text: string): string => text.replace(/[^A-Za-z0-9_]/g, '_').toUpperCase();

/** Splits at the last dot; a leading dot does not start an extension. */
export function splitExtension(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
}

/**
 * Gives every child its identifier of d-characters, without the version: `NAME.EXT` for files (the dot is always
 * there, ECMA-119 7.5.1), `NAME` for directories (7.6.1), unique in the directory, extensions kept. `children` must be
 * in the order of their real names, so that the result depends on nothing else. Directories in `asFiles` are relocated:
 * a file record stands for them here.
 */
export function assignIsoIds(children: readonly IsoNode[], level: NameLevel, asFiles: { has(dir: DirNode): boolean }): void {
  const names = new UniqueNames();
  const [total, longest] = level === 1 ? [8, 3] : [30, 30];
  for (const child of children) {
    if (child.type === 'dir' && !asFiles.has(child)) child.isoId = directoryId(child, level, names);
    else {
      const [stem, ext] = splitExtension(child.name);
      // An extension that would leave no room for the name is cut, not the whole of the name.
      const e = clean(ext).slice(0, level === 1 ? longest : Math.max(10, 30 - stem.length - 4));
      const room = level === 1 ? total : total - e.length;
      const base = clean(stem);
      child.isoId = names.claim(`${base.slice(0, room - 4)}.${e}`, (s) => `${base.slice(0, room - s.length)}${s}.${e}`);
    }
  }
}

/** Identifier of a directory, unique among `names` (also used for relocated directories). */
export function directoryId(dir: DirNode, level: NameLevel, names: UniqueNames): string {
  const base = clean(dir.name);
  const room = level === 1 ? 8 : 31;
  return names.claim(base.slice(0, room - 4), (s) => base.slice(0, room - s.length) + s);
}

/** Order of identifiers without versions. With d-characters it is that of ECMA-119 9.3: the dot sorts before all of them, as the padding does. */
export const byIsoId = (a: IsoNode, b: IsoNode): number => (a.isoId < b.isoId ? -1 : a.isoId > b.isoId ? 1 : 0);

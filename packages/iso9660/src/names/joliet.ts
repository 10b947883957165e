import type { IsoNode } from '../tree.js';
import { encodeName } from './bytes.js';
import { splitExtension } from './iso.js';
import { UniqueNames } from './unique.js';

// eslint-disable-next-line no-control-regex -- control characters are what must go
const FORBIDDEN = /[*/:;?\\\u0000-\u001f]/g;
/** Surrogates that belong to no pair: bytes that are not UTF-8. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Cuts to `units` UTF-16 units without halving a surrogate pair. */
function cut(text: string, units: number): string {
  if (text.length <= units) return text;
  const head = text.slice(0, units);
  return /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head;
}

/**
 * Gives every child its Joliet identifier without the version: at most `max` UTF-16 units (64 by the specification, 103
 * is what fits a record), without `* / : ; ? \`, control characters, and dots or blanks at the end (Windows and Linux
 * drop them), extensions kept, unique in the directory without regard to case: Windows, and Linux by default, could open
 * only one of two names that differ in case.
 */
export function assignJolietIds(children: readonly IsoNode[], max: number): void {
  const names = new UniqueNames((name) => name.toLowerCase());
  for (const child of children) {
    const safe = child.name.replace(FORBIDDEN, '_').replace(LONE, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length));
    const [stem, ext] = child.type === 'dir' ? [safe, ''] : splitExtension(safe);
    const tail = ext === '' ? '' : `.${cut(ext, 20)}`;
    const plain = safe.length <= max ? safe : cut(stem, max - tail.length) + tail;
    child.jolietId = names.claim(`${cut(stem, max - tail.length - 5)}${tail}`, (s) => (s === '' ? plain : cut(stem, max - tail.length - s.length) + s + tail));
  }
}

/** Order of Joliet identifiers: by 16-bit units. */
export const byJolietId = (a: IsoNode, b: IsoNode): number => (a.jolietId < b.jolietId ? -1 : a.jolietId > b.jolietId ? 1 : 0);

const ENHANCED_MAX = 207;

/**
 * Identifiers of an enhanced volume (ISO 9660:1999, "level 4"): the name's own bytes, at most 207, unique; no version,
 * no required dot. Byte strings, parallel to `children`, which must be in the order of their real names.
 */
export function enhancedIds(children: readonly IsoNode[]): string[] {
  const names = new UniqueNames();
  return children.map((child) => {
    const bytes = encodeName(child.name);
    return names.claim(bytes.toString('latin1', 0, ENHANCED_MAX - 5), (s) => bytes.toString('latin1', 0, ENHANCED_MAX - s.length) + s);
  });
}

import type { IsoNode } from './tree.js';

/** Largest section of a file in one directory record: a multiple of the sector below 4 GiB (ECMA-119 9.1.4). */
export const MAX_SECTION = 0xfffff800;

const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_]/g, '_');

/** Splits at the last dot; a leading dot does not start an extension. */
function splitExtension(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
}

/** Calls `build` with the suffixes '', '1', '2'... until the name is new, and notes it in `taken`. */
function unique(taken: Set<string>, build: (suffix: string) => string): string {
  for (let n = 0; ; n++) {
    const name = build(n === 0 ? '' : String(n - 1));
    if (!taken.has(name)) {
      taken.add(name);
      return name;
    }
  }
}

/**
 * ISO 9660 level 2/3 identifiers of a directory's children (ECMA-119 7.5.1, 7.6.1, 10.2): d-characters,
 * name + extension of at most 30, directories of at most 31, unique in the directory; files end in `;1`.
 */
export function isoNames(children: readonly IsoNode[]): Map<IsoNode, string> {
  const taken = new Set<string>();
  const out = new Map<IsoNode, string>();
  for (const child of children) {
    if (child.type === 'dir') {
      const base = clean(child.name);
      out.set(child, unique(taken, (s) => base.slice(0, 31 - s.length) + s));
    } else {
      const [stem, ext] = splitExtension(child.name);
      const e = clean(ext).slice(0, 10);
      out.set(child, `${unique(taken, (s) => `${clean(stem).slice(0, 30 - e.length - s.length)}${s}.${e}`)};1`);
    }
  }
  return out;
}

const JOLIET_MAX = 64;

/** Joliet identifiers: at most 64 UTF-16 units, without `* / : ; ? \` and control characters, unique in the directory. */
export function jolietNames(children: readonly IsoNode[]): Map<IsoNode, string> {
  const taken = new Set<string>();
  const out = new Map<IsoNode, string>();
  for (const child of children) {
    // eslint-disable-next-line no-control-regex -- control characters are what must go
    const safe = child.name.replace(/[*/:;?\\\u0000-\u001f]/g, '_');
    const [stem, ext] = child.type === 'dir' ? [safe, ''] : splitExtension(safe);
    const tail = ext === '' ? '' : `.${ext.slice(0, 20)}`;
    const name = unique(taken, (s) => {
      let head = stem.slice(0, JOLIET_MAX - tail.length - s.length);
      if (/[\ud800-\udbff]$/.test(head)) head = head.slice(0, -1); // do not cut a surrogate pair
      return head + s + tail;
    });
    out.set(child, child.type === 'dir' ? name : `${name};1`);
  }
  return out;
}

/** Order of records in a directory (ECMA-119 9.3): name padded with spaces, then extension, then version. */
export function compareIsoNames(a: string, b: string): number {
  const key = (n: string): [string, string] => {
    const bare = n.replace(/;1$/, '');
    const dot = bare.indexOf('.');
    return dot < 0 ? [bare, ''] : [bare.slice(0, dot), bare.slice(dot + 1)];
  };
  const [an, ae] = key(a);
  const [bn, be] = key(b);
  return comparePadded(an, bn) || comparePadded(ae, be);
}

function comparePadded(a: string, b: string): number {
  const n = Math.max(a.length, b.length);
  const x = a.padEnd(n, ' ');
  const y = b.padEnd(n, ' ');
  return x < y ? -1 : x > y ? 1 : 0;
}

// Trees that images are made of: named ones with every hard case, and random ones. All reproducible.
import { createHash } from 'node:crypto';
import { decodeName } from '@cdrec/iso9660';

export const DATE = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Random numbers from a seed (mulberry32). */
export function random(seed) {
  let s = seed >>> 0;
  return (below) => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export function data(length, seed = length) {
  const r = random(seed + 1);
  const out = Buffer.alloc(length);
  for (let i = 0; i < length; i++) out[i] = r(256);
  return out;
}

const raw = (...bytes) => decodeName(Buffer.from(bytes));
const file = (path, content = Buffer.from(path), a = {}) => ({ type: 'file', path, data: content, ...a });
const link = (path, target) => ({ type: 'symlink', path, target });

const HOSTILE = [
  'plain.txt', 'UPPER.TXT', 'with space.txt', ' leading', 'trailing ', '.hidden', '..two', '...', 'dot.', 'many.dots.in.name.tar.gz', '.a.b', 'a;1', 'a;b;2', "quote'quote", 'double"quote',
  'back\\slash', 'colon:colon', 'star*', 'question?', 'pipe|', 'less<more>', 'tab\there', 'new\nline', 'bell\x07', 'del\x7f', '~tilde~', '-dash', '--', '#hash', '%41percent', '$HOME', '`cmd`', '$(cmd)', '{a,b}', '[x]', '!bang', '^', '&', '=', '+', ',', '@',
  'ä', 'Ünïcödé.txt', 'cafe\u0301', 'caf\u00e9', '日本語のファイル名.txt', 'עברית', 'العربية', '\u{1f600}.png', `emoji-${'\u{1f680}'.repeat(40)}.txt`, '\ufeffbom', 'zero\u200bwidth', '\u202ertl',
  raw(0xff, 0xfe, 0x41), raw(0x80), raw(0xc3), raw(0xed, 0xa0, 0x80), raw(0x66, 0xe4, 0x2e, 0x74), raw(0xf0, 0x9f, 0x98),
  'n'.repeat(31), 'n'.repeat(32), 'n'.repeat(64), 'n'.repeat(65), 'n'.repeat(66), 'm'.repeat(103), 'm'.repeat(104), 'o'.repeat(120), 'o'.repeat(130), 'o'.repeat(140), 'p'.repeat(200), 'q'.repeat(250), 'q'.repeat(251), 'q'.repeat(253), `${'r'.repeat(240)}.extension`,
  `${'日'.repeat(84)}`, 'same name A.txt', 'same_name_a.txt', 'SAME NAME A.TXT', 'Same-Name-A.txt', 'x.abcdefghijklmnopqrstuvwxyz0123456789', 'CON', 'aux.txt', 'RR_MOVED',
];

const LINKS = {
  len1: 'a', len200: 'b'.repeat(200), two200: `${'c'.repeat(200)}/${'d'.repeat(200)}`, three255: ['e', 'f', 'g'].map((c) => c.repeat(255)).join('/'),
  comps40: Array(40).fill('comp').join('/'), comps80: Array(80).fill('comp').join('/'), comps150: Array(150).fill('x1').join('/'), len1000: Array(100).fill('123456789').join('/'),
  abs: '/etc/passwd', dotdot: '../../x', leadingdot: './x/./y', dot: '.', utf8: 'ä/日本語/\u{1f600}', root: '/', doubleslash: 'a//b', trailing: 'a/', up: '..', ones: Array(130).fill('z').join('/'), dots130: Array(130).fill('..').join('/'),
};

const nested = (depth, name = (i) => `level${i}`) => Array.from({ length: depth }, (_, i) => name(i + 1));

/** Named trees. */
export const TREES = {
  empty: () => [],
  one: () => [file('a')],
  names: () => HOSTILE.map((n) => file(n)),
  directories: () => HOSTILE.flatMap((n) => [{ type: 'dir', path: n, mode: 0o750 }, file(`${n}/x`, Buffer.from(n))]),
  links: () => [...Object.entries(LINKS).map(([n, t]) => link(n, t)), ...Object.entries(LINKS).slice(0, 8).map(([n, t]) => link(`${'long-name-'.repeat(16)}${n}`, t))],
  // Numbers that only the kernel reads right.
  largedev: () => [{ type: 'block', path: 'large', device: [259, 70000], mode: 0o600 }, { type: 'char', path: 'major', device: [4000, 256], mode: 0o600 }],
  // Longer than libisofs takes.
  links4000: () => [link('len4000', Array(400).fill('123456789').join('/').slice(0, 3998)), link('len2100', Array(210).fill('abcdefghi').join('/')), link(`${'z'.repeat(200)}`, Array(300).fill('q'.repeat(12)).join('/')), file('x')],
  special: () => [
    { type: 'char', path: 'null', device: [1, 3], mode: 0o666 }, { type: 'block', path: 'sda1', device: [8, 1], mode: 0o660, gid: 6 }, { type: 'char', path: 'n'.repeat(190), device: [254, 7] },
    { type: 'fifo', path: 'pipe', mode: 0o644 }, { type: 'socket', path: 'sock', mode: 0o755 },
    file('suid', Buffer.from('s'), { mode: 0o4755 }), file('sgid', Buffer.from('s'), { mode: 0o2755 }), file('none', Buffer.from('n'), { mode: 0 }), { type: 'dir', path: 'sticky', mode: 0o1777 },
    file('uid', Buffer.from('u'), { uid: 3_000_000, gid: 4_000_000_000 }), file('nobody', Buffer.from('u'), { uid: 65534, gid: 65534 }),
  ],
  sizes: () => [0, 1, 2, 2047, 2048, 2049, 4095, 4096, 4097, 65535, 65536, 131071, 131072, 131073, 300_000].map((n) => file(`size-${n}`, data(n))),
  times: () => [[1960, -315619200], [1969, -1], [1970, 0], [1980, 315532800], [2000, 951782400], [2024, 1709164800], [2038, 2147483648], [2100, 4102444800], [2155, 5869583999]].map(([y, s]) => file(`y${y}`, Buffer.from(String(y)), { mtime: s * 1000 })),
  deep8: () => [file(`${nested(7).join('/')}/file`), ...nested(7).map((_, i, all) => file(`${all.slice(0, i + 1).join('/')}/f${i}`))],
  deep40: () => nested(40).flatMap((_, i, all) => [file(`${all.slice(0, i + 1).join('/')}/f${i}`), ...(i % 7 === 3 ? [file(`${all.slice(0, i + 1).join('/')}/side/x`, Buffer.from(`side${i}`))] : [])]),
  deepwide: () => ['a', 'b', 'c'].flatMap((top) => ['x', 'x y', 'x_y'].map((end) => file(`${top}/${nested(9).join('/')}/${end}/file`, Buffer.from(top + end)))),
  hardlinks: () => [file('first', data(5000)), { type: 'link', path: 'second', to: 'first' }, { type: 'link', path: 'dir/third', to: 'first' }, file('dir/other', data(5000, 7)), { type: 'link', path: 'zero', to: 'dir/other' }, file('empty'), file('e0', Buffer.alloc(0)), { type: 'link', path: 'e1', to: 'e0' }],
  edge45: () => Array.from({ length: 45 }, (_, i) => file(`f${i}`)),
  edge60: () => Array.from({ length: 60 }, (_, i) => file(`file-with-a-name-${'x'.repeat(i)}`)),
  collisions: () => Array.from({ length: 150 }, (_, i) => file(`a very long common prefix of names that collide ${'y'.repeat(40)} ${i}.data`)),
  paths: () => Array.from({ length: 300 }, (_, i) => file(`d${i % 20}/e${i % 7}/directory number ${i}/x`, Buffer.from(String(i)))),
};
export const many = () => Array.from({ length: 5000 }, (_, i) => file(`file number ${i}.txt`, Buffer.from(`content ${i}`), { mode: 0o600 + (i % 64) }));

const SYLLABLES = ['a', 'B', '0', '_', '.', '-', ' ', 'ä', '日', '\u{1f600}', ';', '~', "'", '\n', 'long', 'NAME', 'txt', raw(0xfe), '\\', '*'];

/** A random tree: names of random syllables, every kind of entry. */
export function randomTree(seed) {
  const r = random(seed);
  const entries = [];
  const dirs = [''];
  const taken = new Set();
  const files = [];
  for (let n = 5 + r(60); n > 0; n--) {
    const parent = dirs[r(dirs.length)];
    let name = '';
    for (let k = 1 + r(r(5) === 0 ? 60 : 6); k > 0; k--) name += SYLLABLES[r(SYLLABLES.length)];
    if (name === '.' || name === '..' || Buffer.byteLength(name) > 240) name = `n${n}`;
    const path = parent === '' ? name : `${parent}/${name}`;
    if (taken.has(path) || path.split('/').length > 30) continue;
    taken.add(path);
    const a = { mode: r(0o10000), uid: r(3) === 0 ? r(2 ** 31) : r(1000), gid: r(1000), mtime: (r(2 ** 31) - r(2 ** 29)) * 1000 };
    switch (r(10)) {
      case 0: case 1: case 2: entries.push({ type: 'dir', path, ...a, mode: a.mode & 0o5777 }); // set-group-id would change what is extracted into it
      dirs.push(path); break;
      case 3: entries.push(link(path, Array.from({ length: 1 + r(60) }, () => ['x', '..', '.', 'abc', 'y'.repeat(1 + r(250))][r(5)]).join('/'))); break;
      case 4: if (files.length > 0) { entries.push({ type: 'link', path, to: files[r(files.length)] }); break; } // falls through
      case 5: if (r(3) === 0) { entries.push({ type: 'char', path, device: [1 + r(500), r(256)], ...a }); break; } // falls through
      default: entries.push(file(path, data(r(4) === 0 ? 0 : r(9000), seed + n), a)); files.push(path);
    }
  }
  return entries;
}

/** Byte string of a name or path, as the judges report it. */
export const byteString = (encodeName, path) => encodeName(path).toString('latin1');

/** What a judge that reads Rock Ridge must see. */
export function expectedTree(entries, encodeName) {
  const out = new Map();
  const at = (path) => byteString(encodeName, path);
  const add = (path, e) => out.set(at(path), e);
  const links = new Map();
  const dir = (path, a = {}) => add(path, { type: 'dir', mode: a.mode ?? 0o755, uid: a.uid ?? 0, gid: a.gid ?? 0, mtime: Math.floor((a.mtime ?? DATE) / 1000) });
  for (const e of entries) {
    const parts = e.path.split('/');
    for (let i = 1; i < parts.length; i++) if (!out.has(at(parts.slice(0, i).join('/')))) dir(parts.slice(0, i).join('/'));
    const a = { uid: e.uid ?? 0, gid: e.gid ?? 0, mtime: Math.floor((e.mtime ?? DATE) / 1000) };
    if (e.type === 'dir') dir(e.path, e);
    else if (e.type === 'file') {
      add(e.path, { type: 'file', mode: e.mode ?? 0o444, ...a, size: e.data.length, hash: createHash('sha1').update(e.data).digest('hex') });
      links.set(e.path, [e.path]);
    } else if (e.type === 'link') {
      let target = e.to;
      while (entries.find((x) => x.path === target).type === 'link') target = entries.find((x) => x.path === target).to;
      add(e.path, { ...out.get(at(target)) });
      links.get(target).push(e.path);
    } else if (e.type === 'symlink') add(e.path, { type: 'symlink', mode: 0o777, ...a, target: at(e.target === '/' ? '/' : e.target.replace(/\/+$/, '')) });
    else add(e.path, { type: e.type, mode: e.mode ?? 0o600, ...a, ...(e.type === 'char' || e.type === 'block' ? { device: e.device } : {}) });
  }
  for (const names of links.values()) for (const n of names) out.get(at(n)).links = names.length;
  for (const [path, e] of out) if (e.type === 'dir') e.links = 2 + [...out].filter(([p, o]) => o.type === 'dir' && p.startsWith(`${path}/`) && !p.slice(path.length + 1).includes('/')).length;
  return out;
}

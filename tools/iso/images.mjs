// The matrix: which trees with which options, and how an image is made of them.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { IsoImage, IsoImageWriter, implantMd5, writeImageFile } from '@cdrec/iso9660';
import { buildFatImage } from '@cdrec/bootimage';
import { DATE, data, many, random, randomTree, TREES } from './trees.mjs';

/** Options that matter, each alone and combined. `onePass`: the writer for unknown sizes. */
const COMBINATIONS = [
  {}, { joliet: false }, { joliet: 'long' }, { rockRidge: false }, { rockRidge: false, joliet: false }, { level: 1 }, { level: 2 }, { level: 4 }, { udf: true }, { udf: true, joliet: false, level: 4 },
  { deepDirectories: 'relocate' }, { deepDirectories: 'relocate', joliet: false, level: 1 }, { padSectors: 0 }, { boot: 'bios' }, { boot: 'efi' }, { boot: 'hybrid' }, { boot: 'hybrid', udf: true, level: 4, joliet: 'long', deepDirectories: 'relocate' },
  { boot: 'many' }, { onePass: true }, { onePass: true, udf: true, boot: 'hybrid' }, { implant: true }, { weights: true, boot: 'grub' },
];

const bootCode = (length, seed) => data(length, seed);

/** Boot options by name. */
function bootOptions(kind) {
  const files = [];
  const esp = () => buildFatImage([{ path: 'EFI/BOOT/BOOTX64.EFI', data: data(20_000, 3) }], 'ESP', DATE);
  const floppy = (bytes) => { const b = Buffer.alloc(bytes); b.writeUInt16LE(0xaa55, 510); return b; };
  switch (kind) {
    case undefined: return { files };
    case 'bios': files.push({ type: 'file', path: 'boot/isolinux.bin', data: bootCode(20_000, 1) }); return { files, boot: { entries: [{ path: 'boot/isolinux.bin', infoTable: true }] } };
    case 'grub': files.push({ type: 'file', path: 'boot/eltorito.img', data: bootCode(20_000, 1) }); return { files, boot: { entries: [{ path: 'boot/eltorito.img', infoTable: true, grub2Info: true }], mbr: { code: bootCode(512, 2), kind: 'grub2' } } };
    case 'efi': return { files, boot: { esp: esp() } };
    case 'hybrid': files.push({ type: 'file', path: 'boot/isolinux.bin', data: bootCode(20_000, 1) }); return { files, boot: { entries: [{ path: 'boot/isolinux.bin', infoTable: true }], mbr: { code: bootCode(432, 2), kind: 'isolinux' }, esp: esp() } };
    case 'many': {
      const disk = floppy(100 * 512);
      disk.set([0x80, 1, 1, 0, 4, 1, 17, 0, 17, 0, 0, 0, 60, 0, 0, 0], 446);
      for (const [path, d] of [['boot/none.img', bootCode(4000, 1)], ['boot/f144.img', floppy(1_474_560)], ['boot/f12.img', floppy(1_228_800)], ['boot/hd.img', disk], ['boot/efi.img', bootCode(8192, 9)]]) files.push({ type: 'file', path, data: d });
      return { files, boot: { catalogId: 'CDREC TEST', entries: [{ path: 'boot/none.img' }, { path: 'boot/f144.img', emulation: 'floppy-1.44', section: 'FLOPPIES' }, { path: 'boot/f12.img', emulation: 'floppy-1.2', section: 'FLOPPIES' }, { path: 'boot/hd.img', emulation: 'hard-disk' }, { path: 'boot/efi.img', platform: 'efi' }] } };
    }
  }
  throw new Error(kind);
}

/** Every image of the matrix: `name`, `entries`, `options`. */
export function matrix() {
  const out = [];
  const add = (name, tree, combination, index) => out.push({ name: `${name}-${index}`, tree, ...combination, combination });
  for (const [name, make] of Object.entries(TREES)) {
    // Every tree with the plain options and with eleven others, spread so that every pair comes up somewhere.
    const shift = Object.keys(TREES).indexOf(name) * 7;
    const picks = new Set([0, 8, 10, 16, 18]);
    for (let i = 0; picks.size < 13; i++) picks.add((shift + i * 3) % COMBINATIONS.length);
    for (const i of [...picks].sort((a, b) => a - b)) add(name, make, COMBINATIONS[i], i);
  }
  for (const i of [0, 8, 18]) add('many5000', many, COMBINATIONS[i], i);
  for (let seed = 1; seed <= 110; seed++) add(`random${seed}`, () => randomTree(seed), COMBINATIONS[random(seed * 77)(COMBINATIONS.length)], 'r');
  return out;
}

/** Makes an image; returns what went in and what was told about it. */
export function makeImage(spec, path) {
  const { files, boot } = bootOptions(spec.combination.boot);
  const options = { volumeId: `T_${spec.name.toUpperCase().replace(/[^A-Z0-9_]/g, '_').slice(0, 28)}`, date: DATE, ...spec.combination, ...(boot === undefined ? { boot: undefined } : { boot }) };
  for (const key of ['onePass', 'implant', 'weights']) delete options[key];
  if (options.boot === undefined) delete options.boot;
  const entries = [...spec.tree(), ...files];
  const attributes = (e) => ({ ...(e.mode === undefined ? {} : { mode: e.mode }), ...(e.uid === undefined ? {} : { uid: e.uid }), ...(e.gid === undefined ? {} : { gid: e.gid }), ...(e.mtime === undefined ? {} : { mtime: e.mtime }) });
  const fill = (iso, addFile, addLink) => {
    for (const e of entries) {
      const a = attributes(e);
      if (e.type === 'file') addFile(e, a);
      else if (e.type === 'link') addLink(e);
      else if (e.type === 'dir') iso.addDirectory(e.path, a);
      else if (e.type === 'symlink') iso.addSymlink(e.path, e.target, a);
      else iso.addSpecial(e.path, e.type, { major: e.device?.[0] ?? 0, minor: e.device?.[1] ?? 0 }, a);
    }
  };
  if (spec.combination.onePass) {
    // No hard links in the writer for unknown sizes; dir entries must come before what is in them, as they do.
    const patched = new Map((boot?.entries ?? []).map((e) => [e.path, e]));
    const { entries: _, ...rest } = boot ?? {};
    const iso = IsoImageWriter.create(path, { ...options, ...(boot === undefined ? {} : { boot: rest }) });
    for (let i = entries.length - 1; i >= 0; i--) if (entries[i].type === 'link') entries.splice(i, 1);
    fill(iso, (e, a) => (patched.has(e.path) ? iso.addBootFile(e.path, e.data, patched.get(e.path), a) : iso.addFile(e.path, e.data, a)), () => {});
    const projected = iso.projectedBytes([]);
    const size = iso.finish();
    if (size !== projected) throw new Error(`${spec.name}: projected ${projected}, finished ${size}`);
  } else {
    const iso = new IsoImage(options);
    fill(iso, (e, a) => iso.addFile(e.path, e.data, { ...a, ...(spec.combination.weights ? { weight: crc32(e.path) % 5 } : {}) }), (e) => iso.addHardLink(e.path, e.to));
    const plan = iso.plan();
    const report = writeImageFile(plan, path);
    if (report.problems.length > 0) throw new Error(JSON.stringify(report.problems));
  }
  if (spec.combination.implant) implantMd5(path);
  // Boot files are patched in the image: what a judge must see there is what our own reader's bytes say (checked by the boot-info rule).
  const patchedPaths = new Set((boot?.entries ?? []).filter((e) => e.infoTable || e.grub2Info).map((e) => e.path));
  return { entries, patchedPaths, options };
}

/** Temporary directory for a run; removed by `done`. */
export function workDirectory(parent) {
  if (!existsSync(parent)) throw new Error(`${parent} is not there`);
  const dir = mkdtempSync(join(parent, 'cdrec-iso-matrix-'));
  return { dir, done: () => rmSync(dir, { recursive: true, force: true }) };
}


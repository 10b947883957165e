// Judges that run on the host: other people's tools, and our own reader and checker.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkImage, encodeName, IsoReader, openByteSource } from '@cdrec/iso9660';

const { walk } = createRequire(import.meta.url)('./walk.cjs');
const exec = promisify(execFile);
const ENV = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' };

/** Runs a judge; output as a byte string, whatever its status. */
async function run(cmd, ...args) {
  try {
    const r = await exec(cmd, args, { env: ENV, encoding: 'latin1', maxBuffer: 1 << 28, timeout: 120_000 });
    return { status: 0, text: r.stdout + r.stderr };
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`${cmd} is not installed`);
    return { status: error.code ?? -1, text: (error.stdout ?? '') + (error.stderr ?? '') + (error.killed ? 'TIMED OUT' : '') };
  }
}

/** Opens an image and walks it. */
const PYCDLIB = `import sys, pycdlib
iso = pycdlib.PyCdlib()
iso.open(sys.argv[1])
for _ in iso.walk(**{'rr_path' if iso.has_rock_ridge() else 'iso_path': '/'}): pass`;

const show = (path) => JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}...` : path);

/**
 * Compares what a judge saw with what is expected, entry by entry. `fields` are compared where the judge tells them;
 * `skip` leaves paths out (known misreadings).
 */
export function compareTrees(seen, expected, fields, skip = () => false, noLinkTimes = false, noMinusOne = false) {
  const wrong = [];
  const map = new Map(seen.map((e) => [e.path, e]));
  for (const [path, want] of expected) {
    const got = map.get(path);
    map.delete(path);
    if (skip(path, want)) continue;
    if (got === undefined) {
      wrong.push(`${show(path)} is missing`);
      continue;
    }
    for (const f of ['type', ...fields]) {
      if (want[f] === undefined || got[f] === undefined && f === 'device' || (want.type === 'symlink' && (f === 'mode' || (f === 'mtime' && noLinkTimes))) || (f === 'mtime' && want.mtime === -1 && noMinusOne) || (want.type === 'dir' && f === 'links' && got.links === 1)) continue;
      if (JSON.stringify(got[f]) !== JSON.stringify(want[f])) wrong.push(`${show(path)}: ${f} is ${JSON.stringify(got[f])}, not ${JSON.stringify(want[f])}`);
    }
  }
  for (const path of map.keys()) if (!skip(path, map.get(path)) && !/^rr_moved\d*(\/|$)/.test(path)) wrong.push(`${show(path)} should not be there`);
  return wrong;
}

/** Without Rock Ridge names may be changed: then the contents are compared as a multiset, and names where they need no change. */
export function compareContents(seen, expected, keepsName, countDirs = true) {
  const wrong = [];
  const files = (list) => list.filter((e) => e.type === 'file').map((e) => `${e.size} ${e.hash}`).sort();
  const want = [...expected].filter(([, e]) => e.type === 'file' || e.type === 'dir').map(([path, e]) => ({ path, ...e }));
  const [a, b] = [files(seen), files(want)];
  if (JSON.stringify(a) !== JSON.stringify(b)) wrong.push(`${a.length} files, ${b.length} expected, or other contents`);
  const dirs = (list) => list.filter((e) => e.type === 'dir').length;
  if (countDirs && dirs(seen) !== dirs(want)) wrong.push(`${dirs(seen)} directories, ${dirs(want)} expected`);
  const map = new Map(seen.map((e) => [e.path, e]));
  const siblings = new Map();
  for (const e of want) siblings.set(utf8(e.path).toLowerCase(), (siblings.get(utf8(e.path).toLowerCase()) ?? 0) + 1);
  for (const e of want) {
    const parts = e.path.split('/');
    if (!parts.every((p, i) => keepsName(p, parts.slice(0, i + 1).join('/'), siblings))) continue;
    const got = map.get(e.path);
    if (got?.type !== e.type || (e.hash !== undefined && got.hash !== e.hash)) wrong.push(`${show(e.path)} is missing or different`);
  }
  return wrong;
}

const utf8 = (byteString) => Buffer.from(byteString, 'latin1').toString('utf8');
/** Names that Joliet carries unchanged, and are no candidates for collisions. */
export const jolietKeeps = (max) => (p, path, siblings) => {
  const t = utf8(p);
  // Names that differ in case only cannot both stay.
  return (siblings.get(utf8(path).toLowerCase()) ?? 0) <= 1 && !t.includes('\ufffd') && t.length <= Math.min(max, 60) && !/[*/:;?\\\u0000-\u001f]/.test(t) && !/[. ]$/.test(t);
};
/** Names that UDF carries unchanged. */
// Linux changes names that begin with two dots (fs/udf/unicode.c).
export const udfKeeps = (p) => { const t = utf8(p); return !/^\.\.[^.]/.test(t) && !t.includes('\ufffd') && t.length <= 120 && !/[\u0000/]/.test(t); };

/** Names that 7-Zip extracts as they are. */
const sevenKeeps = (p, path, siblings) => jolietKeeps(60)(p, path, siblings) && /^[A-Za-z0-9_.-]+$/.test(p);

/** Our own reader, through every namespace of the image. */
async function ownReader(image, expected, options) {
  const wrong = [];
  const read = async (namespace) => {
    const reader = await IsoReader.open(await openByteSource(image), { namespace });
    const out = [];
    for await (const e of reader.walk()) {
      const entry = { ...e, path: encodeName(e.path).toString('latin1'), mtime: Math.floor(e.mtime / 1000), ...(e.target === undefined ? {} : { target: encodeName(e.target).toString('latin1') }), ...(e.device === undefined ? {} : { device: [e.device.major, e.device.minor] }) };
      if (e.type === 'file') {
        const hash = createHash('sha1');
        for await (const chunk of reader.read(e)) hash.update(chunk);
        entry.hash = hash.digest('hex');
      }
      out.push(entry);
    }
    await reader.close();
    return out;
  };
  if (options.rockRidge !== false) wrong.push(...compareTrees(await read('rockridge'), expected, ['mode', 'uid', 'gid', 'mtime', 'size', 'hash', 'links', 'target', 'device']).map((w) => `reader, Rock Ridge: ${w}`));
  if (options.joliet !== false) wrong.push(...compareContents(await read('joliet'), expected, jolietKeeps(options.joliet === 'long' ? 103 : 64)).map((w) => `reader, Joliet: ${w}`));
  if (options.level === 4) wrong.push(...compareContents((await read('enhanced')).filter((e) => e.type === 'dir' || expected.get(e.path)?.type === 'file' || !expected.has(e.path)), expected, (p) => p.length <= 200).filter((w) => !/files,/.test(w)).map((w) => `reader, enhanced: ${w}`));
  return wrong;
}

const hasMultiExtent = (expected) => [...expected.values()].some((e) => (e.size ?? 0) > 0xfffff800);
/** libarchive up to 3.6 misreads link targets that are continued where no component can be split. */
const bsdtarMisreads = (path, e) => e.type === 'symlink' && e.target.length > 200 && !e.target.split('/').some((c) => c.length > 2);

/** All host judges of one image. Returns complaints; `facts`: entries, options, expected tree. */
export async function judge(image, work, facts) {
  const { expected, options, patchedPaths } = facts;
  const rr = options.rockRidge !== false;
  const wrong = [];
  const patched = (path) => patchedPaths.has(path);
  const say = (who, list) => wrong.push(...list.slice(0, 5).map((w) => `${who}: ${w}`));

  const source = await openByteSource(image);
  say('checker', (await checkImage(source)).map((f) => `${f.rule} at ${f.offset}: ${f.text}`));
  await source.close();
  const withoutPatched = new Map([...expected].map(([p, e]) => [p, patched(p) ? { ...e, hash: undefined } : e]));
  const comparable = patchedPaths.size > 0 ? undefined : expected;
  say('own', await ownReader(image, comparable ?? withoutPatched, options).then((l) => (comparable === undefined ? l.filter((w) => !/other contents/.test(w)) : l)));

  const x = await run('xorriso', '-abort_on', 'NEVER', '-return_with', 'SORRY', '32', '-indev', `stdio:${image}`, '-find', '/', '-exec', 'lsdl', '--', '-report_el_torito', 'plain', '-report_system_area', 'plain', '-check_media', '--');
  x.text = x.text.replace(/.*(Joliet filename valid only with character set UTF-16|not suitable for Joliet character set UCS-2).*/g, ''); // names beyond UCS-2, which Windows and Linux read
  const tooLong = [...expected.values()].some((e) => (e.target ?? '').length > 1000); // libisofs gives up
  if (!tooLong && (x.status !== 0 || /SORRY|WARNING|FAILURE|MISHAP|FATAL/.test(x.text))) say('xorriso', [`status ${x.status}: ${/.*(SORRY|WARNING|FAILURE|MISHAP|FATAL).*/.exec(x.text)?.[0]}`]);
  const largeDevices = [...expected.values()].some((e) => (e.device?.[1] ?? 0) > 255); // no common form in Rock Ridge
  if (rr && !largeDevices) {
    for (const [who, cmd] of [...(tooLong ? [] : [['xorriso -extract', (d) => run('xorriso', '-abort_on', 'NEVER', '-osirrox', 'device_files', '-indev', `stdio:${image}`, '-extract', '/', d)]]), ['bsdtar', (d) => run('bsdtar', '-xpPf', image, '-C', d)]]) {
      const dir = join(work, 'x');
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true });
      const r = await cmd(dir);
      if (who === 'bsdtar' && r.status !== 0) say(who, [`status ${r.status}: ${r.text.slice(0, 200)}`]);
      const skip = (p, e) => (who === 'bsdtar' && (bsdtarMisreads(p, e) || e.type === 'socket')) || (who !== 'bsdtar' && e?.type === 'socket');
      // bsdtar cannot see that a file has other names when they are empty or were not all extracted; links are the kernel's and our reader's matter.
      say(who, compareTrees(walk(dir), withoutPatched, ['mode', 'uid', 'gid', 'mtime', 'size', 'hash', 'target', ...(who === 'bsdtar' ? [] : ['device'])], skip, who !== 'bsdtar', true)); // libarchive takes one second before 1970 for an error, and xorriso does not set the times of links
      rmSync(dir, { recursive: true, force: true });
    }
  }
  const longTargets = [...expected.values()].some((e) => (e.target ?? '').length > 900); // isoinfo and isovfy overflow a buffer, with images of any writer
  for (const flags of [['-l'], ...(rr ? [['-R', '-f']] : []), ...(options.joliet === false ? [] : [['-J', '-f']])]) {
    const r = await run('isoinfo', ...flags, '-i', image);
    if (flags[0] === '-R' && longTargets) continue;
    if (r.status !== 0 || (r.text.trim() === '' && [...expected.values()].some((e) => e.type === 'file'))) say(`isoinfo ${flags[0]}`, [`status ${r.status}`]);
  }
  if (!hasMultiExtent(expected) && !longTargets) {
    const v = await run('isovfy', image);
    if (!v.text.includes('No errors found')) say('isovfy', [v.text.trim().split('\n').slice(-3).join(' | ')]);
  }
 // pycdlib decodes names as UTF-8 and follows one continuation area.
  if (!longTargets && [...expected.keys()].every((p) => !utf8(p).includes('\ufffd')) && ![...expected.values()].some((e) => utf8(e.target ?? '').includes('\ufffd'))) {
    const p = await run('/usr/bin/python3', '-c', PYCDLIB, image);
    if (p.status !== 0) say('pycdlib', [p.text.trim().split('\n').at(-1)]);
  }
  const z = await run('7z', 't', '-bd', image);
  if (z.status !== 0) say('7z', [`status ${z.status}: ${z.text.slice(-300)}`]);
  // It reads UDF before Joliet before Rock Ridge; names that a file system could not take it changes, so contents are compared, and plain names.
  const seven = join(work, '7');
  rmSync(seven, { recursive: true, force: true });
  const forWindows = options.udf === true || options.joliet !== false; // with Rock Ridge alone it leaves links and devices out
  const y = forWindows ? await run('7z', 'x', '-bd', '-y', `-o${seven}`, image) : { status: 0, text: '' };
  if (y.status !== 0) say('7z x', [`status ${y.status}: ${y.text.slice(-300)}`]);
  else if (existsSync(seven)) say('7z x', compareContents(walk(seven).filter((e) => !e.path.startsWith('[BOOT]')), expected, sevenKeeps, false));
  rmSync(seven, { recursive: true, force: true });
  const b = await run('blkid', '-p', '-o', 'export', image);
  if (!new RegExp(`^LABEL=${options.volumeId}$`, 'm').test(b.text)) say('blkid', [`no label ${options.volumeId}: ${b.text.slice(0, 200)}`]);
  if (!/^TYPE=(iso9660|udf)$/m.test(b.text) && !/^PTTYPE=/m.test(b.text)) say('blkid', ['no type']);
  if (options.boot?.mbr !== undefined || options.boot?.esp !== undefined) {
    const s = await run('sgdisk', '-v', image);
    if (!s.text.includes('No problems found')) say('sgdisk', [s.text.slice(0, 300)]);
  }
  // What GRUB finds at boot: a few files of plain names, compared with what went in.
  const plain = [...withoutPatched].filter(([p, e]) => e.type === 'file' && e.hash !== undefined && /^[A-Za-z0-9_./-]+$/.test(p) && p.length < 200 && !(options.deepDirectories === 'relocate' && p.split('/').length > 7)).slice(0, 2);
  if (rr) for (const [p] of plain) {
    const local = join(work, 'local');
    mkdirSync(work, { recursive: true });
    writeFileSync(local, facts.entries.find((e) => e.path === p)?.data ?? '');
    const r = facts.entries.some((e) => e.path === p && e.data !== undefined && !patched(p)) ? await run('grub-fstest', image, 'cmp', `/${p}`, local) : { status: 0, text: '' };
    if (r.status !== 0 || r.text.trim() !== '') say('grub-fstest', [`${p}: ${r.text.slice(0, 100)}`]);
  }
  if (options.implant) {
    // checkisomd5 1.2 fails small images of its own making, so what is judged is that implantisomd5 would have written the same bytes.
    mkdirSync(work, { recursive: true });
    const copy = join(work, 'implant.iso');
    copyFileSync(image, copy);
    await run('implantisomd5', '-f', copy);
    if (!readFileSync(copy).equals(readFileSync(image))) say('implantisomd5', ['implants something else']);
    rmSync(copy);
  }
  return wrong;
}

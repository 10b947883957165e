// The matrix of ISO images before all its judges. usage: node tools/iso/matrix.mjs [--only REGEXP] [--no-kernel] [--part N/M]
import { createHash } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeName, IsoReader, openByteSource } from '@cdrec/iso9660';
import { makeImage, matrix, workDirectory } from './images.mjs';
import { compareContents, compareTrees, jolietKeeps, judge, udfKeeps } from './judges.mjs';
import { kernelSees } from './kernel.mjs';
import { largeImage } from './large.mjs';
import { expectedTree } from './trees.mjs';

const arg = (name) => { const i = process.argv.indexOf(name); return i < 0 ? undefined : process.argv[i + 1]; };
const [part, parts] = (arg('--part') ?? '1/1').split('/').map(Number);
const only = new RegExp(arg('--only') ?? '.');
const withKernel = !process.argv.includes('--no-kernel');
const specs = matrix().filter((s, i) => only.test(s.name) && i % parts === part - 1);

const started = Date.now();
const seconds = () => Math.round((Date.now() - started) / 1000);
// Images and extracted trees are small and many: memory is the place for them where there is one.
const { dir, done } = workDirectory(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
const large = workDirectory(process.env.CDREC_E2E_DIR ?? '/var/tmp');
process.on('exit', () => { done(); large.done(); });
let bad = 0;
const complain = (name, list) => {
  if (list.length === 0) return;
  bad++;
  console.error(`${name}:\n${list.slice(0, 10).map((w) => `    ${w}`).join('\n')}`);
};

/** Boot files are patched in the image; what must be seen there is what our reader reads. */
async function withPatched(image, expected, patchedPaths, namespace) {
  if (patchedPaths.size === 0) return;
  const reader = await IsoReader.open(await openByteSource(image), namespace === undefined ? {} : { namespace });
  for (const path of patchedPaths) expected.get(path).hash = createHash('sha1').update(await reader.readFile(path)).digest('hex');
  await reader.close();
}

/** Linux' isofs lists one-byte names from 0x80 on, and does not find them (namei.c compares a signed char). */
const kernelMisses = (path) => path.split('/').some((p) => p.length === 1 && p.charCodeAt(0) >= 0x80);

const facts = new Map();
const jobs = [];
const queue = [...specs];
const work = async (n) => {
  for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
    const image = join(dir, `${spec.name}.iso`);
    const made = makeImage(spec, image);
    const expected = expectedTree(made.entries, encodeName);
    const options = { ...made.options, implant: spec.combination.implant };
    if (options.rockRidge !== false || options.joliet !== false) await withPatched(image, expected, made.patchedPaths);
    const scratch = join(dir, `work${n}`);
    complain(`${spec.name} ${JSON.stringify(spec.combination)}`, await judge(image, scratch, { ...made, expected, options }));
    rmSync(scratch, { recursive: true, force: true });
    if (!withKernel) {
      rmSync(image);
      continue;
    }
    facts.set(spec.name, { expected, options });
    const add = (mode) => jobs.push({ id: `${spec.name}.${mode}`, image, mode, name: spec.name });
    add('iso');
    if (options.rockRidge !== false) add('rockridge');
    if (options.joliet !== false) add('joliet');
    if (options.udf) add('udf');
    if (options.boot?.esp !== undefined) {
      const esp = join(dir, `${spec.name}.esp`);
      writeFileSync(esp, options.boot.esp);
      jobs.push({ id: `${spec.name}.vfat`, image: esp, mode: 'vfat', name: spec.name });
    }
  }
};
await Promise.all([work(1), work(2)]);
console.log(`${specs.length} images before checker, reader, xorriso, isoinfo, isovfy, bsdtar, pycdlib, 7z, blkid, sgdisk, grub-fstest, implantisomd5: ${bad} with complaints, ${seconds()} s`);

if (withKernel) {
  if (arg('--only') === undefined) {
    const l = await largeImage(join(large.dir, 'large.iso'));
    complain('large', l.complaints);
    for (const mode of ['rockridge', 'joliet', 'udf']) jobs.push({ id: `large.${mode}`, image: l.image, mode, name: 'large', own: true });
    facts.set('large', { expected: l.expected, options: {} });
    console.log(`files of 4 GiB - 1, 4 GiB and 9 GiB in one image: ${seconds()} s`);
  }
  const seen = await kernelSees(jobs, dir, '.cache');
  for (const { id, mode, name } of jobs) {
    const entries = seen.get(id);
    const { expected, options } = facts.get(name);
    if (typeof entries === 'string' || entries === undefined) complain(id, [`kernel: ${entries}`]);
    else if (mode === 'rockridge') complain(id, compareTrees(entries, new Map([...expected].map(([p, e]) => [p, { ...e, mtime: e.mtime | 0 }])), // 32-bit times in isofs before Linux 6.9
      ['mode', 'uid', 'gid', 'mtime', 'size', 'hash', 'links', 'target', 'device'], kernelMisses).map((w) => `kernel: ${w}`));
    else if (mode === 'joliet') complain(id, compareContents(entries, expected, jolietKeeps(options.joliet === 'long' ? 103 : 64)).map((w) => `kernel, Joliet: ${w}`));
    else if (mode === 'udf') {
      const kept = new Map([...expected].filter(([p, e]) => p.split('/').every(udfKeeps) && (e.type === 'file' || e.type === 'dir')));
      const known = new Set(kept.keys());
      complain(id, [...compareContents(entries, expected, udfKeeps), ...compareTrees(entries.filter((e) => known.has(e.path)).map((e) => ({ ...e, mode: e.mode & 0o777 })), new Map([...kept].map(([p, e]) => [p, { ...e, mode: e.mode & 0o777, links: undefined }])), ['mode', 'uid', 'gid', 'mtime', 'size', 'hash'])].map((w) => `kernel, UDF: ${w}`));
    } else if (mode === 'vfat') {
      const file = entries.find((e) => e.type === 'file');
      complain(id, file?.path.toUpperCase() === 'EFI/BOOT/BOOTX64.EFI' && file.size === 20_000 ? [] : ['kernel, vfat: EFI/BOOT/BOOTX64.EFI is not there']);
    } else {
      // Plain names are mangled: contents and numbers must agree. Links, devices and placeholders of moved directories are empty files here.
      const sizes = (list) => list.filter((e) => e.type === 'file' && e.size > 0).map((e) => `${e.size} ${e.hash}`).sort().join();
      const dirs = (list) => list.filter((e) => e.type === 'dir' && !/^RR_MOVED\d*$/.test(e.path)).length;
      const want = [...expected.values()];
      const own = [...expected].filter(([p, e]) => e.type === 'dir' && /^rr_moved\d*$/i.test(p)).length;
      complain(id, [...(sizes(entries) === sizes(want) ? [] : ['kernel, plain: other contents']), ...(dirs(entries) === dirs(want) - own || dirs(entries) === dirs(want) ? [] : [`kernel, plain: ${dirs(entries)} directories, ${dirs(want)} expected`])]);
    }
  }
  console.log(`${jobs.length} mounts by the kernel: ${seconds()} s`);
}
console.log(`${specs.length} images judged, ${bad} with complaints, ${seconds()} s`);
process.exitCode = bad === 0 ? 0 : 1;

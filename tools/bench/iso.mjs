// ISO writing against xorriso, genisoimage and cat in the same run, interleaved: CPU and wall seconds, medians, ratios. From a file to a file cat (coreutils >= 9.1) does not
// copy, the kernel does (copy_file_range); dd reads and writes, as everybody who has anything to do with the bytes must.
// usage: node tools/bench/iso.mjs [tree|big|memory] [--runs N] [--dir DIR]
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.mjs';

const self = fileURLToPath(import.meta.url);
const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };

if (process.argv[2] === 'write') { // one run of our writer, in a process of its own
  const { IsoImage, writeImageFile, writeImageToFd } = await import('@cdrec/iso9660');
  const [, , , tree, out, crc, report] = process.argv;
  const iso = new IsoImage({ volumeId: 'BENCH', date: 0 });
  iso.addTree(tree);
  let files = 0;
  const options = crc === 'crc' ? { onFile: () => { files++; } } : {};
  if (out === '-') writeImageToFd(iso.plan(), 1, options);
  else writeImageFile(iso.plan(), out, options);
  writeFileSync(report, JSON.stringify({ files, rss: process.resourceUsage().maxRSS }));
  process.exit(0);
}

/** Random numbers from a seed. */
const random = (seed) => () => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed / 2 ** 32; };

/** `count` small files as on a system's /usr/share: 58 % of at most 2 KiB, 20 KiB in the mean, ten to a directory, names of any length. */
function makeTree(dir, count) {
  const r = random(42);
  const content = randomFillSync(Buffer.alloc(1 << 21));
  for (let i = 0; i < count; i++) {
    const g = Math.floor(i / 10);
    const parts = [`top-${g % 23}`, ...Array.from({ length: g % 6 }, (_, k) => `directory_${Math.floor(g / 10 ** (k + 1)) % 4}`), `d${g}`];
    const parent = join(dir, ...parts);
    if (i % 10 === 0) mkdirSync(parent, { recursive: true });
    const size = r() < 0.58 ? Math.floor(r() * 2048) : Math.floor(2048 + r() ** 4 * 230_000);
    writeFileSync(join(parent, `file-${'name'.repeat(Math.floor(r() * 9))}-${i}.${['txt', 'html', 'so', 'mo', 'png'][i % 5]}`), content.subarray(0, size));
    if (i % 26 === 0) symlinkSync(`../file-${i}`, join(parent, `link-${i}`));
  }
}

function makeBig(dir) {
  const block = randomFillSync(Buffer.alloc(1 << 24));
  for (const name of ['a', 'b', 'c']) {
    const fd = openSync(join(dir, name), 'w');
    for (let i = 0; i < 64; i++) writeSync(fd, block);
    closeSync(fd);
  }
}

function show(title, figures) {
  console.log(`\n${title}\n\n| | CPU s | wall s | CPU / xorriso | wall / xorriso | CPU / cat | CPU / dd |\n|---|---|---|---|---|---|---|`);
  const ratio = (a, b) => (a === undefined || b === undefined ? '' : (a / b).toFixed(2));
  for (const [name, f] of Object.entries(figures)) console.log(`| ${name} | ${f.cpu.toFixed(2)} | ${f.wall.toFixed(2)} | ${ratio(f.cpu, figures.xorriso?.cpu)} | ${ratio(f.wall, figures.xorriso?.wall)} | ${ratio(f.cpu, figures.cat?.cpu)} | ${ratio(f.cpu, figures.dd?.cpu)} |`);
}

const runs = Number(argument('--runs', '5'));
const dir = mkdtempSync(join(argument('--dir', '/dev/shm'), 'cdrec-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const wanted = ['tree', 'big', 'memory'].filter((w) => !['tree', 'big', 'memory'].includes(process.argv[2]) || process.argv[2] === w);
const out = join(dir, 'out.iso');
const report = join(dir, 'report.json');
const ours = (tree, to, crc) => `node ${self} write ${tree} ${to} ${crc} ${report}`;

for (const kind of wanted) {
  const tree = join(dir, kind);
  mkdirSync(tree);
  if (kind === 'big') makeBig(tree);
  else makeTree(tree, kind === 'tree' ? 20_000 : 300_000);
  if (kind === 'memory') {
    execFileSync('bash', ['-c', `${ours(tree, '-', 'crc')} > /dev/null`]);
    console.log(`\n300,000 files: peak RSS ${Math.round(JSON.parse(readFileSync(report, 'utf8')).rss / 1024)} MiB`);
  } else {
    const crc = kind === 'tree' ? 'crc' : 'nocrc';
    const cat = kind === 'tree' ? `find ${tree} -type f -print0 | xargs -0 cat` : `cat ${tree}/a ${tree}/b ${tree}/c`;
    const mib = kind === 'tree' ? 500 : 3200;
    const what = kind === 'tree' ? '20,000 small files, CRC-32 of each included in cdrec' : '3 files of 1 GiB';
    show(`${what}, to a file`, measure({
      cdrec: ours(tree, out, crc), xorriso: `xorriso -as mkisofs -quiet -R -J -o ${out} ${tree}`, genisoimage: `genisoimage -quiet -R -J -o ${out} ${tree}`, cat: `${cat} > ${out}`, ...(kind === 'big' ? { dd: `for f in ${tree}/a ${tree}/b ${tree}/c; do dd bs=128k status=none < $f; done > ${out}` } : {}),
    }, runs, out, mib));
    show(`${what}, to a pipe`, measure({
      cdrec: `${ours(tree, '-', crc)} | cat > /dev/null`, xorriso: `xorriso -as mkisofs -quiet -R -J ${tree} | cat > /dev/null`, genisoimage: `genisoimage -quiet -R -J ${tree} | cat > /dev/null`, cat: `${cat} | cat > /dev/null`,
    }, runs, out, 8));
    if (kind === 'tree') console.log(`\ncdrec, peak RSS: ${Math.round(JSON.parse(readFileSync(report, 'utf8')).rss / 1024)} MiB`);
  }
  rmSync(tree, { recursive: true });
}

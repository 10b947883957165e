// The small programs against their peers in the same run: cutstream and split -b, cdrec-sfv and cksfv. Medians and ratios; of
// cutstream also the rates once it runs, from two sizes: the start of Node (0.05 to 0.12 s) is no part of them.
// usage: node tools/bench/streams.mjs [--runs N] [--mib N] [--dir DIR]
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './measure.mjs';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const runs = Number(argument('--runs', '5'));
const mib = Number(argument('--mib', '2048'));
const dir = mkdtempSync(join(argument('--dir', '/dev/shm'), 'cdrec-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const data = join(dir, 'data');
const block = randomFillSync(Buffer.alloc(1 << 24));
function fill(size) {
  const fd = openSync(data, 'w');
  for (let i = 0; i < size / 16; i++) writeSync(fd, block);
  closeSync(fd);
}

const show = (title, figures, peer) => {
  console.log(`\n${title}\n\n| | CPU s | wall s | CPU / ${peer} | wall / ${peer} |\n|---|---|---|---|---|`);
  for (const [name, f] of Object.entries(figures)) console.log(`| ${name} | ${f.cpu.toFixed(2)} | ${f.wall.toFixed(2)} | ${(f.cpu / figures[peer].cpu).toFixed(2)} | ${(f.wall / figures[peer].wall).toFixed(2)} |`);
};
const out = join(dir, 'out');
const fresh = `mkdir ${out} && cd ${out} &&`;
for (const [title, from] of [['from a file', `< ${data}`], ['from a pipe', `< <(cat ${data})`]]) {
  const commands = {
    cutstream: `${fresh} node ${process.cwd()}/packages/cutstream/dist/bin.js 700M piece ${from}`,
    'cutstream --sfv': `${fresh} node ${process.cwd()}/packages/cutstream/dist/bin.js 700M piece --sfv sums ${from}`,
    'split -b': `${fresh} split -b 700M - piece ${from}`,
  };
  const [small, large] = [mib / 4, mib].map((size) => {
    fill(size);
    return measure(commands, runs, out, size);
  });
  show(`${mib} MiB into pieces of 700 MiB, ${title}`, large, 'split -b');
  const gib = (mib - mib / 4) / 1024;
  const slopes = Object.fromEntries(Object.keys(commands).map((k) => [k, { cpu: (large[k].cpu - small[k].cpu) / gib, wall: (large[k].wall - small[k].wall) / gib }]));
  show(`... each further GiB, ${title}`, slopes, 'split -b');
}
show(`CRC-32 of ${mib} MiB`, measure({ 'cdrec-sfv': `node packages/sfv/dist/bin.js ${data}`, cksfv: `cksfv ${data}` }, runs, out, 1), 'cksfv');

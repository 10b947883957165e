// The rescue media of cdrec and ReaR for the same sample system: size, and seconds from power-on to the prompt in the same QEMU.
// usage: node tools/bench/rear.mjs [--build-only] [--runs N] [--dir DIR] [--cache DIR] [--bundle DIR]
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bootToRescue, chooseAccelerator, Guest } from '@cdrec/rehearse';
import { median } from './measure.mjs';
import { bootToRear, makeMedia } from './rear-media.mjs';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const dir = argument('--dir', '/var/tmp/cdrec-rear');
const runs = Number(argument('--runs', '3'));
const accelerator = await chooseAccelerator();
const media = join(dir, 'media');

/** Seconds from power-on to where a person can type. */
async function boot(name, i) {
  const guest = await Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media: [{ file: join(media, `${name}.iso`), as: 'cdrom', boot: true }], log: join(dir, `${name}-${i}.log`) });
  try {
    const started = Date.now();
    if (name === 'cdrec') await bootToRescue(guest, 600);
    else await bootToRear(guest);
    return (Date.now() - started) / 1000;
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}

if (!existsSync(media) || readdirSync(media).length < 2) await makeMedia({ dir, cache: argument('--cache', '.cache'), bundle: argument('--bundle', 'apps/cdrec/dist/bundle'), accelerator, backup: false });
if (!process.argv.includes('--build-only')) {
  const seconds = { cdrec: [], rear: [] };
  for (let i = 0; i < runs; i++) for (const name of i % 2 === 0 ? ['cdrec', 'rear'] : ['rear', 'cdrec']) seconds[name].push(await boot(name, i));
  const size = Object.fromEntries(['cdrec', 'rear'].map((n) => [n, statSync(join(media, `${n}.iso`)).size / 2 ** 20]));
  console.log('| | image MiB | power-on to prompt, s |\n|---|---|---|');
  for (const n of ['cdrec', 'rear']) console.log(`| ${n} | ${size[n].toFixed(0)} | ${median(seconds[n]).toFixed(1)} (${seconds[n].map((s) => s.toFixed(1)).join(', ')}) |`);
  console.log(`| cdrec / rear | ${(size.cdrec / size.rear).toFixed(2)} | ${(median(seconds.cdrec) / median(seconds.rear)).toFixed(2)} |`);
}

// The whole recovery by cdrec and by ReaR of the same machine in the same QEMU: from power-on of the medium, which holds the backup, over the
// command, typed as soon as there is a prompt, to its end; onto a blank disk like the old one, which must boot afterwards. By turns.
// usage: node tools/bench/recover.mjs [--runs N] [--dir DIR] [--cache DIR] [--bundle DIR]
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { bootToLogin, bootToRescue, chooseAccelerator, Guest, powerOff } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { median } from './measure.mjs';
import { bootToRear, makeMedia } from './rear-media.mjs';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const dir = argument('--dir', '/var/tmp/cdrec-recover');
const runs = Number(argument('--runs', '3'));
const accelerator = await chooseAccelerator();
const media = join(dir, 'media');
const disk = join(dir, 'disk.img');
const guest = (name, media) => Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media, log: join(dir, `${name}.log`) });

/** Seconds to the prompt and to the end of the recovery. */
async function recover(name, i) {
  rmSync(disk, { force: true });
  await execa('truncate', ['-s', '2G', disk]);
  const times = await use(guest(`${name}-${i}`, [{ file: join(media, `${name}.iso`), as: 'cdrom', boot: true }, { file: disk, as: 'virtio', serial: 'SAMPLE' }]), async (rescue) => {
    const started = Date.now();
    if (name === 'cdrec') await bootToRescue(rescue, 600);
    else {
      await bootToRear(rescue);
      rescue.send('root\n');
      await rescue.expect(/RESCUE [^\n]*# /, 120);
    }
    const prompt = (Date.now() - started) / 1000;
    const { status, output } = await rescue.run(name === 'cdrec' ? 'TERM=dumb start-restore --yes' : 'TERM=dumb rear recover', 3000);
    if (status !== 0) throw new Error(`${name}: status ${status}\n${output.slice(-3000)}`);
    const end = (Date.now() - started) / 1000;
    await rescue.must('sync', 120);
    return { prompt, end };
  });
  await use(guest(`${name}-${i}-boot`, [{ file: disk, as: 'virtio', boot: true }]), async (restored) => {
    await bootToLogin(restored);
    await powerOff(restored);
  });
  rmSync(disk);
  console.log(`${name} ${i + 1}: prompt ${times.prompt.toFixed(1)} s, restored ${times.end.toFixed(1)} s, boots`);
  return times;
}

if (!existsSync(media) || readdirSync(media).length < 2) await makeMedia({ dir, cache: argument('--cache', '.cache'), bundle: argument('--bundle', 'apps/cdrec/dist/bundle'), accelerator, backup: true });
const got = { cdrec: [], rear: [] };
for (let i = 0; i < runs; i++) for (const name of i % 2 === 0 ? ['cdrec', 'rear'] : ['rear', 'cdrec']) got[name].push(await recover(name, i));
const of = (name, what) => median(got[name].map((t) => t[what]));
console.log(`medians of ${runs}, ${accelerator}\n| | image MiB | power-on to prompt, s | power-on to restored, s |\n|---|---|---|---|`);
for (const n of ['cdrec', 'rear']) console.log(`| ${n} | ${(statSync(join(media, `${n}.iso`)).size / 2 ** 20).toFixed(0)} | ${of(n, 'prompt').toFixed(1)} | ${of(n, 'end').toFixed(1)} (${got[n].map((t) => t.end.toFixed(1)).join(', ')}) |`);
console.log(`| cdrec / rear | | ${(of('cdrec', 'prompt') / of('rear', 'prompt')).toFixed(2)} | **${(of('cdrec', 'end') / of('rear', 'end')).toFixed(2)}** |`);
rmSync(dir, { recursive: true, force: true });

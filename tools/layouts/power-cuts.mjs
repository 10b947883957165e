// The power goes at random points of a restore (QEMU is killed), the rescue system is started again and the same command given: it goes on
// where it was, and what comes out is what a restore without a cut gives, file for file.
// usage: node tools/layouts/power-cuts.mjs [CUTS] [SEED]      (CUTS: default 3; 20 for the whole matrix)
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { bootToRescue, chooseAccelerator, compareTrees, Guest, mountedImage, powerOff, removeWork, SAMPLES } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';

const cuts = Number(process.argv[2] ?? 3);
let state = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`${cuts} cuts, seed ${state}`);
/** A number from 0 to 1 (a linear congruential generator: the cuts of a run can be had again). */
const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
const work = process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e';
const dir = join(work, 'power-cuts');
await removeWork(dir);
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const sample = 'bios-logical';
const set = join(work, sample, 'set');
if (!existsSync(set)) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', sample, '--volume-size', 'cd', '--dir', join(work, sample), '--cache', '.cache'], { stdio: ['ignore', 'inherit', 'inherit'] });
const [first, ...others] = readdirSync(set).filter((n) => n.endsWith('.iso')).sort().map((n) => join(set, n));
const accelerator = await chooseAccelerator();
const bytes = SAMPLES[sample].bytes + 64 * 2 ** 20;
const media = (disk) => [{ file: first, as: 'cdrom', boot: true }, ...others.map((file) => ({ file, as: 'virtio', readonly: true })), { file: disk, as: 'virtio', serial: 'CUTS' }];
const start = (disk, log) => Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media: media(disk), log: path(log) });
const disks = others.length === 0 ? '/dev/vda' : `/dev/vd${'abcdefgh'.charAt(others.length)}`;
// The archives are sound: the cuts fall into the writing.
const command = `TERM=dumb start-restore --disk ${disks} --yes --skip-verify`;

/** A restore to its end; the seconds it took and what it said. */
async function restore(disk, log) {
  return use(start(disk, log), async (guest) => {
    await bootToRescue(guest);
    const started = Date.now();
    const { status, output } = await guest.run(command, 1500);
    const seconds = (Date.now() - started) / 1000;
    if (status !== 0) throw new Error(`start-restore: status ${status}\n${output.slice(-3000)}`);
    await powerOff(guest);
    return { seconds, output };
  });
}

async function blank(name) {
  rmSync(path(name), { force: true });
  await execa('truncate', ['-s', String(bytes), path(name)]);
  return path(name);
}

/** Differences of two restored disks, file by file. */
async function differences(left, right) {
  const parts = SAMPLES[sample].partitions.filter((p) => p.mount !== '').map((p) => ({ number: p.number, type: p.type, mount: p.mount }));
  return mountedImage(left, parts, path('a'), () => mountedImage(right, parts, path('b'), () => compareTrees(path('a'), path('b'), { oneFileSystem: false, without: [] })));
}

const whole = await blank('whole.img');
const { seconds } = await restore(whole, 'whole.log');
console.log(`without a cut: ${Math.round(seconds)} s`);
let resumed = 0;
for (let n = 1; n <= cuts; n++) {
  const disk = await blank('cut.img');
  // The last one falls behind the unpacking of the root: there the target's journal has something to say.
  const at = (n === cuts ? 0.88 + 0.1 * random() : random()) * seconds;
  await use(start(disk, `cut-${n}.log`), async (guest) => {
    await bootToRescue(guest);
    guest.send(`${command}\n`);
    await sleep(at * 1000);
    // Leaving this block kills QEMU: what the guest had not yet written is lost (the image is written through by the host's cache).
  });
  const { output } = await restore(disk, `after-${n}.log`);
  const found = /going on there \((\d+) of (\d+)/.exec(output);
  if (found !== null) resumed++;
  const { entries, differences: list } = await differences(whole, disk);
  console.log(`cut ${n} after ${at.toFixed(1)} s: ${found === null ? 'began anew' : `went on after ${found[1]} of ${found[2]} steps`}; ${entries} files, ${list.length} differences`);
  if (entries < 10_000 || list.length > 0) throw new Error(list.slice(0, 20).join('\n'));
}
console.log(`${cuts} cuts, ${resumed} restores went on by the journal of the target`);
rmSync(dir, { recursive: true, force: true });

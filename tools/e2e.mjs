// End-to-end cases in QEMU, one by name. Each uses the installed CLI as a person would.
import { execa } from 'execa';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootToRescue, chooseAccelerator, Guest, powerOff } from '@cdrec/rehearse';

const work = process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e';
const cache = '.cache';

async function demo(sample, volumeSize, check) {
  const dir = join(work, sample);
  rmSync(dir, { recursive: true, force: true });
  await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', sample, '--inside', '--volume-size', volumeSize, '--dir', dir, '--cache', cache], { stdio: ['ignore', 'inherit', 'inherit'] });
  const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'));
  if (report.comparison.differences.length !== 0 || report.comparison.entries < 1000) throw new Error(`comparison of ${sample}: ${JSON.stringify(report.comparison).slice(0, 2000)}`);
  check(report);
  return report;
}

/** Volume 1 of a set: from an earlier case, else from the demo's quick road. */
async function anySet() {
  const set = join(work, 'bios-ext4', 'set');
  const find = () => (existsSync(set) ? readdirSync(set).find((n) => n.endsWith('_1.iso')) : undefined);
  if (find() === undefined) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--dir', join(work, 'bios-ext4'), '--cache', cache], { stdio: ['ignore', 'inherit', 'inherit'] });
  return join(set, find());
}

const cases = {
  /** BIOS, MBR, one ext4; cdrec build runs inside the booted sample; at least three volumes. */
  'bios-ext4': () => demo('bios-ext4', '110M', (report) => {
    if (report.volumes.length < 3) throw new Error(`only ${report.volumes.length} volumes`);
  }),
  /** UEFI, GPT, ESP + /boot + xfs root + swap. */
  'uefi-xfs': () => demo('uefi-xfs', 'dvd', (report) => {
    if (report.volumes.length !== 1) throw new Error(`${report.volumes.length} volumes`);
  }),
  /** The same ISO as CD and as USB stick, by BIOS and by UEFI, in 1 GiB. */
  'four-boots': async () => {
    const file = await anySet();
    const accelerator = await chooseAccelerator();
    const dir = join(work, 'boots');
    mkdirSync(dir, { recursive: true });
    for (const firmware of ['bios', 'uefi']) {
      for (const as of ['cdrom', 'usb']) {
        const name = `${firmware}-${as}`;
        const started = Date.now();
        rmSync(join(dir, `${name}.vars`), { force: true });
        const guest = await Guest.start({ accelerator, firmware, memoryMiB: 1024, media: [{ file, as, boot: true, readonly: true }], log: join(dir, `${name}.log`), variables: join(dir, `${name}.vars`) });
        try {
          await bootToRescue(guest, 300);
          const node = (await guest.must('node --version', 60)).trim();
          const cdrec = (await guest.must('cdrec --version', 60)).trim();
          const memory = (await guest.must("sed -n 's/^MemAvailable: *//p' /proc/meminfo", 30)).trim();
          if (!/^v\d+\./m.test(node) || !/^\d+\.\d+\.\d+$/m.test(cdrec)) throw new Error(`${name}: node "${node}", cdrec "${cdrec}"`);
          await powerOff(guest);
          console.log(`${name}: node ${node}, cdrec ${cdrec}, ${memory} available, ${Math.round((Date.now() - started) / 1000)} s`);
        } finally {
          await guest[Symbol.asyncDispose]();
        }
      }
    }
  },
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases);
let failed = 0;
for (const name of names) {
  if (cases[name] === undefined) {
    console.error(`no case "${name}"; there are ${Object.keys(cases).join(', ')}`);
    process.exit(2);
  }
  const started = Date.now();
  console.log(`== ${name}`);
  try {
    await cases[name]();
    console.log(`== ${name}: passed in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (error) {
    failed++;
    console.error(`== ${name}: FAILED: ${error.message}`);
  }
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

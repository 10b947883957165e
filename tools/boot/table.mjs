// Boots the rescue media of a sample system on every road, and writes the table of docs/boot.md.
// usage: node tools/boot/table.mjs [--write] [--rotate N] [NAME...]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildMedia } from './media.mjs';
import { CASES, served, VARIANTS } from './cases.mjs';
import { bootCase } from './run.mjs';

const DOC = 'docs/boot.md';
const args = process.argv.slice(2);
const write = args.includes('--write');
const rotate = args.includes('--rotate') ? Number(args[args.indexOf('--rotate') + 1]) : undefined;
const names = args.filter((a, i) => !a.startsWith('--') && args[i - 1] !== '--rotate');
const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'boot-table');

/** A part of all cases: those that matter most, and others by turns of the day. */
function turn(count) {
  const always = ['default-bios-cdrom', 'default-secure-boot-usb', 'kernel-changed'];
  const others = CASES.filter((c) => !always.includes(c.name) && c.name !== 'iso-file-moved');
  const day = Math.floor(Date.now() / 86_400_000);
  return [...always, ...Array.from({ length: count }, (_, i) => others[(day * count + i) % others.length].name)];
}

const chosen = names.length > 0 ? names : rotate === undefined ? CASES.map((c) => c.name) : turn(rotate);
const cases = CASES.filter((c) => chosen.includes(c.name));
const unknown = chosen.filter((n) => !CASES.some((c) => c.name === n));
if (unknown.length > 0) {
  console.error(`no case ${unknown.join(', ')}; there are ${CASES.map((c) => c.name).join(', ')}`);
  process.exit(2);
}
const commit = write ? execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim() : '';
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
process.on('exit', () => { rmSync(join(dir, 'media'), { recursive: true, force: true }); });
const built = await buildMedia(dir, '.cache', Object.fromEntries(Object.entries(VARIANTS).filter(([n]) => cases.some((c) => c.variant === n))));
const media = {};
for (const [name, b] of Object.entries(built)) {
  if ((b.status !== 0) !== (VARIANTS[name].fails === true)) throw new Error(`building ${name} ended with status ${b.status}:\n${b.said}`);
  media[name] = name === 'pxe' ? dirname(dirname(b.files.find((f) => f.endsWith('/boot/vmlinuz')))) : b.files[0];
}

/** Carries one case out; the row of the table. */
async function runCase(c) {
  if (c.build !== undefined) {
    const match = c.build.exec(built[c.variant].said);
    if (match === null) throw new Error(`the build said something else:\n${built[c.variant].said}`);
    return { said: `refused by cdrec build: "${match[1]}"` };
  }
  const { never, serve, ...how } = await c.make(media, dir);
  const o = { name: c.name, firmware: c.firmware, ...how };
  const result = serve === undefined ? await bootCase(join(dir, 'logs'), o) : await served(serve, (port) => bootCase(join(dir, 'logs'), { ...o, network: how.network(port) }));
  if (never?.test(result.said ?? '') === true) throw new Error('it booted, and must not');
  return { ...result, memoryMiB: how.memoryMiB ?? 512 };
}

let failed = 0;
const rows = [];
for (const c of cases) {
  try {
    const r = await runCase(c);
    rows.push({ c, r });
    console.log(`ok  ${c.name}: ${r.seconds === undefined ? '' : `${r.seconds} s`}${r.freeMiB === undefined ? '' : `, ${r.freeMiB} MiB free`}${r.said === undefined ? '' : ` ${r.said}`}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${c.name}: ${error.message}`);
  }
}
console.log(`${cases.length} cases, ${failed} failures`);
if (write) {
  // Results of earlier runs stay until the case is run again; every row knows its day and commit.
  const file = 'docs/boot-results.json';
  const results = JSON.parse(readFileSync(file, 'utf8'));
  const date = new Date().toISOString().slice(0, 10);
  for (const { c, r } of rows) results[c.name] = { ...(r.memoryMiB === undefined ? {} : { memoryMiB: r.memoryMiB }), ...(r.seconds === undefined ? {} : { seconds: r.seconds }), ...(r.freeMiB === undefined ? {} : { freeMiB: r.freeMiB }), ...(r.said === undefined ? {} : { said: r.said }), date, commit };
  const known = Object.fromEntries(CASES.filter((c) => results[c.name] !== undefined).map((c) => [c.name, results[c.name]]));
  writeFileSync(file, JSON.stringify(known, null, 1) + '\n');
  const all = CASES.filter((c) => known[c.name] !== undefined).map((c) => ({ c, r: known[c.name] }));
  const missing = CASES.filter((c) => known[c.name] === undefined).map((c) => c.name);
  const good = all.filter(({ c }) => c.fails !== true).map(({ c, r }) => `| ${c.road} | ${c.firmwareText} | ${c.medium} | ${r.memoryMiB} | ${r.seconds} | ${r.freeMiB ?? ''} | ${r.commit} |`);
  const bad = all.filter(({ c }) => c.fails === true).map(({ c, r }) => `| ${c.road} | ${c.firmwareText} | ${c.medium} | ${r.said.replaceAll('|', '\\|').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'ID')} |`);
  const days = [...new Set(all.map(({ r }) => r.date))].sort();
  const table = `${days.join(', ')}; QEMU with TCG, two cores. The memory test has no prompt: there, the seconds are those to its screen.${missing.length > 0 ? ` Not run yet: ${missing.join(', ')}.` : ''}

| road | firmware | medium | guest's MiB | seconds to the prompt | MiB free | commit |
|---|---|---|---|---|---|---|
${good.join('\n')}

What must fail, and what the person sees:

| road | firmware | medium | message |
|---|---|---|---|
${bad.join('\n')}
`;
  const text = readFileSync(DOC, 'utf8');
  const [begin, end] = ['<!-- table begin -->', '<!-- table end -->'];
  writeFileSync(DOC, text.slice(0, text.indexOf(begin) + begin.length) + '\n' + table + text.slice(text.indexOf(end)));
}
process.exitCode = failed === 0 ? 0 : 1;

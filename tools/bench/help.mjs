// How long one waits for help: every page by the packed program, beside Node's own start and the same page through commander.
// usage: node tools/bench/help.mjs [RUNS]      (after a build; the first round warms up)
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { median } from './measure.mjs';

const runs = Number(process.argv[2] ?? 21);
const bundle = 'apps/cdrec/dist/bundle';
const pages = readdirSync(`${bundle}/help`).map((name) => name.slice(0, -4).split('_').slice(1));
const seconds = (program, args) => {
  const started = performance.now();
  execFileSync(program, args, { stdio: 'ignore' });
  return (performance.now() - started) / 1000;
};
const all = { 'node -e 0': [['node', ['-e', '0']]], 'cdrec COMMAND --help': pages.map((p) => [`${bundle}/cdrec`, [...p, '--help']]), 'node cdrec.mjs COMMAND --help': pages.map((p) => ['node', [`${bundle}/cdrec.mjs`, ...p, '--help']]), 'the same by commander': [['node', [`${bundle}/cdrec.mjs`, '--debug', 'build', '--help']]] };
const got = Object.fromEntries(Object.keys(all).map((k) => [k, all[k].map(() => [])]));
for (let i = 0; i <= runs; i++) for (const [name, commands] of Object.entries(all)) for (const [j, [program, args]] of commands.entries()) {
  const s = seconds(program, args);
  if (i > 0) got[name][j].push(s);
}
for (const [name, lists] of Object.entries(got)) {
  const medians = lists.map(median);
  console.log(`${name}: median ${median(medians).toFixed(3)} s${lists.length > 1 ? `, the slowest of ${lists.length} pages ${Math.max(...medians).toFixed(3)} s, the slowest single run ${Math.max(...lists.flat()).toFixed(3)} s` : ''}`);
}

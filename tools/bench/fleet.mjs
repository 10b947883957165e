// 1,000 machines in one repository: how long `cdrec fleet status` takes, and how much memory. Each machine has a small tree, its document, a rehearsal
// and a report of its drift: 4,000 snapshots.
// usage: node tools/bench/fleet.mjs [--hosts N] [--runs N] [--dir DIRECTORY]
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { ResticEngine } from '@cdrec/engine';
import { addCheapKey } from './restic-key.mjs';

const argument = (name, byDefault) => { const i = process.argv.indexOf(name); return i < 0 ? byDefault : process.argv[i + 1]; };
const hosts = Number(argument('--hosts', '1000'));
const runs = Number(argument('--runs', '5'));
const dir = mkdtempSync(join(argument('--dir', '/dev/shm'), 'cdrec-fleet-'));
const path = `${resolve('.cache/bin')}:${process.env.PATH}`;
const caches = [];
try {
  const access = { location: join(dir, 'repository'), password: 'x', environment: {} };
  const made = () => new ResticEngine({ access: { ...access, password: 'cheap' }, path, patience: 60_000, cache: join(dir, 'cache') });
  await new ResticEngine({ access, path, patience: 60_000 }).initialize();
  // The machines are made with a key that opens at once; what is measured has restic's own.
  const key = join(access.location, 'keys', readdirSync(join(access.location, 'keys'))[0]);
  const cheap = await addCheapKey(access.location, 'cheap', { RESTIC_REPOSITORY: access.location, RESTIC_PASSWORD: 'x', PATH: path });
  renameSync(key, join(dir, 'key'));
  mkdirSync(join(dir, 'tree'));
  const started = Date.now();
  let next = 0;
  // One engine a host: it looks for the host's last snapshot once, and a thousand others would make that slow.
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (next < hosts) {
      const n = next++;
      const facts = { setId: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, label: 'CDrec-2026.11.28', host: `host-${String(n).padStart(4, '0')}` };
      const tree = join(dir, `tree/${n}`);
      mkdirSync(tree);
      writeFileSync(join(tree, 'hostname'), facts.host);
      const env = { RESTIC_REPOSITORY: access.location, RESTIC_PASSWORD: 'cheap', PATH: path };
      await execa('restic', ['backup', '--quiet', '--force', '--cache-dir', join(dir, 'cache'), '--host', facts.host, '--tag', 'cdrec', '--tag', `set=${facts.setId}`, '--tag', 'type=tree', '--tag', 'mount=/', tree], { env });
      await made().saveDocument({ ...facts, macs: ['52:54:00:00:00:01'] }, JSON.stringify({ format: 1, host: facts.host }));
      await made().saveFact({ ...facts, kind: 'rehearsal', value: n % 9 === 0 ? 'FAIL' : 'PASS' });
      await made().saveFact({ ...facts, kind: 'status', value: String(n % 4) });
    }
  }));
  console.log(`${hosts} machines made in ${Math.round((Date.now() - started) / 1000)} s`);
  rmSync(cheap);
  renameSync(join(dir, 'key'), key);
  writeFileSync(join(dir, 'password'), 'x\n', { mode: 0o600 });
  // The cache of who runs the bench: without one, and then with it.
  const { stdout: about } = await execa('restic', ['cat', 'config'], { env: { RESTIC_REPOSITORY: access.location, RESTIC_PASSWORD: 'x', PATH: path } });
  caches.push(join(process.getuid() === 0 ? '/var/cache/cdrec/restic' : join(homedir(), '.cache/cdrec/restic'), JSON.parse(about).id));
  const seconds = [];
  let peak = 0;
  for (let i = 0; i < runs; i++) {
    // The kernel counts the largest of the process and its children: restic is one of them.
    const { stdout, stderr } = await execa('bash', ['-c', `TIMEFORMAT=%R; time node -e '
      const { spawnSync } = require("node:child_process");
      const r = spawnSync(process.execPath, ["--no-warnings", "apps/cdrec/dist/bundle/cdrec.mjs", "fleet", "status", "--json", "--repository", process.argv[1], "--password-file", process.argv[2]], { encoding: "utf8", maxBuffer: 1 << 28 });
      console.log(JSON.parse(r.stdout).length, r.status);' ${access.location} ${join(dir, 'password')}`], { env: { PATH: path } });
    if (!stdout.startsWith(`${hosts} `)) throw new Error(`not ${hosts} rows: ${stdout} ${stderr}`);
    seconds.push(Number(stderr.trim().split('\n').at(-1)));
    // time(1) is not everywhere: the same again, watched by its children's high-water marks.
    if (i === 0) peak = await watched(access.location);
  }
  const first = seconds.shift();
  console.log(`fleet status of ${hosts} machines: median ${seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)]} s (${seconds.join(', ')}; the first time, without a cache, ${first}), ${Math.round(peak / 1024)} MiB at most in all its processes together`);
} finally {
  for (const place of [dir, ...caches]) rmSync(place, { recursive: true, force: true });
}

/** Sum of the high-water marks (VmHWM, KiB) of the program and the largest restic. */
async function watched(location) {
  const child = execa('node', ['--no-warnings', 'apps/cdrec/dist/bundle/cdrec.mjs', 'fleet', 'status', '--json', '--repository', location, '--password-file', join(dir, 'password')], { env: { PATH: path }, reject: false });
  const marks = new Map();
  const look = (pid) => {
    try {
      // A process that ends has no mark any more.
      marks.set(pid, Math.max(marks.get(pid) ?? 0, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)));
      for (const c of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)) look(Number(c));
    } catch { /* it has ended */ }
  };
  const timer = setInterval(() => look(child.pid), 10);
  await child;
  clearInterval(timer);
  // restic runs twice, one after the other: the largest one counts.
  const [own, ...others] = [marks.get(child.pid) ?? 0, ...[...marks].filter(([pid]) => pid !== child.pid).map(([, kib]) => kib)];
  return own + Math.max(0, ...others);
}

// Sessions on a terminal, recorded from the real program: docs/sessions/*.txt and *.svg. First run and build in a sample machine, then its
// restore onto a blank disk. Root; about two minutes.
// usage: node tools/sessions.mjs
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, makeBaseSystem, makeSampleDisk, removeWork, withMounts } from '@cdrec/rehearse';
import { use } from './devices/targets.mjs';

const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'sessions');
const bundle = 'apps/cdrec/dist/bundle';
const COLUMNS = 100;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';

/** Runs a command on a terminal, types the answers, returns what stood on the screen. */
async function record(command, answers) {
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', `stty cols ${COLUMNS} rows 40; ${command}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, TERM: 'xterm' } });
  let said = '';
  let at = 0;
  const left = [...answers];
  child.stdout.on('data', (chunk) => {
    said += chunk.toString();
    while (left.length > 0) {
      const match = left[0][0].exec(said.slice(at));
      if (match === null) return;
      at += match.index + match[0].length;
      const [, answer] = left.shift();
      setTimeout(() => child.stdin.write(`${answer}\n`), 300);
    }
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (left.length > 0 || (status !== 0 && status !== 3)) throw new Error(`status ${status}, not asked: ${left.map(String)}\n${said}`);
  return said;
}

/** What a terminal shows in the end of each line: what was overwritten is gone, and so are the escapes. */
function screen(raw) {
  const lines = raw.replaceAll('\r\n', '\n').split('\n').map((line) => {
    const shown = line.split(/\r|\x1b\[K/).filter((part) => part.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '') !== '').at(-1) ?? '';
    return shown.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x08\x0b-\x1f]/g, '');
  });
  return lines.join('\n').replace(/\n{3,}/g, '\n\n').trim().split('\n');
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
function svg(title, lines) {
  const width = COLUMNS * 8.4 + 32;
  const height = lines.length * 18 + 60;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">
<title>${escape(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#14181d"/><text x="16" y="26" fill="#9aa7b4" font-weight="bold">${escape(title)}</text>
${lines.map((l, i) => `<text x="16" y="${i * 18 + 54}" fill="${/^\s*(PASS|RESTORED)/.test(l) ? '#7fd18b' : /^\s*(WARN|FAIL)|warning|WILL BE LOST/.test(l) ? '#e8c06a' : '#e6ebf0'}" xml:space="preserve">${escape(l)}</text>`).join('\n')}
</svg>
`;
}
function keep(name, title, command, raw, machine) {
  // Devices of this machine's loops are what a disk of that machine is called.
  const lines = [`# ${command}`, ...screen(raw.replaceAll(machine, '/dev/vda'))].flatMap((l) => (l.length <= COLUMNS ? [l] : l.match(new RegExp(`.{1,${COLUMNS}}`, 'g'))));
  writeFileSync(`docs/sessions/${name}.txt`, `${lines.join('\n')}\n`);
  writeFileSync(`docs/sessions/${name}.svg`, svg(title, lines));
  console.log(`docs/sessions/${name}.svg: ${lines.length} lines`);
}

await removeWork(dir);
mkdirSync(join(dir, 'out'), { recursive: true });
mkdirSync('docs/sessions', { recursive: true });
const image = join(dir, 'machine.img');
await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image, work: dir, node: process.execPath, bundle });
await use(attachImage(image), async (loop) => {
  const root = join(dir, 'root');
  await withMounts([['-t', 'ext4', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ['--bind', join(dir, 'out'), join(root, 'mnt')]], async () => {
    mkdirSync(join(root, 'etc/cdrec'), { recursive: true });
    writeFileSync(join(root, 'etc/cdrec/cdrec.toml'), `[rescue]\nkernel = "${readdirSync(join(root, 'lib/modules')).at(-1)}"\n[output]\nvolume_size = "110M"\n[backup]\nexclude_mounts = ["/mnt"]\n`);
    const inside = `env -i PATH=${PATH} TERM=xterm chroot ${root} cdrec`;
    const first = await record(inside, [[/Your choice \(1-5\): /, '3'], [/Directory for the volumes[^:]*: /, '/mnt'], [/Begin\? \(y\/n\): /, 'y']]);
    keep('first-run', 'The first run: cdrec, alone, on a terminal', 'cdrec', first, loop.device);
    const build = await record(`${inside} build --mode iso --out /mnt --label CDrec-again --dry-run`, []);
    keep('dry-run', 'What would be saved: cdrec build --dry-run', 'cdrec build --mode iso --dry-run', build, loop.device);
  });
});
rmSync(image);
const volumes = readdirSync(join(dir, 'out')).filter((n) => n.endsWith('.iso')).map((n) => join(dir, 'out', n));
await execa('truncate', ['-s', '3G', join(dir, 'disk.img')]);
await use(attachImage(join(dir, 'disk.img')), async (disk) => {
  const command = `${process.execPath} --no-warnings ${bundle}/cdrec.mjs restore ${volumes.join(' ')} --disk ${disk.device} --grow --check --journal ${join(dir, 'journal')} --work ${join(dir, 'work')}`;
  const restored = await record(command, [[/type the name of the disk[^:]*: /, disk.device]]);
  keep('restore', 'A restore onto a larger disk: start-restore --grow --check', 'start-restore --grow --check', restored.replaceAll(`${join(dir, 'out')}/`, ''), disk.device);
});
await removeWork(dir);
rmSync(dir, { recursive: true, force: true });

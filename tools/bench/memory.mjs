// Peak memory of `cdrec build --mode iso` by the number of files: the sample's own rescue system, and a file system of N small files.
// usage: node tools/bench/memory.mjs [--files N,N...] [--dir DIR] [--cache DIR]
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { attachImage, makeBaseSystem, makeSampleDisk, withMounts } from '@cdrec/rehearse';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const dir = mkdtempSync(join(argument('--dir', '/var/tmp'), 'cdrec-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const path = (name) => join(dir, name);

/** Peak resident memory of a program in KiB (proc(5), VmHWM), looked at until it ends. */
async function peak(program, args, env) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (d) => { said += d; });
  let kib = 0;
  const timer = setInterval(() => {
    try {
      kib = Math.max(kib, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch { /* it has ended */ }
  }, 20);
  const [status] = await once(child, 'exit');
  clearInterval(timer);
  if (status !== 0) throw new Error(`${program}: status ${status}\n${said}`);
  return kib;
}

await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(argument('--cache', '.cache')), image: path('machine.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
execFileSync('bash', ['-ec', 'truncate -s 4G "$0" && mkfs.ext4 -q -F -N 700000 "$0"', path('data.img')]);
const loop = await attachImage(path('machine.img'));
const data = await attachImage(path('data.img'));
const root = path('root');
for (const d of ['root', 'out']) mkdirSync(path(d));
try {
  await withMounts([['-t', 'ext4', '-o', 'noatime', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)])], async () => {
    for (const d of ['out', 'data']) mkdirSync(join(root, d));
    await withMounts([['--bind', path('out'), join(root, 'out')], ['-o', 'noatime', data.device, join(root, 'data')]], async () => {
      writeFileSync(join(root, 'etc/bench.toml'), '[backup]\nonly_mounts = ["/data"]\nexclude_mounts = ["/out"]\n');
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
      console.log('| files | peak MiB |\n|---|---|');
      let made = 0;
      for (const files of argument('--files', '0,100000,300000').split(',').map(Number)) {
        for (; made < files; made++) {
          const d = join(root, 'data', `directory-${Math.floor(made / 1000)}`);
          if (made % 1000 === 0) mkdirSync(d);
          writeFileSync(join(d, `a-file-with-a-usual-name-${made}.txt`), `${made}\n`);
        }
        const kib = await peak('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--config', '/etc/bench.toml', '--kernel', kernel, '--out', '/out', '--overwrite'], { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', LANG: 'C' });
        console.log(`| ${files} | ${(kib / 1024).toFixed(0)} |`);
      }
    });
  });
} finally {
  await loop[Symbol.asyncDispose]();
  await data[Symbol.asyncDispose]();
}

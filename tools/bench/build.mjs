// The wall time of `cdrec build --mode iso` against GNU tar with the same compressor into a file on the same disk (by itself, one
// thread; and with as many as cdrec gives it), and against ReaR's mkbackup into its ISO: the sample system, and a mixed tree. By
// turns, medians and ratios.
// usage: node tools/bench/build.mjs [--runs N] [--mib N] [--dir DIR] [--cache DIR] [--rear] [--only sample|tree] [--compress zstd|gzip|xz]
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachImage, makeBaseSystem, makeSampleDisk, withMounts } from '@cdrec/rehearse';
import { median } from './measure.mjs';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const runs = Number(argument('--runs', '5'));
const mib = Number(argument('--mib', '4096'));
const withRear = process.argv.includes('--rear');
const compress = argument('--compress', 'zstd');
// cdrec's levels and threads; of gzip it takes pigz where that is installed, which the sample does not have.
const filter = { zstd: 'zstd -q -3 -T0', gzip: 'gzip -6', xz: 'xz -q -6 -T0' }[compress];
const dir = mkdtempSync(join(argument('--dir', '/var/tmp'), 'cdrec-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const path = (name) => join(dir, name);
const sh = (command, ...args) => execFileSync('bash', ['-ec', command, 'bench', ...args], { encoding: 'utf8' });

/** A quarter noise, a quarter logs, the rest copies of the sample's own /usr: about what a server holds. */
function plantTree(root, tree) {
  const noise = randomFillSync(Buffer.alloc(64 << 20));
  const quarter = (mib / 4) * 2 ** 20;
  mkdirSync(join(tree, 'noise'));
  for (let n = 0, i = 0; n < quarter; i++) {
    const size = i % 8 === 0 ? 64 << 20 : 40_000 * (1 + (i % 60));
    writeFileSync(join(tree, 'noise', String(i)), noise.subarray(0, size));
    n += size;
  }
  mkdirSync(join(tree, 'logs'));
  for (let n = 0, i = 0; n < quarter; i++) {
    const lines = Array.from({ length: 100_000 }, (_, k) => `2026-11-${String(1 + (k % 28)).padStart(2, '0')}T10:${String(k % 60).padStart(2, '0')}:00 host${i} daemon[${(k * 7919) % 65536}]: request ${((k * 2654435761) % 4294967296).toString(16)} done in ${(k * 31) % 977} ms\n`).join('');
    writeFileSync(join(tree, 'logs', String(i)), lines);
    n += lines.length;
  }
  for (let n = 0, i = 0; n < quarter * 2; i++) {
    sh('cp -a "$1" "$2"', join(root, 'usr'), join(tree, `usr${i}`));
    n += Number(sh('du -sb "$1"', join(tree, `usr${i}`)).split('\t')[0]);
  }
}

/** One timed run in the machine; what it wrote is removed before. */
function time(root, command) {
  sh('rm -rf "$1"/out/* "$1"/var/tmp/* && sync', root);
  const started = process.hrtime.bigint();
  try {
    execFileSync('chroot', [root, 'bash', '-c', command], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', LANG: 'C' } });
  } catch (error) {
    throw new Error(`${command}: status ${error.status}\n${error.stdout}\n${error.stderr}`);
  }
  return Number(process.hrtime.bigint() - started) / 1e9;
}
const written = (root) => sh('du -sm "$1"', join(root, 'out')).split('\t')[0];

const TAR = 'tar --create --format=posix --numeric-owner --sparse --acls --selinux --xattrs --xattrs-include="*" --one-file-system --blocking-factor=128';
await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(argument('--cache', '.cache'), withRear ? ['rear', 'xorriso', 'isolinux', 'syslinux', 'ethtool', 'file', 'gawk', 'openssl', 'iputils-ping', 'bc', 'attr', 'kbd', 'less'] : []), image: path('machine.img'), work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
const loop = await attachImage(path('machine.img'));
const root = path('root');
mkdirSync(root);
mkdirSync(path('out'));
sh('truncate -s "$1"M "$2" && mkfs.ext4 -q -F "$2"', String(mib * 2), path('data.img'));
const data = await attachImage(path('data.img'));
try {
  await withMounts([['-t', 'ext4', '-o', 'noatime', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)])], async () => {
    for (const d of ['out', 'data']) mkdirSync(join(root, d), { recursive: true });
    await withMounts([['--bind', path('out'), join(root, 'out')], ['-o', 'noatime', data.device, join(root, 'data')]], async () => {
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
      const systems = { sample: '/', tree: '/data' };
      for (const [what, mount] of Object.entries(systems).filter(([k]) => [k, undefined].includes(argument('--only')))) {
        if (what === 'tree') plantTree(root, join(root, 'data'));
        writeFileSync(join(root, 'etc/bench.toml'), `[backup]\nonly_mounts = ["${mount}"]\nexclude_mounts = ["/out"]\ncompress = "${compress}"\n`);
        const commands = {
          'cdrec build --mode iso': `cdrec build --mode iso --config /etc/bench.toml --kernel ${kernel} --out /out`,
          [`tar --${compress}`]: `${TAR} --directory=${mount} --exclude=./tmp/* --exclude=./out/* --${compress} --file=/out/backup.tar . || [ $? = 1 ]`,
          ...(compress === 'gzip' ? {} : { [`tar | ${filter}`]: `set -o pipefail; { ${TAR} --directory=${mount} --exclude=./tmp/* --exclude=./out/* . || [ $? = 1 ]; } | ${filter} > /out/backup.tar` }),
          ...(withRear && what === 'sample' ? { 'rear mkbackup': `rear mkbackup` } : {}),
        };
        if (withRear) writeFileSync(join(root, 'etc/rear/local.conf'), `BOOTLOADER=GRUB\nKERNEL_VERSION=${kernel}\nKERNEL_FILE=/boot/vmlinuz-${kernel}\nOUTPUT=ISO\nBACKUP=NETFS\nBACKUP_URL=iso:///backup\nISO_DIR=/out\nISO_DEFAULT=manual\nOUTPUT_URL=null\nBACKUP_PROG_COMPRESS_OPTIONS=( --zstd )\nBACKUP_PROG_COMPRESS_SUFFIX=.zst\nexport TMPDIR=/var/tmp\nAUTOEXCLUDE_PATH+=( /out /data )\nEXCLUDE_MOUNTPOINTS+=( /out /data )\n`);
        const got = Object.fromEntries(Object.keys(commands).map((k) => [k, []]));
        const sizes = {};
        for (let i = 0; i <= runs; i++) {
          const turn = Object.entries(commands);
          for (const [name, command] of [...turn.slice(i % turn.length), ...turn.slice(0, i % turn.length)]) {
            const seconds = time(root, command);
            sizes[name] = written(root);
            if (i > 0) got[name].push(seconds);
          }
        }
        const peers = Object.keys(commands).filter((k) => k.startsWith('tar'));
        console.log(`\n${what}: ${sh('df -m --output=used "$1" | tail -1', join(root, mount)).trim()} MiB in use, medians of ${runs}\n\n| | wall s | MiB written | ${peers.map((p) => `/ ${p.replaceAll('|', '\\|')}`).join(' | ')} |\n|---|---|---|${peers.map(() => '---|').join('')}`);
        for (const [name, list] of Object.entries(got)) console.log(`| ${name.replaceAll('|', '\\|')} | ${median(list).toFixed(2)} (${list.map((s) => s.toFixed(1)).join(', ')}) | ${sizes[name]} | ${peers.map((p) => (median(list) / median(got[p])).toFixed(2)).join(' | ')} |`);
      }
    });
  });
} finally {
  await loop[Symbol.asyncDispose]();
  await data[Symbol.asyncDispose]();
}

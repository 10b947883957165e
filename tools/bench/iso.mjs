// ISO writing against xorriso and genisoimage in the same run: CPU seconds (user + system), medians, and ratios.
// usage: node tools/bench/iso.mjs [TREE] [RUNS]
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const [tree = '/usr/share/perl', runs = '5'] = process.argv.slice(2);

if (process.argv[4] === '--write') {
  const { IsoImageWriter } = await import('@cdrec/iso9660');
  const iso = IsoImageWriter.create(process.argv[5], { volumeId: 'BENCH', date: 0 });
  const walk = (dir) => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, e.name);
      const to = relative(tree, path);
      const s = lstatSync(path);
      const a = { mode: s.mode & 0o7777, uid: s.uid, gid: s.gid, mtime: s.mtimeMs };
      if (e.isDirectory()) {
        iso.addDirectory(to, a);
        walk(path);
      } else if (e.isFile()) iso.addHostFile(to, path, a);
      else if (e.isSymbolicLink()) iso.addSymlink(to, readlinkSync(path), a);
    }
  };
  walk(tree);
  iso.finish();
} else {
  const dir = mkdtempSync('/dev/shm/cdrec-bench-');
  const out = join(dir, 'out.iso');
  const self = fileURLToPath(import.meta.url);
  const commands = {
    cdrec: ['node', self, tree, runs, '--write', out],
    xorriso: ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-o', out, tree],
    genisoimage: ['genisoimage', '-quiet', '-R', '-J', '-o', out, tree],
  };
  const seconds = Object.fromEntries(Object.keys(commands).map((k) => [k, []]));
  for (let i = 0; i <= Number(runs); i++) {
    for (const [name, command] of Object.entries(commands)) {
      rmSync(out, { force: true });
      const timed = execFileSync('bash', ['-c', 'TIMEFORMAT="%U %S"; { time "$@" > /dev/null 2>&1 || echo failed >&2; } 2>&1', 'bench', ...command], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
      if (timed.includes('failed')) continue; // genisoimage stops at colliding Joliet names
      const [user, system] = timed.trim().split('\n').at(-1).split(' ').map(Number);
      if (i > 0) seconds[name].push(user + system); // the first round warms the caches
    }
  }
  rmSync(dir, { recursive: true });
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  for (const [name, list] of Object.entries(seconds)) console.log(list.length === 0 ? `${name.padEnd(12)} failed on this tree` : `${name.padEnd(12)} ${median(list).toFixed(2)} CPU s   ratio to xorriso ${(median(list) / median(seconds.xorriso)).toFixed(2)}`);
}

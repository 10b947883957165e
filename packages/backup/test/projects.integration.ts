import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFlags } from '@cdrec/backup';

/** An xfs with projects, flags, and most files without either. */
let dir: string;
const sh = (command: string): string => execFileSync('bash', ['-ec', command], { encoding: 'utf8', cwd: dir });
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-projects-');
  sh('truncate -s 400M disk.img; mkfs.xfs -q disk.img; mkdir m; mount -o loop disk.img m');
});
afterAll(() => {
  sh('chattr -i m/fixed; umount m');
  rmSync(dir, { recursive: true, force: true });
});

describe('projects of files', () => {
  it('are listed with the flags; a name that looks like a number is one', async () => {
    sh("cd m; mkdir -p '4711 x/in'; echo a > '4711 x/in/0 b'; chattr -p 123456 '4711 x' '4711 x/in/0 b'; chattr +P '4711 x'; echo p > plain; echo f > fixed; chattr +i fixed; echo o > only; chattr -p 2147483647 only");
    const list = (await readFlags(`${dir}/m`)).toString().trimEnd().split('\n').sort();
    expect(list.map((l) => l.replace(/-+/g, '-'))).toEqual(['-i- ./fixed', '123456 - ./4711 x/in/0 b', '123456 -P- ./4711 x/', '2147483647 - ./only']);
  });
});

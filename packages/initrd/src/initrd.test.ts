import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cpioArchive } from './index.ts';
import { initScript } from './init.ts';

describe('the first stage', () => {
  it('is a cpio that cpio(1) lists and unpacks', () => {
    const archive = cpioArchive([
      { path: '/d', type: 'dir', mode: 0o755 },
      { path: '/d/f', type: 'file', mode: 0o640, bytes: 3, part: 'x', source: Buffer.from('abc') },
      { path: '/d/l', type: 'symlink', target: 'f' },
    ], 86400);
    const list = execFileSync('cpio', ['-itv', '--quiet'], { input: archive, encoding: 'utf8', env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } });
    expect(list).toMatch(/^drwxr-xr-x\s+2 root\s+root\s+0 Jan {2}2 {2}1970 d\n-rw-r-----\s+1 root\s+root\s+3 .* d\/f\nlrwxrwxrwx\s+1 root\s+root\s+1 .* d\/l -> f\n$/);
    expect(execFileSync('cpio', ['-i', '--quiet', '--to-stdout', 'd/f'], { input: archive, encoding: 'utf8' })).toBe('abc');
  });
  it('has init scripts that sh accepts', () => {
    for (const image of ['squashfs', 'tar.zst', 'tar.gz'] as const) execFileSync('sh', ['-n'], { input: initScript(image) });
  });
});

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cpioArchive, cpioFrame } from './index.ts';
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
  it('can be wrapped around a large file', () => {
    for (const bytes of [0, 1, 4094, 4096]) {
      const data = Buffer.alloc(bytes, 'x');
      const { head, tail } = cpioFrame('cdrec/rd-base.squashfs', bytes, 86400);
      const archive = Buffer.concat([head, data, tail]);
      expect(execFileSync('cpio', ['-it', '--quiet'], { input: archive, encoding: 'utf8' })).toBe('cdrec\ncdrec/rd-base.squashfs\n');
      expect(execFileSync('cpio', ['-i', '--quiet', '--to-stdout', 'cdrec/rd-base.squashfs'], { input: archive }).equals(data)).toBe(true);
    }
  });
  it('has init scripts that sh accepts', () => {
    for (const image of ['squashfs', 'tar.zst', 'tar.gz'] as const) for (const switchRoot of [true, false]) execFileSync('sh', ['-n'], { input: initScript(image, switchRoot) });
  });
  it('do without switch_root where a small system has none', () => {
    expect(initScript('squashfs', true)).toMatch(/\nexec switch_root \/newroot \/sbin\/init\n$/);
    expect(initScript('squashfs', false)).not.toContain('switch_root');
    expect(initScript('squashfs', false)).toMatch(/\ncd \/newroot\nmount --move \. \/\nexec chroot \. \/sbin\/init\n$/);
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withSystem } from './mounts.ts';
import type { Placement } from './plan.ts';

describe.runIf(process.getuid?.() === 0)('the restored system', () => {
  it('is unmounted with all that its programs mounted in it, and nothing of that is seen outside', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cdrec-mounts-'));
    const host = mkdtempSync('/run/cdrec-mounts-');
    const mounted = (): string[] => readFileSync('/proc/self/mounts', 'utf8').split('\n').map((l) => l.split(' ')[1] ?? '').filter((m) => m.startsWith(root) || m.startsWith(host));
    try {
      const result = await withSystem([{ device: 'none', type: 'tmpfs', mount: '/' } as unknown as Placement], root, () => {
        mkdirSync(join(root, 'srv'));
        execFileSync('mount', ['-t', 'tmpfs', 'none', join(root, 'srv')]);
        execFileSync('mount', ['-t', 'tmpfs', 'none', join(root, host)]); // as Debian 13 does with efivarfs in /sys
        writeFileSync(join(root, host, 'file'), '');
        expect(existsSync(join(host, 'file'))).toBe(false);
        expect(mounted()).toHaveLength(7);
        return Promise.resolve('done');
      });
      expect([result, mounted()]).toEqual(['done', []]);
    } finally {
      for (const m of mounted().reverse()) execFileSync('umount', [m]);
      for (const d of [root, host]) rmSync(d, { recursive: true });
    }
  });
});

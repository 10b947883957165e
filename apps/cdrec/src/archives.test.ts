import { DEFAULT_CONFIG } from '@cdrec/config';
import { describe, expect, it } from 'vitest';
import { rulesFor } from './archives.ts';
import { largestFile } from './destination.ts';

/** Whether a path is left out by a rule of the set itself; as tar has it, `*` matches no slash. */
function leftOut(path: string, out: string, label: string | undefined): boolean {
  const { exclude } = rulesFor({ config: DEFAULT_CONFIG, out, label }, { swapFiles: [] });
  return exclude.some((rule) => new RegExp(`^${rule.replace(/\\?[.+^${}()|[\]*?]/g, (c) => (c === '*' ? '[^/]*' : c.startsWith('\\') ? c : `\\${c}`))}$`).test(path));
}

describe('the set itself', () => {
  it('is left out of its backup, finished or not, and nothing else that begins like it', () => {
    for (const name of ['web_1.iso', '.web_2.iso.partial', '.web.lock', '.web.partial', 'web.html', 'web-rehearsal', 'web_1.iso.par2', 'web_1.iso.vol000+50.par2', 'CDrec-2026.11.30_1.iso', '.CDrec-2026.11.30.lock']) expect([name, leftOut(`/srv/${name}`, '/srv', 'web')]).toEqual([name, true]);
    for (const name of ['web', 'website', 'web.old', 'web_data', 'other_1.iso']) expect([name, leftOut(`/srv/${name}`, '/srv', 'web')]).toEqual([name, false]);
    expect(leftOut('/a[1]/CDrec-x_1.iso', '/a[1]', undefined)).toBe(true);
    expect(leftOut('/CDrec-x_1.iso', '/', undefined)).toBe(true);
  });
});

describe('the largest file of a place', () => {
  it('is known of FAT (linux/magic.h), and no question elsewhere', () => {
    expect(largestFile('/any', 0x4d44)).toBe(4_294_967_295);
    for (const [name, magic] of [['exfat', 0x2011bab0], ['ext4', 0xef53], ['nfs', 0x6969]] as const) expect([name, largestFile('/any', magic)]).toEqual([name, undefined]);
    expect(largestFile('/tmp')).toBeUndefined();
  });
});

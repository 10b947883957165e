import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blankDisc, burnDisc, readDisc, verifyDevice } from '@cdrec/burn';

/** xorriso's stdio drives: files that it burns into as into an overwriteable disc. */
let dir: string;
const options = { program: 'xorriso', speed: 0, path: '/usr/bin' } as const;
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-disc-');
  execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'DISC_1', '-o', join(dir, 'image.iso'), '/etc/apt']);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('a disc', () => {
  it('is looked at, burned whole, and blanked', async () => {
    const drive = `stdio:${join(dir, 'disc')}`;
    writeFileSync(join(dir, 'disc'), '');
    expect(await readDisc(drive)).toMatchObject({ state: 'blank', rewritable: true });
    await burnDisc(join(dir, 'image.iso'), drive, options);
    const image = readFileSync(join(dir, 'image.iso'));
    expect(readFileSync(join(dir, 'disc')).subarray(0, image.length).equals(image)).toBe(true);
    await blankDisc(drive);
    expect(readFileSync(join(dir, 'disc')).subarray(0, image.length).equals(image)).toBe(false);
  });
  it('that is none is said to be none', async () => {
    await expect(readDisc(join(dir, 'no-drive'))).rejects.toMatchObject({ code: 'BURN_DRIVE' });
    await expect(burnDisc(join(dir, 'image.iso'), 'stdio:/dev/full', options)).rejects.toThrow();
    await expect(verifyDevice(join(dir, 'image.iso'), '/dev/zero', 'x')).rejects.toThrow();
  });
});

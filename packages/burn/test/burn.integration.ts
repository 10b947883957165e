import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBurnTarget, verifyDevice, writeImageToDevice } from '../src/index.ts';

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' }).trim();
let dir: string;
let device: string;
let image: string;
const BYTES = 3 * 2 ** 20 + 2048;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-burn-'));
  run('truncate', '-s', '16M', join(dir, 'stick'));
  device = run('losetup', '--find', '--show', join(dir, 'stick'));
  image = join(dir, 'image.iso');
  writeFileSync(image, randomBytes(BYTES));
});
afterEach(() => {
  run('losetup', '--detach', device);
  rmSync(dir, { recursive: true, force: true });
});

describe('writing onto a device', () => {
  it('puts every byte there, reads it back, and wipes an old GPT backup', async () => {
    execFileSync('sfdisk', ['-q', '--no-tell-kernel', device], { input: 'label: gpt\ntype=linux\n' });
    const seen = { write: 0, verify: 0 };
    const report = await writeImageToDevice(image, device, { deviceBytes: 16 * 2 ** 20, onBytes: (phase, n) => { seen[phase] += n; } });
    expect(report.bytes).toBe(BYTES);
    expect(report.sha256).toBe(run('sha256sum', image).split(' ')[0]);
    expect(seen).toEqual({ write: BYTES, verify: BYTES });
    run('cmp', '-n', String(BYTES), image, join(dir, 'stick'));
    expect(readFileSync(join(dir, 'stick')).subarray(-33 * 512).every((b) => b === 0)).toBe(true);
  });
  it('says which byte is wrong on a bad stick', async () => {
    const { sha256 } = await writeImageToDevice(image, device, { deviceBytes: 16 * 2 ** 20 });
    const fd = openSync(device, 'r+');
    writeSync(fd, Buffer.from([~(readFileSync(image)[1_234_567] as number) & 0xff]), 0, 1, 1_234_567);
    closeSync(fd);
    await expect(verifyDevice(image, device, sha256)).rejects.toMatchObject({ code: 'BURN_VERIFY', message: expect.stringContaining('at byte 1234567') as string });
  });
  it('refuses a device that is too small, before it writes a byte', async () => {
    await expect(writeImageToDevice(image, device, { deviceBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'BURN_TOO_SMALL', message: expect.stringContaining(`${String(BYTES - 2 ** 20)} bytes too few`) as string });
    expect(readFileSync(join(dir, 'stick')).every((b) => b === 0)).toBe(true);
  });
  it('stops when it is told to', async () => {
    await expect(writeImageToDevice(image, device, { deviceBytes: 16 * 2 ** 20, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('looking at a device first', () => {
  it('doubts disks that are not removable and carriers of volumes, refuses what is mounted', async () => {
    expect(await readBurnTarget(device, [])).toMatchObject({ device, bytes: 16 * 2 ** 20, content: 'blank', refusal: undefined, doubts: ['it is not a removable disk'] });
    const iso = join(dir, 'set.iso');
    execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'CDrec-2026.01.01_1', '-o', iso, image], { stdio: 'ignore' });
    await writeImageToDevice(iso, device, { deviceBytes: 16 * 2 ** 20 });
    expect((await readBurnTarget(device, [])).doubts).toContain('it carries a volume already (CDrec-2026.01.01_1)');
    run('mkfs.ext4', '-q', '-F', device);
    const mount = join(dir, 'mnt');
    run('mkdir', mount);
    run('mount', device, mount);
    try {
      expect((await readBurnTarget(device, [])).refusal).toMatch(/in use: .* is mounted on/);
      await expect(writeImageToDevice(image, device, { deviceBytes: 16 * 2 ** 20 })).rejects.toMatchObject({ code: 'BURN_BUSY' });
    } finally {
      run('umount', mount);
    }
    expect((await readBurnTarget(device, [device])).refusal).toMatch(/swap area/);
  });
  it('wants whole devices', async () => {
    await expect(readBurnTarget('/dev/nothing-here', [])).rejects.toMatchObject({ code: 'BURN_TARGET' });
    await expect(readBurnTarget(image, [])).rejects.toMatchObject({ code: 'BURN_TARGET', message: expect.stringContaining('no block device') as string });
  });
});

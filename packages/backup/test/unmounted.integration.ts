import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArguments, openTar } from '@cdrec/backup';

/** A machine whose mounts are shared, as systemd has them, with a stick in it that has nothing to do with the backup. */
let dir: string;
const sh = (command: string): string => execFileSync('bash', ['-ec', command], { encoding: 'utf8', cwd: dir });
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-unmounted-');
  sh('mkdir machine; mount --bind machine machine; mount --make-shared machine; mkdir machine/stick machine/data; head -c 8M /dev/urandom > machine/data/file; mount -t tmpfs stick machine/stick; echo x > machine/stick/file');
});
afterAll(() => {
  sh('umount -R machine');
  rmSync(dir, { recursive: true, force: true });
});

describe('what is unmounted while a backup runs', () => {
  it('does not stay busy until its end', async () => {
    const holders = (): string => sh('grep -ls "$PWD/machine/stick " /proc/[0-9]*/mountinfo || true');
    const tar = openTar(createArguments('ext4', { exclude: [], include: [] }), [], 'm', join(dir, 'machine/data'));
    // tar is at it, in its namespace, and waits for somebody to read on.
    const stream = tar.stream[Symbol.asyncIterator]();
    const parts = [(await stream.next()).value as Uint8Array];
    expect(holders()).not.toBe('');
    sh('umount machine/stick');
    expect(holders()).toBe('');
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) parts.push(next.value);
    expect((await tar.ended()).exceptions).toEqual([]);
    expect(execFileSync('tar', ['--blocking-factor=128', '-tf', '-'], { input: Buffer.concat(parts), encoding: 'utf8' })).toBe('./\n./file\n');
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
    // Nobody reads: tar waits, with its namespace.
    for (let tries = 0; tries < 100 && sh('pgrep -f "[t]ar.*--index-file" || true') === ''; tries++) await sleep(100);
    expect(holders()).not.toBe('');
    sh('umount machine/stick');
    expect(holders()).toBe('');
    const parts = [];
    for await (const chunk of tar.stream) parts.push(chunk);
    expect((await tar.ended()).exceptions).toEqual([]);
    expect(execFileSync('tar', ['--blocking-factor=128', '-tf', '-'], { input: Buffer.concat(parts), encoding: 'utf8' })).toBe('./\n./file\n');
  });
});

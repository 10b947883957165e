import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArguments, openTar } from '@cdrec/backup';

/** A file system on a medium that has lost its second half: reading gives real I/O errors. */
let dir: string;
const sh = (command: string): string => execFileSync('bash', ['-c', command], { encoding: 'utf8', cwd: dir });
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-unreadable-');
  sh('truncate -s 80M disk.img && mkfs.ext4 -q -F -O ^has_journal disk.img && mkdir m');
  sh('mount -o loop disk.img m && echo fine > m/fine && dd if=/dev/urandom of=m/broken bs=1M count=60 status=none && mkdir m/below && echo hidden > m/below/hidden && sync && umount m');
  sh('mount -o loop,ro disk.img m && truncate -s 40M disk.img && echo 3 > /proc/sys/vm/drop_caches && mount -t tmpfs none m/below');
});
afterAll(() => {
  sh('umount m/below; umount m || umount -l m');
  rmSync(dir, { recursive: true, force: true });
});

// tar stops at the end of a record: with the records of the writer it reads all, and whoever feeds it sees no broken pipe.
describe('a file that cannot be read', () => {
  it('is named, the archive is complete for all others, and what a mount hides is in it', async () => {
    const tar = openTar(createArguments('ext4', { exclude: [], include: [] }), [], 'm', join(dir, 'm'));
    const parts = [];
    for await (const chunk of tar.stream) parts.push(chunk);
    const verdict = await tar.ended();
    expect(verdict.exceptions).toContainEqual(expect.stringContaining('./broken: '));
    const archive = Buffer.concat(parts);
    expect(execFileSync('tar', ['--blocking-factor=128', '-xOf', '-', './fine'], { input: archive, encoding: 'utf8' })).toBe('fine\n');
    expect(execFileSync('tar', ['--blocking-factor=128', '-xOf', '-', './below/hidden'], { input: archive, encoding: 'utf8' })).toBe('hidden\n');
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseAccelerator, compareTrees } from '@cdrec/rehearse';
import { plantTorture } from '../src/torture.ts';

/** The comparison is the judge of restores: every kind of damage must be seen by it. */
let dir: string;
const sh = (command: string): string => execFileSync('bash', ['-c', command], { encoding: 'utf8', cwd: dir });
beforeEach(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-compare-');
  sh('mkdir a');
  await plantTorture(join(dir, 'a'));
  sh('cp --archive --sparse=always a b');
});
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

const differences = async (): Promise<readonly string[]> => (await compareTrees(join(dir, 'a'), join(dir, 'b'))).differences;

describe('compareTrees', () => {
  it('finds nothing in a copy by cp --archive', async () => {
    expect(await differences()).toEqual([]);
  });

  it.each([
    ['content', 'printf x | dd of=b/torture/plain conv=notrunc status=none; touch -r a/torture/plain b/torture/plain', /plain: content/],
    ['mode', 'chmod 600 b/torture/setuid', /setuid: mode/],
    ['owner', 'chown 1 b/torture/plain', /plain: uid/],
    ['time, by a nanosecond', 'touch -d "1975-05-05 05:05:05.123456788 UTC" b/torture/old', /old: mtime/],
    ['link target', 'ln -sfn other b/torture/link; touch -h -r a/torture/link b/torture/link', /link: target/],
    ['hard link', 'cp -p --remove-destination a/torture/hard-2 b/torture/hard-2', /hard-1: number of links/],
    ['hole', 'cat a/torture/sparse > b/x; cat b/x > b/torture/sparse; rm b/x; touch -r a/torture/sparse b/torture/sparse', /sparse: holes/],
    ['device', 'rm b/torture/block; mknod b/torture/block b 259 70001; touch -r a/torture/block b/torture/block', /block: device number/],
    ['type', 'rm b/torture/fifo; touch b/torture/fifo', /fifo: type/],
    ['attribute', 'setfattr -n user.binary -v 0x00 b/torture/xattr', /xattr: extended attribute user.binary/],
    ['ACL', 'setfacl -b b/torture/acl; touch -r a/torture/acl b/torture/acl', /acl: extended attribute system.posix_acl_access/],
    ['capability', 'setcap -r b/torture/capability', /capability: extended attribute security.capability/],
    ['missing file with a strange name', 'rm b/torture/not-utf8*', /only in the original/],
    ['extra file', 'touch b/torture/extra', /extra: only in the restored tree/],
  ])('sees a changed %s', async (_, damage, expected) => {
    sh(damage);
    expect((await differences()).filter((d) => expected.test(d)).length).toBeGreaterThan(0);
  });
});

describe('the probe', () => {
  it('decides by running a guest, within its deadline', async () => {
    const started = Date.now();
    expect(['kvm', 'tcg']).toContain(await chooseAccelerator(3000));
    expect(Date.now() - started).toBeLessThan(6000);
  });
});

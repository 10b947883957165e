import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { askForRelabel, labelNewFiles } from './selinux.ts';

// Not in a tmpfs: some kernels keep no security attributes there.
const dir = mkdtempSync('/var/tmp/cdrec-selinux-');
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
let root: string;
let n = 0;
const put = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
};
/** A root with no more than a shell: programs in it only note how they were called. */
const putShell = (): void => {
  for (const file of ['/bin/dash', ...execFileSync('ldd', ['/bin/dash'], { encoding: 'utf8' }).match(/\/\S+/g) ?? []]) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    execFileSync('cp', ['-L', file, join(root, file)]);
  }
};
beforeEach(() => {
  root = join(dir, String(++n));
  for (const f of ['etc/fstab', 'etc/passwd']) put(f, '');
});

describe('SELinux', () => {
  it('is asked to label all files where it is on and the files have no labels', async () => {
    expect(await askForRelabel(root)).toBeUndefined();
    put('etc/selinux/config', '# SELINUX=enforcing\nSELINUX=disabled\n');
    expect(await askForRelabel(root)).toBeUndefined();
    put('etc/selinux/config', 'SELINUX=enforcing\nSELINUXTYPE=targeted\n');
    expect(await askForRelabel(root)).toMatch(/no labels of SELinux/);
    expect(existsSync(join(root, '.autorelabel'))).toBe(true);
  });
  it.runIf(process.getuid?.() === 0)('is left alone where the labels came back', async () => {
    put('etc/selinux/config', 'SELINUX=permissive\n');
    execFileSync('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', join(root, 'etc/fstab')]);
    expect(await askForRelabel(root)).toBeUndefined();
    expect(existsSync(join(root, '.autorelabel'))).toBe(false);
  });
  it.runIf(process.getuid?.() === 0)('has what the restore made labelled by the policy of the system, and nothing else', async () => {
    put('etc/selinux/config', 'SELINUX=enforcing\nSELINUXTYPE=default\n');
    put('boot/initrd.img', 'new');
    put('etc/a b', 'new');
    put('boot/old', 'old');
    put('srv/elsewhere', 'of nobody');
    putShell();
    // Notes what it is to label, as names in the system.
    put('usr/sbin/setfiles', '#!/bin/dash\necho "$*" > /asked; while IFS= read -r line || [ -n "$line" ]; do echo "$line" >> /asked; done\n', 0o755);
    await labelNewFiles(root, ['/']);
    expect(existsSync(join(root, 'asked'))).toBe(false); // labels did not come back at all: the first start has to label
    for (const f of ['etc', 'etc/fstab', 'etc/selinux', 'etc/selinux/config', 'boot', 'boot/old', '']) execFileSync('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', join(root, f)]);
    await labelNewFiles(root, ['/', '/srv']);
    const [how, list] = readFileSync(join(root, 'asked'), 'latin1').split('\n');
    expect(how).toBe('-0 -f - /etc/selinux/default/contexts/files/file_contexts');
    expect(list).toBe(['/srv', '/boot/initrd.img', '/etc/a b', '/etc/passwd'].join('\0').replaceAll('\0', ''));
    expect(existsSync(join(root, '.autorelabel'))).toBe(false);
    put('usr/sbin/setfiles', '#!/bin/dash\nexit 1\n', 0o755);
    await labelNewFiles(root, ['/']);
    expect(existsSync(join(root, '.autorelabel'))).toBe(true);
  });
});

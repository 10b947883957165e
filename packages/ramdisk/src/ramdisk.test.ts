import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileTree } from '@cdrec/closure';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addFiles, existing } from './files.ts';
import { findDhcpClient, packImage, usableFormat } from './index.ts';
import { DHCP_SCRIPT, NETWORK, RESCUE_SSHD, SAVE_LOG } from './scripts/commands.ts';
import { BASHRC, menuScript, RC_SYSTEM } from './scripts/rc.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-rd-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

const tree = new FileTree();
tree.addData('/etc/hello', 'hello\n', 0o640);
tree.addHostFile(process.execPath, 'node', '/usr/bin/node');
tree.addData('/empty', '');

describe('the DHCP client', () => {
  const program = (name: string, script: string): string => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, name), 0o755);
    return join(dir, name);
  };
  it('is one that is installed, else that of BusyBox if it has one', async () => {
    expect(await findDhcpClient(dir)).toBeUndefined();
    const busybox = program('busybox', 'echo "[ ash mdev"');
    expect(await findDhcpClient(dir)).toBeUndefined();
    program('busybox', 'printf "mdev\\nudhcpc\\nudhcpd\\n"');
    expect(await findDhcpClient(dir)).toEqual({ name: 'udhcpc', program: busybox });
    const own = program('dhcpcd', '');
    expect(await findDhcpClient(dir)).toEqual({ name: 'dhcpcd', program: own });
  });
});

describe('further files', () => {
  it('come along at their places, binaries with their libraries; what is missing is told', async () => {
    mkdirSync(join(dir, 'agent/lib'), { recursive: true });
    mkdirSync(join(dir, 'empty'));
    copyFileSync('/usr/bin/env', join(dir, 'agent/run'));
    writeFileSync(join(dir, 'agent/lib/a.conf'), 'x');
    symlinkSync('a.conf', join(dir, 'agent/lib/b.conf'));
    symlinkSync('nowhere', join(dir, 'agent/dangling'));
    const t = new FileTree();
    t.addData('/etc/hosts', 'ours');
    expect(await addFiles(t, [join(dir, 'agent'), join(dir, 'empty'), '/etc/hosts', '/no/such'])).toEqual(['/no/such (rescue.files) is not there']);
    const paths = t.entries().map((e) => e.path);
    expect(paths).toEqual(expect.arrayContaining([join(dir, 'agent/run'), join(dir, 'agent/lib/a.conf'), join(dir, 'agent/lib/b.conf'), join(dir, 'empty')]));
    expect(paths.some((p) => p.includes('libc.so.6'))).toBe(true);
    expect(paths).not.toContain(join(dir, 'agent/dangling'));
    expect(t.entries().find((e) => e.path === '/etc/hosts')).toMatchObject({ bytes: 4 });
    for (const bad of ['/', '/proc', '/sys/block', '/dev/sda']) await expect(addFiles(new FileTree(), [bad])).rejects.toMatchObject({ code: 'RESCUE_FILES' });
  });
});

describe('what lies in /lib or in /usr/lib', () => {
  it('is found where both are one place, and where each has its part', () => {
    for (const d of ['usr/lib/rules', 'lib/rules']) mkdirSync(join(dir, 'apart', d), { recursive: true });
    mkdirSync(join(dir, 'merged/usr/lib/rules'), { recursive: true });
    symlinkSync('usr/lib', join(dir, 'merged/lib'));
    const both = (root: string): string[] => ['lib/rules', 'usr/lib/rules', 'usr/local/lib/rules'].map((d) => join(dir, root, d));
    expect(existing(both('merged'))).toEqual([join(dir, 'merged/usr/lib/rules')]);
    expect(existing(both('apart'))).toEqual(both('apart').slice(0, 2));
    rmSync(join(dir, 'apart/usr'), { recursive: true });
    expect(existing(both('apart'))).toEqual(both('apart').slice(0, 1));
  });
});

describe('rd-base', () => {
  it('that cannot be packed to its end is an error, whenever its packer dies', async () => {
    for (let i = 0; i < 12; i++) {
      const packing = packImage(tree.entries(), 'squashfs', join(dir, 'dead'), 0, 1);
      const outcome = packing.then(() => 'packed', (error: unknown) => (error as { code?: string }).code);
      await new Promise((resolve) => setTimeout(resolve, 20 + 23 * i));
      const children = execFileSync('bash', ['-c', 'pgrep -P "$1" -x mksquashfs || true', 'x', String(process.pid)], { encoding: 'utf8' }).split('\n').filter((l) => l !== '');
      for (const pid of children) process.kill(Number(pid), 'SIGKILL');
      expect(await outcome).toBe(children.length > 0 ? 'TOOL_FAILED' : 'packed');
      rmSync(join(dir, 'dead'), { force: true });
    }
  }, 60_000);
  it('is packed as squashfs that unsquashfs lists, the same each time', async () => {
    const a = join(dir, 'a');
    await packImage(tree.entries(), 'squashfs', a, 1_700_000_000_000, 2);
    await packImage(tree.entries(), 'squashfs', join(dir, 'b'), 1_700_000_000_000, 2);
    const list = execFileSync('unsquashfs', ['-lln', a], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    expect(list).toMatch(/-rw-r----- 0\/0\s+6 2023-11-14 22:13 squashfs-root\/etc\/hello/);
    expect(list).toMatch(/lrwxrwxrwx 0\/0 .* squashfs-root\/bin -> usr\/bin/);
    execFileSync('cmp', [a, join(dir, 'b')]);
    execFileSync('unsquashfs', ['-q', '-n', '-d', join(dir, 'x'), a]);
    execFileSync('cmp', [join(dir, 'x/usr/bin/node'), process.execPath]);
  });

  it('is packed as tar for GNU tar', async () => {
    for (const format of ['tar.zst', 'tar.gz'] as const) {
      const file = join(dir, format);
      await packImage(tree.entries(), format, file, 1_700_000_000_000, 2);
      expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toContain('etc/hello\n');
    }
  });

  it('is a tar where mksquashfs cannot read one', async () => {
    const says = (version: string): string => {
      writeFileSync(join(dir, 'mksquashfs'), `#!/bin/sh\necho 'mksquashfs version ${version}'\n`, { mode: 0o755 });
      return `${dir}:/usr/bin:/bin`;
    };
    for (const version of ['4.3 (2014/05/12)', '4.4 (2019/08/29)', '4.4-git.1 (2021/05/05)']) {
      expect(await usableFormat('squashfs', says(version))).toEqual({ format: 'tar.zst', why: expect.stringContaining(`mksquashfs ${version.split(' ')[0] as string} cannot`) as string });
      expect(await usableFormat('tar.gz', says(version))).toEqual({ format: 'tar.gz' });
    }
    for (const version of ['4.5 (2021/07/22)', '4.6.1 (2023/03/25)', '4.10', '5.0 (2030/01/01)']) expect(await usableFormat('squashfs', says(version))).toEqual({ format: 'squashfs' });
    expect(await usableFormat('squashfs', process.env['PATH'] ?? '')).toEqual({ format: 'squashfs' });
    expect(await usableFormat('squashfs', '/nowhere')).toEqual({ format: 'squashfs' }); // to pack is what fails then
  });

  it('that its packer refuses at once is an error, whatever was being written', async () => {
    const path = process.env['PATH'];
    writeFileSync(join(dir, 'mksquashfs'), '#!/bin/sh\nexec <&-\necho "mksquashfs: -tar: invalid option" >&2\nexit 1\n', { mode: 0o755 });
    process.env['PATH'] = `${dir}:${path ?? ''}`;
    try {
      // Entries of every kind, and enough of them that the pipe breaks while one is written.
      const many = new FileTree();
      for (let i = 0; i < 3000; i++) many.addData(`/d${String(i)}/x`, 'x'.repeat(i));
      for (let i = 0; i < 10; i++) await expect(packImage(many.entries(), 'squashfs', join(dir, 'refused'), 0, 1)).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('-tar: invalid option') as string });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('says why packing failed', async () => {
    await expect(packImage(tree.entries(), 'squashfs', '/nowhere/x', 0, 1)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    expect(existsSync('/nowhere/x')).toBe(false);
  });

  it('has scripts that bash accepts', () => {
    for (const script of [RC_SYSTEM, BASHRC, NETWORK, DHCP_SCRIPT, SAVE_LOG, RESCUE_SSHD, menuScript('h', 'l')]) execFileSync('bash', ['-n'], { input: script });
  });
});

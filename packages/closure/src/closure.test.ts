import { spawnSync } from 'node:child_process';
import { linkSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addPrograms, closeModules, FileTree, libraryClosure, parseLdd, parseModulesDep, readDynamic } from './index.ts';

describe('closures', () => {
  it('follows hard and soft dependencies of modules', () => {
    const dep = parseModulesDep('kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko\nkernel/fs/jbd2/jbd2.ko:\nkernel/lib/crc16.ko:\nkernel/crypto/crc32c-generic.ko.xz:\nkernel/net/x.ko:\n');
    expect(closeModules(dep, 'softdep ext4 pre: crc32c-generic\n', { names: ['ext4', 'absent'], directories: [] })).toEqual(['kernel/crypto/crc32c-generic.ko.xz', 'kernel/fs/ext4/ext4.ko', 'kernel/fs/jbd2/jbd2.ko', 'kernel/lib/crc16.ko']);
    expect(closeModules(dep, '', { names: [], directories: ['net'] })).toEqual(['kernel/net/x.ko']);
  });

  it('leaves excluded modules out, with what could not be loaded without them', () => {
    const dep = parseModulesDep('kernel/drivers/scsi/qla2xxx.ko: kernel/drivers/scsi/scsi_transport_fc.ko\nkernel/drivers/scsi/scsi_transport_fc.ko:\nkernel/drivers/scsi/sd-mod.ko:\n');
    const all = { names: ['qla2xxx'], directories: [], all: true };
    expect(closeModules(dep, '', { ...all, exclude: ['qla2xxx'] })).toEqual(['kernel/drivers/scsi/scsi_transport_fc.ko', 'kernel/drivers/scsi/sd-mod.ko']);
    expect(closeModules(dep, '', { ...all, exclude: ['scsi-transport-fc', 'absent'] })).toEqual(['kernel/drivers/scsi/sd-mod.ko']);
  });

  it('reads ldd, and names a missing library with the program that needs it', () => {
    expect(parseLdd('\tlinux-vdso.so.1 (0x0)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x0)\n\t/lib64/ld-linux-x86-64.so.2 (0x0)\n')).toEqual(['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
    expect(() => parseLdd('/usr/bin/foo:\n\tlibfoo.so.1 => not found\n')).toThrow(/libfoo\.so\.1, needed by \/usr\/bin\/foo/);
  });

  it('finds the libraries that ldd finds, for any choice of programs and libraries', async () => {
    const all = [...new Set(spawnSync('find', ['/usr/bin', '/usr/sbin', '/usr/lib/systemd', '-maxdepth', '1', '-type', 'f', '-perm', '-u+x', '-size', '-2000k'], { encoding: 'utf8' }).stdout.trim().split('\n').map((f) => realpathSync(f)))]
      .filter((f) => readDynamic(f) !== undefined).sort();
    const library = (await libraryClosure(['/bin/tar'])).find((l) => l.includes('/libacl.')) as string;
    await fc.assert(fc.asyncProperty(fc.shuffledSubarray([...all, library], { minLength: 1, maxLength: 12 }), async (files) => {
      const ldd = spawnSync('ldd', [...files, ...files], { encoding: 'utf8' });
      expect(await libraryClosure(files)).toEqual(parseLdd(ldd.stdout));
    }), { numRuns: 12 });
    await expect(libraryClosure([library, '/bin/tar', '/usr/bin/ldd'])).resolves.toContain('/lib64/ld-linux-x86-64.so.2');
  });

  it('reads what a program says to the loader; what is damaged says nothing', () => {
    expect(readDynamic('/bin/tar')).toMatchObject({ kind: '64:62', interpreter: '/lib64/ld-linux-x86-64.so.2', needed: expect.arrayContaining(['libacl.so.1', 'libc.so.6']) as unknown, ownSearch: false });
    expect(readDynamic('/usr/bin/ldd')).toBeUndefined();
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-closure-'));
    const whole = readFileSync('/bin/true');
    try {
      fc.assert(fc.property(fc.array(fc.tuple(fc.nat(1100), fc.nat(255)), { maxLength: 20 }), fc.nat(whole.length), (changes, length) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const [at, value] of changes) if (at < length && at > 4) bytes[at] = value;
        writeFileSync(join(dir, 'f'), bytes);
        readDynamic(join(dir, 'f'));
      }), { numRuns: 300 });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('takes the host\'s programs, usr-merged, with loader and libraries', async () => {
    const tree = new FileTree();
    await addPrograms(tree, { required: ['sh', 'ldd'], optional: ['no-such-program'], path: '' });
    const paths = tree.entries().map((e) => e.path);
    expect(paths.some((p) => p.startsWith('/usr/lib') && p.includes('libc.so.6'))).toBe(true);
    expect(paths.filter((p) => /^\/(bin|lib|lib64|sbin)\//.test(p))).toEqual([]);
    expect(tree.has('/usr/bin/bash')).toBe(true); // ldd's interpreter
    expect(tree.parts().get('libraries')).toBeGreaterThan(1_000_000);
    await expect(addPrograms(tree, { required: ['no-such-program'], optional: [], path: '' })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it('holds a program of many names once: the others are links to it', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-closure-'));
    try {
      writeFileSync(join(dir, 'cat'), '#!/bin/sh\necho "called as ${0##*/}"\n', { mode: 0o755 });
      for (const name of ['ls', 'mkdir']) linkSync(join(dir, 'cat'), join(dir, name));
      const tree = new FileTree(60);
      for (const name of ['mkdir', 'ls', 'cat']) tree.addHostFile(join(dir, name), 'programs');
      expect(tree.entries().filter((e) => e.path.startsWith(dir) && e.type !== 'dir').map((e) => [e.path.slice(dir.length), e.type === 'symlink' ? e.target.slice(dir.length) : e.type])).toEqual([['/cat', '/mkdir'], ['/ls', '/mkdir'], ['/mkdir', 'file']]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('stops at its limit while it grows', () => {
    const tree = new FileTree(10);
    expect(() => { tree.addData('/a', 'x'.repeat(11)); }).toThrow(/exceeds its limit of 10 bytes at \/a/);
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, removeWork, withMounts } from '@cdrec/rehearse';
import { CLI, inMachine, MACHINE_ENV, makeMachine, onTerminal, run } from './machine.ts';

/** A restore with a person at the terminal: step by step, and when a step fails. */
let dir: string;
let volumes: string[];
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-steps-');
  const out = join(dir, 'out');
  mkdirSync(out);
  await inMachine(await makeMachine(dir), dir, [[out, 'mnt']], async (root, kernel) => {
    const r = await run('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel], MACHINE_ENV);
    expect(r.status, r.stderr).toBe(0);
  });
  volumes = readdirSync(out).filter((n) => n.endsWith('.iso')).map((n) => join(out, n));
}, 300_000);
afterAll(async () => { await removeWork(dir); });

const restore = (device: string, ...more: string[]): string => [process.execPath, '--no-warnings', CLI, 'restore', ...volumes, '--disk', device, '--journal', join(dir, `journal-${String(Math.random()).slice(2)}`), '--work', join(dir, 'work'), ...more].join(' ');
async function blank(name: string) {
  const file = join(dir, name);
  rmSync(file, { force: true });
  execFileSync('truncate', ['-s', '2G', file]);
  return attachImage(file);
}
/** The file of the restored root. */
async function onDisk(partition: string, path: string): Promise<string | undefined> {
  return withMounts([['-t', 'ext4', '-o', 'ro', partition, join(dir, 'look')]], () => Promise.resolve(existsSync(join(dir, 'look', path)) ? readFileSync(join(dir, 'look', path), 'utf8') : undefined));
}
const NEXT = /a: do this and all that follow; q: stop here: /;

describe('on a terminal', () => {
  it('--step asks before every step; one is left out, the rest done at once: status 3', async () => {
    await using loop = await blank('a.img');
    const { status, said } = await onTerminal(restore(loop.device, '--step'), [
      [/type the name of the disk[^:]*: /, loop.device], [/1\. wipe old signatures[^]*stop here: /, ''], [/2\. write the partition table[^]*stop here: /, ''], [NEXT, ''], [/4\. unpack[^]*stop here: /, 'what?'], [NEXT, ''],
      [/fit the restored system[^]*stop here: /, ''], [/install GRUB[^]*stop here: /, 's'],
    ]);
    expect([status, said]).toEqual([3, expect.stringMatching(/left out: install GRUB[^]*RESTORED/)]);
    expect(said).not.toContain('same UUIDs');
    expect(await onDisk(loop.partition(1), 'etc/hostname')).toContain('sample');
    expect(execFileSync('dd', [`if=${loop.device}`, 'bs=440', 'count=1', 'status=none']).every((b) => b === 0)).toBe(true); // no boot loader
  }, 200_000);

  it('q stops, and the same command goes on there', async () => {
    await using loop = await blank('b.img');
    const command = restore(loop.device, '--step');
    const stopped = await onTerminal(command, [[/type the name of the disk[^:]*: /, loop.device], [NEXT, ''], [NEXT, ''], [NEXT, 'q']]);
    expect([stopped.status, stopped.said]).toEqual([1, expect.stringMatching(/stopped before the step "mke2fs/)]);
    const rest = await onTerminal(command, [[/type the name of the disk[^:]*: /, loop.device], [/done before: wipe old signatures[^]*3\. mke2fs[^]*stop here: /, 'a']]);
    expect([rest.status, rest.said]).toEqual([0, expect.stringContaining('RESTORED')]);
  }, 200_000);

  it('a step that fails: a shell to look and mend, another try, and it goes on', async () => {
    await using loop = await blank('c.img');
    const hook = join(dir, 'hook');
    writeFileSync(hook, `test -e ${join(dir, 'mended')} || { echo the cable is out >&2; exit 7; }\ntouch "$CDREC_ROOT/hooked"\n`);
    const { status, said } = await onTerminal(restore(loop.device, '--hook', hook), [
      [/type the name of the disk[^:]*: /, loop.device], [/the cable is out[^]*a shell to look at it[^]*q: stop: /, 'nonsense'], [/q: stop: /, 'r'], [/the cable is out[^]*q: stop: /, ''],
      [/cdrec \(mending\):[^#]*# /, `touch ${join(dir, 'mended')}; exit`], [/q: stop: /, 'r'],
    ]);
    expect([status, said]).toEqual([0, expect.stringContaining('RESTORED')]);
    expect(await onDisk(loop.partition(1), 'hooked')).toBe('');
  }, 200_000);

  it('the old disk beside the new one is named before and after: the system could not tell them apart', async () => {
    await using old = await attachImage(join(dir, 'a.img'), true);
    await using loop = await blank('e.img');
    const { status, said } = await onTerminal(restore(loop.device), [[/type the name of the disk[^:]*: /, loop.device]]);
    expect([status, said]).toEqual([0, expect.stringMatching(new RegExp(`WARNING: ${old.device} \\(no model, serial none\\) stays as it is, and has the same UUIDs \\(/\\)[^]*Remove the medium, detach ${old.device} \\(`))]);
  }, 200_000);

  it('a step that fails can be left out: said in the end, status 3; or the restore stops: status 1', async () => {
    await using loop = await blank('d.img');
    const hook = join(dir, 'bad-hook');
    writeFileSync(hook, 'exit 9\n');
    const left = await onTerminal(restore(loop.device, '--hook', hook), [[/type the name of the disk[^:]*: /, loop.device], [/q: stop: /, 's']]);
    expect([left.status, left.said]).toEqual([3, expect.stringMatching(/failed and left out: [^]*RESTORED/)]);
    const stopped = await onTerminal(restore(loop.device, '--hook', hook), [[/type the name of the disk[^:]*: /, loop.device], [/q: stop: /, 'q']]);
    expect([stopped.status, stopped.said]).toEqual([1, expect.not.stringContaining('RESTORED')]);
  }, 200_000);
});

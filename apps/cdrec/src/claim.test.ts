import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, readClaim, type Claim } from './claim.ts';
import { clean } from './commands/clean.ts';
import { Terminal } from './terminal.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-claim-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

const lock = (): string => join(dir, '.x.lock');
const mine = (): string => join(dir, '.x.partial');
const change = (over: Partial<Claim>): void => { writeFileSync(lock(), JSON.stringify({ ...(JSON.parse(readFileSync(lock(), 'utf8')) as Claim), ...over })); };
const state = (): string | undefined => readClaim(lock())?.state;
/** Runs `cdrec clean` and returns what is left. */
async function left(): Promise<string[]> {
  const terminal = new Terminal();
  terminal.print = () => undefined;
  terminal.say = () => undefined;
  expect(await clean([], { out: dir }, terminal)).toBe(0);
  return readdirSync(dir).sort();
}

describe('a claim', () => {
  it('keeps others away as long as its process lives, and no longer', async () => {
    const release = claim(mine());
    expect(() => claim(mine())).toThrow(expect.objectContaining({ code: 'OUTPUT_BUSY', message: expect.stringContaining(`(process ${String(process.pid)})`) as string }));
    release();
    expect(readdirSync(dir)).toEqual([]);
    const child = spawn('sleep', ['60']);
    try {
      claim(mine());
      const ticks = readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] as string;
      change({ pid: child.pid as number, ticks });
      expect(state()).toBe('alive');
      change({ ticks: '1' }); // another process has got its number
      expect(state()).toBe('dead');
      change({ ticks });
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.on('exit', resolve));
    }
    expect(state()).toBe('dead');
    claim(mine())(); // taken over, given back
    expect(existsSync(lock())).toBe(false);
  });

  it('of this machine before its last start counts no more; of another machine, or not legible, it counts', () => {
    claim(mine());
    change({ boot: 'before' });
    expect(state()).toBe('dead');
    change({ machine: 'another' });
    expect(state()).toBe('unknown');
    expect(() => claim(mine())).toThrow(expect.objectContaining({ code: 'OUTPUT_BUSY' }));
    writeFileSync(lock(), '');
    expect(state()).toBe('unknown');
    expect(() => claim(mine())).toThrow(expect.objectContaining({ message: expect.stringContaining('somebody') as string }));
  });
});

describe('cdrec clean', () => {
  const unfinished = ['.x.html.partial', '.x.partial', '.x_1.iso.partial', '.x_12.iso.partial', '.cdrec-grub-abc', '.cdrec-syslinux-abc'];
  const plant = (): void => { for (const n of [...unfinished, '.y_1.iso.partial', 'x_1.iso', '.profile']) writeFileSync(join(dir, n), ''); };
  it('leaves what is being made, here or elsewhere, and finished sets', async () => {
    claim(mine());
    plant();
    const rest = ['.profile', '.x.lock', ...unfinished, 'x_1.iso'].sort();
    expect(await left()).toEqual(rest);
    change({ boot: 'other', machine: 'another' });
    plant();
    expect(await left()).toEqual(rest);
    change({ pid: 2 ** 30 });
    writeFileSync(lock(), JSON.stringify({ ...(JSON.parse(readFileSync(lock(), 'utf8')) as Claim), boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() }));
    expect(await left()).toEqual(['.profile', 'x_1.iso']);
    // Locks of other programs are none of ours.
    plant();
    writeFileSync(lock(), '{"host":"h"}');
    writeFileSync(join(dir, '.z.lock'), '1234\n');
    expect(await left()).toEqual(['.profile', '.x.lock', '.z.lock', 'x_1.iso']);
  });
});

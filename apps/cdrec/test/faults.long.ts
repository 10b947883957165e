import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withMounts } from '@cdrec/rehearse';
import { cdrec, inMachine, MACHINE_ENV, makeMachine } from './machine.ts';

/** Builds that something happens to: status and message are right, nothing with a final name is left, no process, no mount; the next build succeeds. */
let dir: string;
let machine: string;
let out: string;
let seed = Date.now() % 1_000_000;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

beforeAll(async () => {
  console.log(`seed ${String(seed)}`);
  dir = mkdtempSync('/var/tmp/cdrec-faults-');
  machine = await makeMachine(dir);
  out = join(dir, 'out');
  mkdirSync(out);
  execFileSync('truncate', ['-s', '600M', join(dir, 'out.img')]);
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', join(dir, 'out.img')]);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

interface Ended { status: number | null; signal: NodeJS.Signals | null; stderr: string; seconds: number }

/** Starts a build in the machine; `meanwhile` gets its process. */
async function build(root: string, kernel: string, meanwhile: (pid: number, ended: () => boolean) => Promise<void>): Promise<Ended> {
  const started = Date.now();
  const child = spawn('chroot', [root, 'cdrec', 'build', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt', '--mode', 'iso', '--volume-size', '110M'], { stdio: ['ignore', 'ignore', 'pipe'], env: MACHINE_ENV });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  let over = false;
  const ended = new Promise<Ended>((resolve) => child.on('close', (status, signal) => {
    over = true;
    resolve({ status, signal, stderr, seconds: (Date.now() - started) / 1000 });
  }));
  await meanwhile(child.pid as number, () => over);
  return await ended;
}

/** Processes that live in the machine, with their command lines. */
const processes = (root: string): { pid: number; name: string }[] => readdirSync('/proc').filter((n) => /^\d+$/.test(n)).flatMap((n) => {
  try {
    return readlinkSync(`/proc/${n}/root`).startsWith(root) ? [{ pid: Number(n), name: readFileSync(`/proc/${n}/comm`, 'utf8').trim() }] : [];
  } catch {
    return []; // ended meanwhile
  }
});
const left = (): string[] => readdirSync(out).filter((n) => n !== 'lost+found' && n !== 'filler');
/** What is mounted, but for what other tests of this machine have in their own directories. */
const mounts = (): string => execFileSync('findmnt', ['--noheadings', '--raw', '--output', 'TARGET,SOURCE'], { encoding: 'utf8' }).split('\n').filter((l) => !l.includes('/cdrec-') || l.includes(dir)).join('\n');

async function nothingLeft(root: string, before: string): Promise<void> {
  for (let i = 0; i < 50 && processes(root).length > 0; i++) await sleep(100);
  expect(processes(root)).toEqual([]);
  expect(left()).toEqual([]);
  expect(mounts()).toBe(before);
}
const clear = (): void => { for (const n of readdirSync(out).filter((x) => x !== 'lost+found')) rmSync(join(out, n), { recursive: true }); };

async function inPlace(work: (root: string, kernel: string) => Promise<void>): Promise<void> {
  await withMounts([['-o', 'loop', join(dir, 'out.img'), out]], () => inMachine(machine, dir, [[out, 'mnt']], work));
}

describe('a build', () => {
  it('that finds the disk full at ten random points fails, says so and leaves nothing; the next one succeeds', async () => {
    await inPlace(async (root, kernel) => {
      const before = mounts();
      const whole = await build(root, kernel, () => Promise.resolve());
      expect(whole.status, whole.stderr).toBe(0);
      const need = left().reduce((n, name) => n + Number(execFileSync('stat', ['-c', '%s', join(out, name)], { encoding: 'utf8' })), 0);
      clear();
      for (let i = 0; i < 10; i++) {
        const fs = statfsSync(out);
        const leave = Math.floor(random() * (need - (3 << 20)));
        execFileSync('fallocate', ['-l', String(fs.bavail * fs.bsize - leave), join(out, 'filler')]);
        const r = await build(root, kernel, () => Promise.resolve());
        expect([r.status, r.stderr], `${String(leave)} of ${String(need)} bytes free`).toEqual([1, expect.stringMatching(/cdrec: error .*(ENOSPC|[Nn]o space left)[^]*hint: the disk is full|ENOSPC[^]*hint:/)]);
        await nothingLeft(root, before);
        rmSync(join(out, 'filler'));
      }
      expect((await build(root, kernel, () => Promise.resolve())).status).toBe(0);
      expect((await cdrec('verify', ...left().map((n) => join(out, n)))).status).toBe(0);
      clear();
    });
  });

  it.each([['zstd', /FILTER_FAILED: the archive of \/ is not complete: zstd was ended by signal 9/], ['tar', /TAR_FAILED: the archive of \/ is not complete: tar was ended by a signal/], ['mksquashfs', /mksquashfs could not pack the rescue system/]])('whose %s is killed fails, names it and leaves nothing', async (name, message) => {
    await inPlace(async (root, kernel) => {
      const before = mounts();
      const r = await build(root, kernel, async (_pid, ended) => {
        while (!ended()) {
          const found = processes(root).find((p) => p.name === name);
          if (found !== undefined) {
            await sleep(150);
            try {
              process.kill(found.pid, 'SIGKILL');
              return;
            } catch {
              continue; // it only said its version
            }
          }
          await sleep(5);
        }
      });
      expect([r.status, r.stderr]).toEqual([1, expect.stringMatching(message)]);
      await nothingLeft(root, before);
    });
  });

  it('that is ended by SIGTERM at twenty random points leaves nothing; the next one succeeds', async () => {
    await inPlace(async (root, kernel) => {
      const before = mounts();
      const whole = await build(root, kernel, () => Promise.resolve());
      expect(whole.status, whole.stderr).toBe(0);
      clear();
      let interrupted = 0;
      // How long a build takes changes with what else the machine does: the shortest is what the points lie in.
      let { seconds } = whole;
      for (let tries = 0; interrupted < 20 && tries < 60; tries++) {
        const after = random() * seconds * 0.95;
        const r = await build(root, kernel, async (pid, ended) => {
          await sleep(after * 1000);
          if (!ended()) process.kill(pid, 'SIGTERM');
        });
        if (r.status === 0) { // it was done before the signal came
          seconds = Math.min(seconds, r.seconds);
          clear();
          continue;
        }
        interrupted++;
        // Before Node has started, the signal does what it does to every program.
        if (r.signal === null) expect([r.status, r.stderr], `after ${String(after)} s`).toEqual([1, expect.stringMatching(/cdrec: error INTERRUPTED: interrupted\n +hint: what was begun is removed/)]);
        else expect([r.signal, after < 1]).toEqual(['SIGTERM', true]);
        await nothingLeft(root, before);
      }
      expect(interrupted).toBe(20);
      expect((await build(root, kernel, () => Promise.resolve())).status).toBe(0);
      expect((await cdrec('verify', ...left().map((n) => join(out, n)))).status).toBe(0);
      clear();
    });
  });
});

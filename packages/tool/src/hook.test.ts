import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { runHook } from './hook.ts';

const dir = mkdtempSync(join(tmpdir(), 'cdrec-hook-'));
afterAll(() => { rmSync(dir, { recursive: true }); });
const file = join(dir, 'said');
async function said(work: (output: number) => Promise<void>): Promise<string> {
  const output = openSync(file, 'w');
  try {
    await work(output);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(output);
    rmSync(file);
  }
}
const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a command of the administrator', () => {
  it('is waited for, what it leaves running is not', async () => {
    const started = performance.now();
    const pid = Number(await said((output) => runHook('echo $X; sleep 60 & echo $! >&2', { env: { X: '' }, output })));
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(isThere(pid)).toBe(true);
    process.kill(pid);
  });

  it('that fails says how; interrupted, it ends with what it has started', async () => {
    await said(async (output) => { await expect(runHook('exit 4', { output })).rejects.toMatchObject({ code: 'TOOL_FAILED', message: '"exit 4" ended with status 4' }); });
    await said(async (output) => { await expect(runHook('kill -9 $$', { output })).rejects.toMatchObject({ message: expect.stringContaining('SIGKILL') as string }); });
    const stop = new AbortController();
    const text = await said(async (output) => {
      const run = runHook('sleep 60 & echo $!; wait; true', { output, signal: stop.signal });
      const refused = expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
      while (readFileSync(file, 'utf8') === '') await sleep(20);
      stop.abort();
      await refused;
    });
    for (let i = 0; i < 100 && isThere(Number(text)); i++) await sleep(50);
    expect(isThere(Number(text))).toBe(false);
  });
});

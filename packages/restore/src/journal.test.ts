import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal, parseJournal, timeOf } from './journal.ts';
import type { Plan, Step } from './plan.ts';

const dir = mkdtempSync(join(tmpdir(), 'cdrec-journal-'));
afterAll(() => { rmSync(dir, { recursive: true }); });

describe('the journal', () => {
  // Without a file system to restore there is no side on the target (integration tests have one).
  const steps = ['wipe /dev/vda', 'adapt', 'boot loader /dev/vda'].map((id) => ({ id, kind: 'hook', script: '', fileSystems: [] })) as unknown as Step[];
  const plan = { id: 'abc', steps } as unknown as Plan;
  const file = join(dir, 'journal');
  it('knows in a second run what was done, and what that rewrote', async () => {
    const first = new Journal(plan, file, dir);
    await first.add(steps[0] as Step);
    await first.add(steps[1] as Step, ['/etc/fstab', '/boot/a "quoted" name']);
    const second = new Journal(plan, file, dir);
    expect([second.size, steps.map((s) => second.has(s)), second.rewritten]).toEqual([2, [true, true, false], ['/etc/fstab', '/boot/a "quoted" name']]);
    expect(new Journal({ ...plan, id: 'def' }, file, dir).rewritten).toEqual([]);
    expect(new Journal(plan, file, dir, true).size).toBe(0);
  });
  it('keeps what a step noted before it was interrupted', async () => {
    const noting = new Journal({ ...plan, id: '123' }, file, dir);
    await noting.note(steps[1] as Step, 'first');
    await noting.note(steps[1] as Step, '["/etc/crypttab: \\"x\\" -> y", "ü"]');
    const again = new Journal({ ...plan, id: '123' }, file, dir);
    expect([again.size, again.noted(steps[1] as Step), again.noted(steps[0] as Step), again.rewritten]).toEqual([0, '["/etc/crypttab: \\"x\\" -> y", "ü"]', undefined, []]);
  });
  it('knows times to the nanosecond, also before 1970', () => {
    for (const time of ['1960-05-05 05:05:05.123456789Z', '2001-01-01 01:01:01.000000001Z']) {
      execFileSync('touch', ['-d', time, file]);
      const noted = timeOf(file);
      execFileSync('touch', ['-d', noted, join(dir, 'other')]);
      expect(statSync(join(dir, 'other'), { bigint: true }).mtimeNs).toBe(statSync(file, { bigint: true }).mtimeNs);
    }
  });
  it('does not count a torn last line', () => {
    writeFileSync(file, '{"plan":"abc","step":"one"}\n{"plan":"abc","step":"tw');
    expect([...parseJournal('{"plan":"abc","step":"one"}\n{"plan":"abc","step":"tw', 'abc')]).toEqual(['one']);
    expect(new Journal(plan, file, dir).size).toBe(0); // no step of this plan
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal, parseJournal } from './journal.ts';
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
  it('does not count a torn last line', () => {
    writeFileSync(file, '{"plan":"abc","step":"one"}\n{"plan":"abc","step":"tw');
    expect([...parseJournal('{"plan":"abc","step":"one"}\n{"plan":"abc","step":"tw', 'abc')]).toEqual(['one']);
    expect(new Journal(plan, file, dir).size).toBe(0); // no step of this plan
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sfvProgram } from './program.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-sfv-'));
  mkdirSync(join(dir, 'd'));
  writeFileSync(join(dir, 'd/one two'), 'content');
  writeFileSync(join(dir, 'big'), Buffer.alloc(1_000_003, 7));
});
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

function run(...args: string[]): { status: number; out: string; err: string } {
  let [out, err] = ['', ''];
  const status = sfvProgram(args, { out: (t) => { out += t; }, err: (t) => { err += t; } });
  return { status, out, err };
}

describe('cdrec-sfv', () => {
  it('prints what cksfv accepts and checks what cksfv prints', () => {
    const made = run(join(dir, 'd'), join(dir, 'big'));
    expect(made.status).toBe(0);
    writeFileSync(join(dir, 'ours.sfv'), made.out.replaceAll(`${dir}/`, ''));
    execFileSync('cksfv', ['-q', '-f', 'ours.sfv'], { cwd: dir });
    writeFileSync(join(dir, 'theirs.sfv'), execFileSync('cksfv', ['d/one two', 'big'], { cwd: dir }));
    expect(run('-f', join(dir, 'theirs.sfv'))).toEqual({ status: 0, out: 'd/one two: OK\nbig: OK\n', err: '' });
    expect(run('-q', '-C', dir, '-f', join(dir, 'theirs.sfv'), 'big')).toEqual({ status: 0, out: '', err: '' });
  });
  it('names what is damaged, missing or not listed', () => {
    writeFileSync(join(dir, 's.sfv'), 'big 00000000\ngone 00000000\n');
    const r = run('-f', join(dir, 's.sfv'), 'big', 'gone', 'other');
    expect(r.status).toBe(1);
    expect(r.err).toMatch(/other: not in .*\nbig: damaged: its CRC-32 differs\ngone: ENOENT/);
    expect(run().status).toBe(2);
    expect(run(join(dir, 'none'))).toMatchObject({ status: 1, err: expect.stringContaining('ENOENT') as string });
  });
});

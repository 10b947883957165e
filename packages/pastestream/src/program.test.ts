import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pastestreamProgram } from './program.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-paste-'));
  for (const n of [1, 2, 3]) writeFileSync(join(dir, `p.00${String(n)}`), Buffer.alloc(300_000, n));
  writeFileSync(join(dir, 'sums.sfv'), execFileSync('cksfv', ['-b', ...[1, 2, 3].map((n) => join(dir, `p.00${String(n)}`))]));
});
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

function paste(args: string[], env: Record<string, string> = {}): { status: number; err: string; whole: boolean } {
  const output = openSync(join(dir, 'out'), 'w');
  let err = '';
  const status = pastestreamProgram(args, {
    help: () => undefined, err: (text) => { err += text; }, env, output,
    run: (command) => {
      try {
        execFileSync('sh', ['-c', command]);
        return 0;
      } catch (error) {
        return (error as { status: number }).status;
      }
    },
  });
  closeSync(output);
  // Byte by byte an assertion would need half a minute for a difference that nobody wants to read.
  return { status, err, whole: readFileSync(join(dir, 'out')).equals(whole()) };
}
const piece = (n: number): string => join(dir, `p.00${String(n)}`);
const whole = (): Buffer => Buffer.concat([1, 2, 3].map((n) => Buffer.alloc(300_000, n)));

describe('pastestream as a program', () => {
  it('joins pieces, with the sums of cksfv or without', () => {
    expect(paste([piece(1), piece(2), piece(3)])).toMatchObject({ status: 0, err: '', whole: true });
    expect(paste(['--sfv', join(dir, 'sums.sfv'), piece(1), piece(2), piece(3)])).toMatchObject({ status: 0, whole: true });
  });
  it('names a damaged, a missing and a foreign piece', () => {
    writeFileSync(piece(2), Buffer.alloc(300_000, 9));
    expect(paste(['--sfv', join(dir, 'sums.sfv'), piece(1), piece(2), piece(3)])).toMatchObject({ status: 1, err: expect.stringContaining('p.002 is damaged') as string });
    expect(paste([piece(1), join(dir, 'p.004')])).toMatchObject({ status: 1, err: expect.stringContaining('p.004') as string });
    writeFileSync(join(dir, 'x.001'), 'x');
    expect(paste(['--sfv', join(dir, 'sums.sfv'), join(dir, 'x.001')])).toMatchObject({ status: 1, err: expect.stringContaining('x.001: not in') as string });
  });
  it('finds by the list that the last piece is not given, or that pieces are in another order, before it writes', () => {
    const sfv = ['--sfv', join(dir, 'sums.sfv')];
    for (const [pieces, said] of [[[1, 2], 'p.003 of p missing'], [[2, 3], 'p.001 of p missing'], [[1, 3, 2], 'in the order p.001, p.002, p.003'], [[1, 2, 2, 3], 'each once']] as const) {
      expect(paste([...sfv, ...pieces.map(piece)])).toMatchObject({ status: 1, err: expect.stringContaining(said) as string });
      expect(readFileSync(join(dir, 'out')).length).toBe(0);
    }
    // Another stream in the same list is another matter.
    writeFileSync(join(dir, 'other.001'), 'x');
    writeFileSync(join(dir, 'sums.sfv'), execFileSync('cksfv', ['-b', ...[1, 2, 3].map(piece), join(dir, 'other.001')]));
    expect(paste([...sfv, ...[1, 2, 3].map(piece)])).toMatchObject({ status: 0, whole: true });
  });
  it('follows mkCDrec by the environment, asking for volumes', () => {
    const [restore, more] = [join(dir, 'restore'), join(dir, 'more_to_come')];
    writeFileSync(restore, `${piece(1)}\n`);
    writeFileSync(more, '1\n');
    const ask = `case $(cat ${restore}) in *1) echo ${piece(2)} > ${restore};; *) echo ${piece(3)} > ${restore}; echo 0 > ${more};; esac`;
    expect(paste([], { RESTORE: restore, MORE_TO_COME: more, ASK_FOR_CD: ask })).toMatchObject({ status: 0, whole: true });
    writeFileSync(more, '1\n');
    expect(paste([], { RESTORE: restore, MORE_TO_COME: more, ASK_FOR_CD: 'exit 3' })).toMatchObject({ status: 1, err: expect.stringContaining('ended with status 3: the stream is not complete') as string });
    expect(paste([], { RESTORE: restore })).toMatchObject({ status: 2, err: expect.stringContaining('MORE_TO_COME, ASK_FOR_CD must be set') as string });
  });
});

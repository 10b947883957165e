import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { pieceSuffix } from './piece-name.ts';
import { cutstreamProgram } from './program.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-cut-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

/** Runs the program on `data`; commands run for real. */
function cut(data: Uint8Array, args: string[], env: Record<string, string> = {}): { status: number; err: string } {
  writeFileSync(join(dir, 'input'), data);
  const input = openSync(join(dir, 'input'), 'r');
  let err = '';
  try {
    const status = cutstreamProgram(args, {
      out: () => undefined, err: (text) => { err += text; }, env, input,
      run: (command, more) => {
        try {
          execFileSync('sh', ['-c', command], { env: { ...process.env, ...env, ...more } });
          return 0;
        } catch (error) {
          return (error as { status: number }).status;
        }
      },
    });
    return { status, err };
  } finally {
    closeSync(input);
  }
}
const bytes = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => (i * 31) & 255));

describe('cutstream as a program', () => {
  it('cuts into pieces that are the stream again, none of them empty but that of an empty stream', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 2000 }), (n, size) => {
      fc.pre(n / size < 50); // each piece waits for the disk
      for (const f of readdirSync(dir)) rmSync(join(dir, f));
      expect(cut(bytes(n), [String(size), join(dir, 'p')]).status).toBe(0);
      const pieces = readdirSync(dir).filter((f) => f.startsWith('p.')).sort();
      expect(pieces).toHaveLength(Math.max(1, Math.ceil(n / size)));
      expect(Buffer.concat(pieces.map((p) => readFileSync(join(dir, p)))).equals(bytes(n))).toBe(true);
    }), { numRuns: 20 });
  });

  it('names the pieces so that a shell has them in their order, however many they are', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => pieceSuffix(i + 1));
    expect([...names].sort()).toEqual(names);
    expect([1, 899, 900, 8999, 9000].map(pieceSuffix)).toEqual(['.001', '.899', '.90900', '.98999', '.9909000']);
    expect(cut(bytes(1200), ['1', join(dir, 'p')]).status).toBe(0);
    expect(execFileSync('sh', ['-c', 'cat p.*'], { cwd: dir }).equals(bytes(1200))).toBe(true);
  });

  it('writes an SFV file that cksfv accepts, and refuses to overwrite', () => {
    expect(cut(bytes(2500), ['1000', join(dir, 'p'), '--sfv', join(dir, 'sums.sfv')]).status).toBe(0);
    execFileSync('cksfv', ['-q', '-f', 'sums.sfv'], { cwd: dir });
    expect(cut(bytes(10), ['1000', join(dir, 'p')])).toEqual({ status: 1, err: expect.stringContaining('exists already') as string });
    // An old piece that the new stream would not reach, or reach too late.
    for (const n of ['p.001', 'p.002']) rmSync(join(dir, n));
    for (const size of [10, 2500]) expect(cut(bytes(size), ['1000', join(dir, 'p')])).toEqual({ status: 1, err: expect.stringContaining('p.003 exists already') as string });
    expect(readdirSync(dir).filter((n) => /^\.?p\./.test(n))).toEqual(['p.003']);
  });

  it('follows mkCDrec by the environment: the command makes a volume, the number goes up, the stream goes on', () => {
    const volno = join(dir, 'volno');
    writeFileSync(volno, '1\n');
    const destination = join(dir, 'sda1.tar.gz');
    const env = { CAPACITY: '2', MAXCDSIZE: '3', DESTINATION: destination, VOLNO_FILE: volno, MAKE_ISO9660: `mv "$DESTINATION" ${dir}/volume-$(cat "$VOLNO_FILE")` };
    expect(cut(bytes(2048 + 3072 + 3072), [], env).status).toBe(0); // an exact fit: no further volume
    expect(readFileSync(volno, 'utf8').trim()).toBe('3');
    const parts = ['volume-1', 'volume-2', 'sda1.tar.gz'].map((f) => readFileSync(join(dir, f)));
    expect(parts.map((p) => p.length)).toEqual([2048, 3072, 3072]);
    expect(Buffer.concat(parts).equals(bytes(8192))).toBe(true);
  });

  it('says so when the command fails, and loses nothing', () => {
    const volno = join(dir, 'volno');
    writeFileSync(volno, '1\n');
    const destination = join(dir, 'd');
    const failed = cut(bytes(5000), [], { CAPACITY: '2', DESTINATION: destination, VOLNO_FILE: volno, MAKE_ISO9660: 'exit 5' });
    expect(failed).toEqual({ status: 1, err: expect.stringContaining('ended with status 5: volume 1 is not made') as string });
    expect([readFileSync(destination).equals(bytes(2048)), readFileSync(volno, 'utf8')]).toEqual([true, '1\n']);
  });

  it('tells wrong usage from failure, and names a full disk', () => {
    expect(cut(bytes(1), ['12X', 'p']).status).toBe(2);
    expect(cut(bytes(1), [], { CAPACITY: '10' })).toEqual({ status: 2, err: expect.stringContaining('DESTINATION, VOLNO_FILE, MAKE_ISO9660 must be set') as string });
    const full = cut(bytes(4096), [], { CAPACITY: '10', DESTINATION: '/dev/full', VOLNO_FILE: join(dir, 'v'), MAKE_ISO9660: 'true' });
    expect(full).toEqual({ status: 1, err: expect.stringContaining('ENOSPC') as string });
    expect(existsSync(join(dir, 'p'))).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatTape, parseAttributes, parseTape, parseTapeCapacityPage, TapeFile } from './index.ts';

describe('parseTape', () => {
  it('reads drives here and elsewhere, and refuses what rewinds or is none', () => {
    expect(parseTape('/dev/nst0')).toEqual({ device: '/dev/nst0' });
    expect(parseTape('root@backup.example.org:/dev/tape/by-id/scsi-1-nst')).toEqual({ host: 'root@backup.example.org', device: '/dev/tape/by-id/scsi-1-nst' });
    expect(formatTape(parseTape('h:/dev/nst1'))).toBe('h:/dev/nst1');
    expect(() => parseTape('/dev/st0')).toThrow(expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('/dev/nst0') as string }) as Error);
    for (const bad of ['nst0', '-oProxyCommand=x:/dev/nst0', 'h:/dev/nst0;rm', 'h:/dev/$(x)', '']) expect(() => parseTape(bad)).toThrow(/no tape drive/);
  });
});

describe('capacity', () => {
  it('is read from what the drive says', () => {
    expect(parseAttributes('Attribute values:\n  Remaining capacity in partition [MiB]: 1386144\n  Maximum capacity in partition [MiB]: 1386144\n')).toEqual({ remaining: 1386144 * 2 ** 20, maximum: 1386144 * 2 ** 20, source: 'medium auxiliary memory' });
    expect(parseTapeCapacityPage('Tape capacity page  (LTO-5 and LTO-6 specific) [0x31]\n  Main partition remaining capacity (in MiB): 700\n  Alternate partition remaining capacity (in MiB): 0\n  Main partition maximum capacity (in MiB): 1400\n')?.remaining).toBe(700 * 2 ** 20);
    expect(parseAttributes('READ ATTRIBUTE: Invalid opcode')).toBeUndefined();
    expect(parseTapeCapacityPage('')).toBeUndefined();
  });

  it('is read from what sg3-utils make of a drive\'s answer', () => {
    const number = (value: bigint | number, bytes: number): string => value.toString(16).padStart(bytes * 2, '0');
    // READ ATTRIBUTE (SPC-4 6.18, 7.4.1): length; then of each attribute identifier, read-only and binary, length, value. LTO-6 with a little written.
    const attributes = [[0x0000, 2_384_185n], [0x0001, 2_384_187n], [0x0003, 23n]].map(([id, value]) => `${number(id as number, 2)}80${number(8, 2)}${number(value as bigint, 8)}`).join('');
    // LOG SENSE: page 31h of LTO drives; of each parameter code, control byte, length, value in MiB.
    const parameters = [[1, 1_200_000], [2, 0], [3, 1_400_000], [4, 0]].map(([code, value]) => `${number(code as number, 2)}4004${number(value as number, 4)}`).join('');
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-tape-'));
    const say = (program: string, answer: string): string => {
      writeFileSync(join(dir, 'answer'), Buffer.from(answer, 'hex'));
      return execFileSync(program, ['--raw', `--in=${join(dir, 'answer')}`], { encoding: 'utf8' });
    };
    try {
      expect(parseAttributes(say('sg_read_attr', `${number(attributes.length / 2, 4)}${attributes}`))).toEqual({ remaining: 2_384_185 * 2 ** 20, maximum: 2_384_187 * 2 ** 20, source: 'medium auxiliary memory' });
      expect(parseTapeCapacityPage(say('sg_logs', `3100${number(parameters.length / 2, 2)}${parameters}`))).toEqual({ remaining: 1_200_000 * 2 ** 20, maximum: 1_400_000 * 2 ** 20, source: 'log page 31h' });
      // A drive without a cartridge memory leaves both out.
      expect(parseAttributes(say('sg_read_attr', number(0, 4)))).toBeUndefined();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** dd as it is, onto a file system that is full after so many bytes: `head` in its place takes that many and says what dd would say. */
const full = (bytes: number): { program: string; args: string[] } => ({ program: 'sh', args: ['-c', `head -c ${String(bytes)} > /dev/null; echo "dd: error writing '/dev/nst0': No space left on device" >&2; echo "9+0 records in" >&2; echo "${String(bytes / 1024)}+0 records out" >&2; exit 1`] });

describe('TapeFile', () => {
  const chunk = (n: number): Buffer => Buffer.alloc(1000, n);
  it('knows what got onto the tape and gives back the rest', async () => {
    for (const blocks of [0, 1, 7, 40]) {
      const file = new TapeFile(full(blocks * 1024), 'x', 1024, false, () => undefined);
      const settled: Uint8Array[] = [];
      file.onSettled = (c) => settled.push(Buffer.from(c));
      let sent = 0;
      for (; sent < 100; sent++) if (!(await file.write(chunk(sent)))) { sent++; break; }
      const end = await file.close();
      expect(end).toMatchObject({ full: true, bytes: blocks * 1024 });
      const all = Buffer.concat([...settled, ...end.rest]);
      expect(Buffer.concat(settled)).toHaveLength(blocks * 1024);
      expect(all.equals(Buffer.concat(Array.from({ length: sent }, (_, n) => chunk(n))))).toBe(true);
    }
  });
  it('keeps every other failure one', async () => {
    const file = new TapeFile({ program: 'sh', args: ['-c', 'cat > /dev/null; echo "dd: writing: Input/output error" >&2; exit 1'] }, 'drive', 1024, false, () => undefined);
    await file.write(chunk(1));
    await expect(file.close()).rejects.toMatchObject({ code: 'TAPE_FAILED', message: expect.stringContaining('Input/output error') as string });
  });
});

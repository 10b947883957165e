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

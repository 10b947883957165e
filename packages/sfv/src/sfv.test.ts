import { buf as referenceCrc } from 'crc-32';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32OfStream, formatSfv, parseSfv, verifySfv } from './index.ts';

// eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
async function* chunks(...list: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

describe('SFV', () => {
  it('parses what it formats', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.][A-Za-z0-9 _./-]{0,40}[A-Za-z0-9_.]$/);
    fc.assert(
      fc.property(fc.array(fc.record({ name, crc32: fc.nat({ max: 0xffffffff }) })), (entries) => {
        expect(parseSfv(formatSfv(entries, ['made by a test']))).toEqual(entries);
      }),
    );
  });

  it('computes the CRC-32 of any chunking as an independent implementation does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (list) => {
        expect(await crc32OfStream(chunks(...list))).toBe(referenceCrc(Buffer.concat(list)) >>> 0);
      }),
    );
  });

  it('accepts CRLF and names with blanks, names the line that is wrong', () => {
    expect(parseSfv('; c\r\nmy file.txt DEADBEEF\r\n')).toEqual([{ name: 'my file.txt', crc32: 0xdeadbeef }]);
    expect(() => parseSfv('; c\nfile XYZ\n')).toThrow(/line 2/);
    expect(() => formatSfv([{ name: 'a\nb', crc32: 1 }])).toThrow(/cannot carry/);
  });

  it('tells mismatch from missing', async () => {
    const results = [];
    const entries = [{ name: 'a', crc32: 0xe8b7be43 }, { name: 'b', crc32: 1 }, { name: 'c', crc32: 1 }];
    for await (const r of verifySfv(entries, (n) => {
      if (n === 'c') throw new Error('gone');
      return chunks(Buffer.from('a'));
    })) results.push(r.status);
    expect(results).toEqual(['ok', 'mismatch', 'missing']);
  });
});

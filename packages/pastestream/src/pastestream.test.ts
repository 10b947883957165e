import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pasteStream, type PieceSource } from './index.ts';

const sha = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');

function source(name: string, stored: Uint8Array, written = stored): PieceSource {
  return {
    name, bytes: written.length, sha256: sha(written),
    // eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
    open: async function* () {
      for (let at = 0; at < stored.length; at += 7) yield stored.subarray(at, at + 7);
    },
  };
}

async function collect(gen: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts = [];
  for await (const c of gen) parts.push(c);
  return Buffer.concat(parts);
}

describe('pasteStream', () => {
  it('gives back the stream that was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 })), async (list) => {
        const whole = Buffer.concat(list);
        expect(await collect(pasteStream(list.map((b, i) => source(String(i), b)), sha(whole)))).toEqual(whole);
      }),
    );
  });

  it('names the piece that is damaged, short, long, or out of order', async () => {
    const good = Buffer.from('the quick brown fox');
    const bad = Buffer.from(good);
    bad[3] = 0;
    const run = (...p: PieceSource[]): Promise<Buffer> => collect(pasteStream(p, sha(Buffer.concat([good, Buffer.from('x')]))));
    await expect(run(source('p1', bad, good))).rejects.toMatchObject({ code: 'PASTE_DIGEST', piece: 'p1' });
    await expect(run(source('p1', good.subarray(1), good))).rejects.toMatchObject({ code: 'PASTE_SIZE' });
    await expect(run(source('p1', Buffer.concat([good, good]), good))).rejects.toMatchObject({ code: 'PASTE_SIZE' });
    await expect(run(source('p2', Buffer.from('x')), source('p1', good))).rejects.toMatchObject({ code: 'PASTE_WHOLE' });
  });
});

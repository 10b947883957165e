import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutStream } from './index.ts';

// eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
async function* chunks(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

async function cut(list: readonly Uint8Array[], capacities: (n: number) => number): Promise<{ written: Buffer[]; last: boolean[]; result: Awaited<ReturnType<typeof cutStream>> }> {
  const written: Buffer[] = [];
  const last: boolean[] = [];
  const result = await cutStream(chunks(list), (n) => {
    const parts: Uint8Array[] = [];
    return { capacity: capacities(n), write: (c) => void parts.push(Buffer.from(c)), close: (_, l) => { written.push(Buffer.concat(parts)); last.push(l); } };
  });
  return { written, last, result };
}

describe('cutStream', () => {
  it('loses and invents nothing, whatever the chunking and the capacities', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), async (list, caps) => {
        const cap = (n: number): number => caps[(n - 1) % caps.length] as number;
        const { written, last, result } = await cut(list, cap);
        const whole = Buffer.concat(list);
        expect(Buffer.concat(written)).toEqual(whole);
        expect(result.sha256).toBe(createHash('sha256').update(whole).digest('hex'));
        result.pieces.forEach((p, i) => {
          expect(p.sha256).toBe(createHash('sha256').update(written[i] as Buffer).digest('hex'));
          expect(p.bytes).toBe((written[i] as Buffer).length);
          if (i < result.pieces.length - 1) expect(p.bytes).toBe(cap(i + 1));
        });
        expect(last.filter(Boolean)).toEqual([true]);
      }),
    );
  });

  it('makes no empty last piece on an exact fit', async () => {
    expect((await cut([Buffer.alloc(20)], () => 10)).written.length).toBe(2);
    expect((await cut([], () => 10)).written.length).toBe(1);
  });

  it('refuses a sink without room', async () => {
    await expect(cut([Buffer.alloc(1)], () => 0)).rejects.toMatchObject({ code: 'CUT_NO_ROOM' });
  });
});

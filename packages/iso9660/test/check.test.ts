import { describe, expect, it } from 'vitest';
import { bufferSource, checkImage } from '@cdrec/iso9660';
import { GPT_MUTATIONS, MUTATIONS, UDF_MUTATIONS } from './mutations.ts';
import { richImage } from './sample.ts';

const check = (image: Buffer): ReturnType<typeof checkImage> => checkImage(bufferSource(image));
const good = richImage();

describe('checkImage', () => {
  it.each([['plain', {}], ['UDF bridge', { udf: true }], ['level 4, long Joliet', { level: 4, joliet: 'long' }], ['level 1', { level: 1 }], ['relocated', { deepDirectories: 'relocate' }]] as const)('finds nothing in an image of this package: %s', async (_, options) => {
    expect(await check(richImage(options))).toEqual([]);
  });

  it('has 42 corruptions to find', () => { expect(MUTATIONS).toHaveLength(42); });

  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('finds: %s', async (_, mutation) => {
    const image = Buffer.from(good);
    const changed = mutation.apply(image) ?? image;
    expect(changed.equals(good)).toBe(false);
    const findings = await check(changed);
    expect(findings.filter((f) => f.severity !== 'note')).not.toEqual([]);
  });

  it.each(GPT_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('finds in MBR and GPT: %s', async (_, mutation) => {
    const image = Buffer.from(good);
    mutation.apply(image);
    expect(image.equals(good)).toBe(false);
    expect(await check(image)).not.toEqual([]);
  });

  it.each(UDF_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('finds in UDF: %s', async (_, mutation) => {
    const bridge = richImage({ udf: true });
    const image = Buffer.from(bridge);
    mutation.apply(image);
    expect(image.equals(bridge)).toBe(false);
    expect((await check(image)).map((f) => f.rule)).toContainEqual(expect.stringMatching(/^udf\./));
  });

  it('says rule, clause, place and severity', async () => {
    const image = Buffer.from(good);
    image.writeUInt32LE(5, 16 * 2048 + 80);
    expect((await check(image)).find((f) => f.rule === 'vd.both-endian')).toEqual({
      rule: 'vd.both-endian', clause: 'ECMA-119 7.2.3, 7.3.3', severity: 'error', offset: 16 * 2048 + 80, text: expect.stringMatching(/^volume space size is 5 little-endian, \d+ big-endian$/) as string,
    });
  });

  it('names what is no image at all', async () => {
    expect((await check(Buffer.alloc(100_000))).map((f) => f.rule)).toEqual(['vd.primary']);
    expect((await check(Buffer.alloc(10))).map((f) => f.rule)).toEqual(['vd.primary']);
  });
});

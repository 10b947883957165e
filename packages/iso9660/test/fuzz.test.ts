import { describe, expect, it } from 'vitest';
import { damage, exercise } from './fuzz.ts';
import { richImage } from './sample.ts';

/** About 20 seconds. CDREC_FUZZ in the environment sets another number. */
const COUNT = Number(process.env['CDREC_FUZZ'] ?? 10000);

describe('hostile images', () => {
  it(`do not crash or hang reader and checker: ${String(COUNT)} damaged images`, async () => {
    const bases = [richImage(), richImage({ deepDirectories: 'relocate', level: 4 }), richImage({ udf: true, rockRidge: false })];
    let slowest = 0;
    const before = process.memoryUsage().rss;
    for (let seed = 1; seed <= COUNT; seed++) {
      const base = bases[seed % bases.length] as Buffer;
      let ms: number;
      try {
        ms = await exercise(damage(base, seed));
      } catch (error) {
        throw new Error(`seed ${String(seed)}`, { cause: error });
      }
      slowest = Math.max(slowest, ms);
      if (ms > 1000) throw new Error(`seed ${String(seed)} took ${String(Math.round(ms))} ms`);
    }
    expect(slowest).toBeLessThan(1000);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(400);
  }, 600_000);
});

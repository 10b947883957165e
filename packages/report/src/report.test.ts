import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskMapSvg, escapeHtml, formatSize, formatTime } from './index.ts';

describe('disk maps', () => {
  it('never draw outside of their box, whatever the sizes', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e13 }), fc.array(fc.record({ name: fc.string(), what: fc.string(), bytes: fc.integer({ min: 0, max: 1e13 }) }), { maxLength: 12 }), (bytes, parts) => {
      const svg = diskMapSvg({ title: 'x', bytes, parts });
      for (const [, x, w] of svg.matchAll(/<rect class="\w+" x="([\d.]+)" y="1" width="([\d.]+)"/g)) expect(Number(x) + Number(w)).toBeLessThanOrEqual(960.5);
      expect(svg.match(/<rect/g)?.length ?? 0).toBeGreaterThanOrEqual(parts.length);
      expect(svg).not.toMatch(/NaN|undefined/);
    }));
  });
  it('name every part', () => {
    expect(diskMapSvg({ title: '/dev/sda', bytes: 2 ** 30, parts: [{ name: 'partition 1', what: 'ext4 /', bytes: 2 ** 29 }] })).toContain('aria-label="/dev/sda, 1.0 GiB: partition 1 ext4 / 512 MiB"');
  });
});

describe('words', () => {
  it('are safe in HTML and short', () => {
    expect(escapeHtml('<a href="x">\'&')).toBe('&#60;a href=&#34;x&#34;&#62;&#39;&#38;');
    expect([formatSize(1), formatSize(3 * 2 ** 20), formatSize(1.5 * 2 ** 30), formatSize(2 ** 41)]).toEqual(['1 KiB', '3.0 MiB', '1.5 GiB', '2.00 TiB']);
    expect([formatTime(59.4), formatTime(125), formatTime(3725)]).toEqual(['59 s', '2 min 5 s', '1 h 2 min']);
  });
});

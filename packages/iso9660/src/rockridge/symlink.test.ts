import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symlinkAreas } from './symlink.ts';

/** Puts components together as the kernel does (rock.c, get_symlink_chunk): a slash unless root or a continued component. */
function kernelReads(areas: readonly Buffer[]): string {
  let out = '';
  areas.forEach((area, n) => {
    for (let at = 0; at < area.length; ) {
      const flags = area[at] as number;
      const length = area[at + 1] as number;
      const last = at + 2 + length >= area.length;
      if ((flags & ~1) === 0) out += area.toString('latin1', at + 2, at + 2 + length);
      else if (flags === 2) out += '.';
      else if (flags === 4) out += '..';
      else if (flags === 8) out += '/';
      at += 2 + length;
      if (flags !== 8 && (flags & 1) === 0 && !(last && n === areas.length - 1)) out += '/';
    }
  });
  return out;
}

const component = fc.oneof(fc.constantFrom('.', '..', 'x', 'ab', ''), fc.stringMatching(/^[a-z0-9]{1,255}$/));

describe('symlinkAreas', () => {
  it('is read back by the kernel\'s rule, in entries of at most 250 bytes, with no component empty but continued', () => {
    fc.assert(fc.property(fc.boolean(), fc.array(component, { minLength: 1, maxLength: 40 }), (absolute, parts) => {
      const target = (absolute ? '/' : '') + parts.join('/');
      const clean = target.replace(/\/+$/, '');
      fc.pre(clean !== '' && !clean.startsWith("//") && (absolute || !target.startsWith('/')));
      const areas = symlinkAreas(target);
      for (const area of areas) expect(area.length).toBeLessThanOrEqual(250);
      expect(kernelReads(areas)).toBe(clean);
    }));
  });

  it('ends continued entries inside a component wherever one can be split', () => {
    for (const areas of [symlinkAreas(Array(80).fill('comp').join('/')), symlinkAreas(`${'c'.repeat(200)}/${'d'.repeat(200)}`), symlinkAreas(`abc/${Array(200).fill('..').join('/')}`)]) {
      for (const area of areas.slice(0, 1)) {
        let flags = 0;
        for (let at = 0; at < area.length; at += 2 + (area[at + 1] as number)) flags = area[at] as number;
        expect(flags & 1).toBe(1);
      }
    }
  });

  it('has the root for "/"', () => { expect(symlinkAreas('/')).toEqual([Buffer.from([8, 0])]); });
});

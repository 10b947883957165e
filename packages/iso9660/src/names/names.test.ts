import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Content, DirNode, FileNode, type IsoNode } from '../tree.ts';
import { decodeName, encodeName } from './bytes.ts';
import { assignIsoIds, byIsoId } from './iso.ts';
import { assignJolietIds, enhancedIds } from './joliet.ts';

const nodes = (names: readonly string[], directories = false): IsoNode[] =>
  [...new Set(names)].sort().map((n, i) => (directories && i % 2 === 0 ? new DirNode(n, {}, 0) : new FileNode(n, new Content(0, undefined), {}, 0)));
const none = new Set<DirNode>();
const name = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 90 }), fc.constantFrom('a', 'A', 'a.b', 'A.B', 'readme.txt', 'README.TXT', 'Readme.txt', '.x', 'x.', '...', `${'long'.repeat(20)}1.txt`, `${'long'.repeat(20)}2.txt`)).filter((n) => !/[/\0]/.test(n));

describe('ISO identifiers', () => {
  it('are unique, of d-characters, of the right length, whatever the names', () => {
    fc.assert(fc.property(fc.array(name, { maxLength: 60 }), fc.constantFrom(1 as const, 2 as const), fc.boolean(), (names, level, directories) => {
      const children = nodes(names, directories);
      assignIsoIds(children, level, none);
      expect(new Set(children.map((c) => c.isoId)).size).toBe(children.length);
      for (const c of children) {
        if (c.type === 'dir') expect(c.isoId).toMatch(level === 1 ? /^[A-Z0-9_]{1,8}$/ : /^[A-Z0-9_]{1,31}$/);
        else expect(c.isoId).toMatch(level === 1 ? /^[A-Z0-9_]{0,8}\.[A-Z0-9_]{0,3}$/ : /^(?=.{1,31}$)[A-Z0-9_]*\.[A-Z0-9_]*$/);
      }
    }));
  });

  it('keep the extension, and number names that collide', () => {
    const children = nodes(['a b.txt', 'a_b.txt', 'A-B.TXT', `${'x'.repeat(60)}.tar.gz`, '.profile', 'noext']);
    assignIsoIds(children, 2, none);
    expect(Object.fromEntries(children.map((c) => [c.name, c.isoId]))).toEqual({
      'A-B.TXT': 'A_B.TXT', 'a b.txt': 'A_B0.TXT', 'a_b.txt': 'A_B1.TXT', [`${'x'.repeat(60)}.tar.gz`]: `${'X'.repeat(28)}.GZ`, '.profile': '_PROFILE.', 'noext': 'NOEXT.',
    });
  });

  it('are found for 20,000 names of one beginning without trying every number for each', () => {
    const children = nodes(Array.from({ length: 20_000 }, (_, i) => `${'the same beginning of all '.repeat(3)}${String(i)}.data`));
    assignIsoIds(children, 2, none); // 200 million tries would end in the time limit of the test
    expect(new Set(children.map((c) => c.isoId)).size).toBe(20_000);
  });

  it('sort as padded names do (ECMA-119 9.3)', () => {
    const children = nodes(['AB.TXT', 'ABC.T', 'AB.T1', 'AB.T', 'AB']);
    assignIsoIds(children, 2, none);
    expect(children.sort(byIsoId).map((c) => c.name)).toEqual(['AB', 'AB.T', 'AB.T1', 'AB.TXT', 'ABC.T']);
  });
});

describe('Joliet identifiers', () => {
  it('are unique without regard to case, of allowed characters, cut between characters', () => {
    fc.assert(fc.property(fc.array(name, { maxLength: 60 }), fc.constantFrom(64, 103), (names, max) => {
      const children = nodes(names);
      assignJolietIds(children, max);
      expect(new Set(children.map((c) => c.jolietId.toLowerCase())).size).toBe(children.length);
      for (const c of children) {
        expect(c.jolietId.length).toBeLessThanOrEqual(max);
        expect(c.jolietId).not.toMatch(/[*/:;?\\]|[. ]$/);
        expect(Buffer.from(c.jolietId, 'utf16le').toString('utf16le')).toBe(c.jolietId);
        expect(c.jolietId).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
      }
    }));
  });
});

describe('enhanced identifiers', () => {
  it('are the bytes of the name, at most 207, unique', () => {
    const children = nodes(['é', 'x'.repeat(207), `${'x'.repeat(208)}1`, `${'x'.repeat(208)}2`]);
    const ids = enhancedIds(children);
    expect(ids).toContain('\u00c3\u00a9');
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(207);
  });
});

describe('names of any bytes', () => {
  it('survive the way into a string and back', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      expect(encodeName(decodeName(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
    }), { numRuns: 2000 });
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(decodeName(encodeName(text))).toBe(text);
    }));
  });
});

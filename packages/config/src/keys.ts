import { configJsonSchema, DEFAULT_CONFIG } from './schema.js';

/** One key of the configuration, as its documents and messages need it. */
export interface ConfigKey {
  /** `section.key`. */
  readonly path: string;
  readonly section: string;
  readonly name: string;
  /** What it means, one sentence. */
  readonly meaning: string;
  /** What may stand there, in words: `true or false`, `a whole number from 0 to 19`. */
  readonly expected: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'list' | 'table';
  /** The values of a choice. */
  readonly choices: readonly string[];
  /** What holds without a file; undefined where it depends on other keys. */
  readonly default: unknown;
}

/** A section of the configuration. */
export interface ConfigSection {
  readonly name: string;
  readonly meaning: string;
  readonly keys: readonly ConfigKey[];
}

interface Node { readonly type?: string; readonly enum?: readonly string[]; readonly anyOf?: readonly Node[]; readonly minimum?: number; readonly maximum?: number; readonly description?: string; readonly properties?: Record<string, Node>; readonly items?: Node; readonly pattern?: string }

const list = (values: readonly string[]): string => values.map((v) => JSON.stringify(v)).join(', ');

function expectedOf(node: Node, name: string): string {
  if (node.enum !== undefined) return `one of ${list(node.enum)}`;
  switch (node.type) {
    case 'boolean': return 'true or false, without quotes';
    case 'integer': return `a whole number from ${String(node.minimum ?? 0)}${node.maximum === undefined || node.maximum > 2 ** 50 ? ' up' : ` to ${String(node.maximum)}`}, without quotes`;
    case 'array': return node.items?.pattern === undefined ? 'a list of strings: ["one", "two"]' : `a list of ${node.items.pattern.includes('dev') ? 'devices: ["/dev/sdb1"]' : 'absolute paths: ["/srv", "/var/cache/*"]'}`;
    case 'object': return `a table: ${name} = { "/home" = 3, "/" = 1 }`;
    default: return 'a string, in double quotes';
  }
}

/** All sections with their keys, in the order of the schema. */
export const CONFIG_SECTIONS: readonly ConfigSection[] = Object.entries((configJsonSchema() as Node).properties ?? {}).map(([section, node]) => ({
  name: section, meaning: node.description ?? '',
  keys: Object.entries(node.properties ?? {}).map(([name, key]): ConfigKey => ({
    path: `${section}.${name}`, section, name, meaning: key.description ?? '', expected: expectedOf(key, name),
    kind: key.type === 'boolean' ? 'boolean' : key.type === 'integer' ? 'number' : key.type === 'array' ? 'list' : key.type === 'object' ? 'table' : 'text',
    choices: key.enum ?? [], default: (DEFAULT_CONFIG as unknown as Record<string, Record<string, unknown>>)[section]?.[name],
  })),
}));

/** All keys, in the order of the schema. */
export const CONFIG_KEYS: readonly ConfigKey[] = CONFIG_SECTIONS.flatMap((s) => s.keys);

/** Edits (insertions, deletions, replacements, neighbours swapped) that make one word of the other (Damerau-Levenshtein, restricted). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)));
  const at = (i: number, j: number): number => (rows[i] as number[])[j] as number;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      (rows[i] as number[])[j] = best;
    }
  }
  return at(a.length, b.length);
}

const plain = (word: string): string => word.replace(/([a-z])([A-Z])/g, '$1_$2').replace(/[- .]/g, '_').toLowerCase();

/** The word that was meant, if one is near: other spelling (`excludeMounts`), or a slip in every third letter at most. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const wanted = plain(word);
  const ranked = words.map((w) => ({ w, d: distance(wanted, plain(w)) })).sort((a, b) => a.d - b.d);
  const [best] = ranked;
  return best !== undefined && best.d <= Math.max(1, Math.floor(wanted.length / 3)) ? best.w : undefined;
}

/** What to write instead of an unknown key; `parent` is the section it stands in, empty for the top. */
export function suggestKey(parent: string, key: string): string {
  const sections = CONFIG_SECTIONS.map((s) => s.name);
  const section = CONFIG_SECTIONS.find((s) => s.name === parent);
  if (section !== undefined) {
    const near = nearest(key, section.keys.map((k) => k.name));
    if (near !== undefined) return `did you mean ${near}?`;
  }
  const elsewhere = CONFIG_KEYS.filter((k) => k.name === plain(key));
  if (elsewhere.length > 0) return `it belongs into ${elsewhere.map((k) => `[${k.section}]`).join(' or ')}`;
  if (section !== undefined) {
    const near = nearest(key, CONFIG_KEYS.map((k) => k.name));
    return near === undefined ? `[${parent}] has ${section.keys.map((k) => k.name).join(', ')}` : `did you mean ${CONFIG_KEYS.filter((k) => k.name === near).map((k) => k.path).join(' or ')}?`;
  }
  const near = nearest(key, sections);
  if (near !== undefined) return `did you mean [${near}]?`;
  const leaf = nearest(key, CONFIG_KEYS.map((k) => k.name));
  return leaf === undefined ? `the sections are ${sections.map((s) => `[${s}]`).join(', ')}` : `did you mean ${leaf} in [${CONFIG_KEYS.filter((k) => k.name === leaf).map((k) => k.section).join('] or [')}]?`;
}

import { CONFIG_KEYS, CONFIG_SECTIONS, type ConfigKey } from './keys.js';
import { checkConfig, type ConfigProblem } from './parse.js';

/** A key with the value that holds, and where it comes from. */
export interface EffectiveKey {
  readonly key: ConfigKey;
  readonly value: unknown;
  /** Line of the file that sets it; undefined: the default. */
  readonly line?: number;
}

/** Every key with its value and origin; for a text that is wrong, what is wrong with it. */
export function effectiveConfig(text: string): readonly EffectiveKey[] | { readonly problems: readonly ConfigProblem[] } {
  const result = checkConfig(text);
  if ('problems' in result) return result;
  const raw = result.raw as Record<string, Record<string, unknown> | undefined>;
  const values = result.config as unknown as Record<string, Record<string, unknown>>;
  return CONFIG_KEYS.map((key) => {
    const set = Object.hasOwn(raw, key.section) && Object.hasOwn(raw[key.section] as object, key.name);
    return { key, value: values[key.section]?.[key.name], ...(set ? { line: result.places.key([key.section, key.name])?.line ?? 0 } : {}) };
  });
}

const bare = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : tomlValue(name));

/** A value as TOML (v1.0.0). Texts, finite numbers, booleans, lists and flat tables. */
export function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([k, v]) => `${bare(k)} = ${tomlValue(v)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  // JSON's escapes are TOML's, but for the slash that JSON does not need and DEL, which TOML wants escaped.
  return typeof value === 'string' ? JSON.stringify(value).replaceAll('\x7f', '\\u007F') : String(value);
}

/** Lines of a comment, at most `width` columns wide. */
function comment(text: string, width = 100): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/**
 * A configuration with every key explained. Keys that keep their default are commented out; `values` (by `section.key`)
 * are set, each with the remark that belongs to it.
 */
export function configTemplate(values: ReadonlyMap<string, { readonly value: unknown; readonly remark?: string }> = new Map()): string {
  const lines = ['# Configuration of cdrec. Every key is optional; what stands behind "#" is what holds without it.', '# Check it with: cdrec config check', ''];
  for (const section of CONFIG_SECTIONS) {
    lines.push(...comment(section.meaning), `[${section.name}]`, '');
    for (const key of section.keys) {
      const set = values.get(key.path);
      lines.push(...comment(`${key.meaning}${key.choices.length > 0 ? ` (${key.choices.map((c) => JSON.stringify(c)).join(', ')})` : ''}`));
      if (set?.remark !== undefined) lines.push(...comment(set.remark));
      if (set !== undefined) lines.push(`${key.name} = ${tomlValue(set.value)}`, '');
      else lines.push(`#${key.name} = ${key.default === undefined ? EXAMPLES[key.path] ?? '""' : tomlValue(key.default)}`, '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** What stands in the template for keys whose default depends on others. */
const EXAMPLES: Readonly<Record<string, string>> = { 'backup.level': '3' };

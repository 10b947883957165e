import { CdrecError } from '@cdrec/tool';
import { configTemplate } from './effective.js';
import { CONFIG_KEYS } from './keys.js';
import { checkConfig } from './parse.js';
import { parseShell, type ShellItem } from './shell.js';
import { VARIABLES, type Variable } from './variables.js';

/** Whose configuration is imported. */
export type ImportSource = 'mkcdrec' | 'rear';

/** What became of a statement. Every line of the file lies in exactly one. */
export interface ImportedItem {
  readonly line: number;
  readonly endLine: number;
  /** Its first line. */
  readonly text: string;
  /** carried: it stands in our file; same: it is what cdrec does anyway; dropped: it has no successor; by-hand: somebody has to decide; comment. */
  readonly outcome: 'carried' | 'same' | 'dropped' | 'by-hand' | 'comment';
  /** Keys that it became. */
  readonly keys: readonly string[];
  readonly why: string;
}

/** An imported configuration. */
export interface Imported {
  readonly source: ImportSource;
  /** TOML: the template with what was carried over. It is valid. */
  readonly toml: string;
  readonly items: readonly ImportedItem[];
}

/** Which tool a file belongs to, by its variables. @throws CdrecError IMPORT_UNKNOWN */
function guessSource(items: readonly ShellItem[], file: string): ImportSource {
  const names = new Set(items.map((i) => i.name));
  const score = (source: ImportSource): number => VARIABLES.filter((v) => v.source === source && names.has(v.name)).length;
  const [mkcdrec, rear] = [score('mkcdrec'), score('rear')];
  if (mkcdrec === 0 && rear === 0) throw new CdrecError('IMPORT_UNKNOWN', `${file} sets no variable of mkCDrec or ReaR`, { hint: 'give mkCDrec\'s Config.sh or mkcdrec.conf, or ReaR\'s local.conf or site.conf; say which with --from' });
  return mkcdrec > rear ? 'mkcdrec' : 'rear';
}

/**
 * Reads the configuration of mkCDrec (Config.sh, mkcdrec.conf) or ReaR (local.conf, site.conf) without running it, and
 * says of every line what became of it. A variable that is set twice counts as a shell would count it: the last one holds.
 * @throws CdrecError IMPORT_UNKNOWN
 */
export function importConfig(text: string, file: string, source?: ImportSource): Imported {
  const statements = parseShell(text);
  const from = source ?? guessSource(statements, file);
  const table = new Map(VARIABLES.filter((v) => v.source === from).map((v) => [v.name, v]));
  const last = new Map<string, number>();
  statements.forEach((s, i) => { if (s.name !== undefined && s.append !== true && s.conditional !== true) last.set(s.name, i); });
  const values = valuesOf(statements, last);
  const set = new Map<string, { value: unknown; remark?: string }>();
  const items = statements.map((s, i): ImportedItem => {
    const base = { line: s.line, endLine: s.endLine, text: shownOf(s), keys: [] };
    if (s.kind === 'comment') return { ...base, outcome: 'comment', why: '' };
    if (s.kind === 'code') return { ...base, outcome: 'by-hand', why: 'shell code is not run: what it does must be said by hand' };
    const name = s.name as string;
    if (s.conditional === true) return { ...base, outcome: 'by-hand', why: `${name} is set inside shell code: whether it holds is not known` };
    if (i < (last.get(name) ?? i)) return { ...base, outcome: 'dropped', why: `${name} is set again in a later line` };
    if ((s.depends ?? []).length > 0 && (s.array !== true || (s.words ?? []).every((w) => w === ''))) return { ...base, outcome: 'by-hand', why: `${name} depends on ${(s.depends as string[]).join(', ')}, which only a shell knows` };
    return carry(base, table.get(name), name, values, set, s.depends ?? []);
  });
  const toml = configTemplate(set);
  const check = checkConfig(toml);
  if ('problems' in check) throw new CdrecError('IMPORT_INVALID', `${file} contradicts itself: ${check.problems.map((p) => p.message).join('; ')}`, { hint: 'mend it there, and import it again' });
  return { source: from, toml, items };
}

/** What is shown of a statement: a secret is not. */
const shownOf = (s: ShellItem): string => (s.name !== undefined && /PASSW|SECRET|CRYPT_KEY|CIPHER_KEY/i.test(s.name) ? `${s.name}=...` : s.text.trim());

/** What the variables are in the end. */
function valuesOf(statements: readonly ShellItem[], last: ReadonlyMap<string, number>): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  statements.forEach((s, i) => {
    if (s.name === undefined || s.conditional === true || i < (last.get(s.name) ?? 0)) return;
    const old = s.append === true ? values.get(s.name) ?? [] : [];
    values.set(s.name, s.append === true && s.array !== true && old.length > 0 ? [`${old.join(' ')}${(s.words ?? []).join('')}`] : [...old, ...(s.words ?? [])]);
  });
  return values;
}

function carry(base: Pick<ImportedItem, 'line' | 'endLine' | 'text' | 'keys'>, variable: Variable | undefined, name: string, values: ReadonlyMap<string, readonly string[]>, set: Map<string, { value: unknown; remark?: string }>, depends: readonly string[]): ImportedItem {
  if (variable === undefined) return { ...base, outcome: 'by-hand', why: `${name} is not known here` };
  const words = values.get(name) ?? [];
  if (variable.carry === undefined) return { ...base, outcome: variable.place === '' ? 'dropped' : 'same', why: variable.why };
  const result = variable.carry(words.map((w) => w.trim()).filter((w) => w !== ''), values);
  if ('drop' in result) return { ...base, outcome: 'dropped', why: result.drop };
  if ('same' in result) return { ...base, outcome: 'same', why: result.same };
  if ('hand' in result) return { ...base, outcome: 'by-hand', why: result.hand };
  for (const [key, value] of Object.entries(result.set)) {
    const known = CONFIG_KEYS.find((k) => k.path === key);
    if (known === undefined) throw new TypeError(`${name} is carried to ${key}, which is no key`);
    const old = set.get(key);
    const merged = known.kind === 'list' && old !== undefined ? [...new Set([...(old.value as unknown[]), ...(value as unknown[])])] : value;
    set.set(key, { value: merged, remark: `(${[...(old?.remark?.slice(1, -1).split(', ') ?? []), name].filter((n, i, all) => all.indexOf(n) === i).join(', ')})` });
  }
  const rest = depends.length > 0 ? `; without ${depends.join(', ')}, which only a shell knows` : '';
  return { ...base, keys: Object.keys(result.set), outcome: depends.length > 0 ? 'by-hand' : 'carried', why: `${Object.entries(result.set).map(([k, v]) => `${k} = ${JSON.stringify(v)}`).join(', ')}${result.remark === undefined ? '' : `: ${result.remark}`}${rest}` };
}

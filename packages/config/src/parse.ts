import { readFileSync, statSync } from 'node:fs';
import { CdrecError, errorCode } from '@cdrec/tool';
import { parse, TomlError } from 'smol-toml';
import type * as z from 'zod';
import { conflictsOf } from './conflicts.js';
import { CONFIG_KEYS, nearest, suggestKey } from './keys.js';
import { readPlaces, type Place, type Places } from './positions.js';
import { configSchema, DEFAULT_CONFIG, type Config } from './schema.js';

/** Something that is wrong in a configuration. */
export interface ConfigProblem {
  /** Where; undefined: the file as a whole. */
  readonly place?: Place;
  /** `section.key`, or empty for what is wrong with the text. */
  readonly key: string;
  readonly message: string;
}

/** Largest configuration in bytes: what is longer is something else. */
export const MAX_CONFIG_BYTES = 1 << 16;
/** Faults that are told; a file with more is told so. */
const MAX_PROBLEMS = 50;

const HINT = 'the keys and their meaning: cdrec config init --out - (or docs/configuration.md)';

/** Validates TOML text: a configuration, or all that is wrong with it. Nothing in it is executed. */
export function checkConfig(text: string): { readonly config: Config; readonly places: Places; readonly raw: unknown } | { readonly problems: readonly ConfigProblem[] } {
  let raw: unknown;
  try {
    // Editors of Windows begin a file with a byte-order mark.
    raw = parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (error instanceof TomlError) return { problems: [{ place: { line: error.line, column: error.column }, key: '', message: syntaxMessage(error, text) }] };
    return { problems: [{ key: '', message: `this is no TOML: ${error instanceof Error ? error.message : String(error)}` }] };
  }
  const result = configSchema.safeParse(raw);
  const places = readPlaces(text.replace(/^\uFEFF/, ''));
  if (!result.success) return { problems: firstOf(result.error.issues, raw, places) };
  const conflicts = conflictsOf(result.data).map(({ path, message }) => ({ ...at(places.value(path.split('.'))), key: path, message: `${path}: ${message}` }));
  return conflicts.length > 0 ? { problems: inOrder(conflicts) } : { config: result.data, places, raw };
}

/** The first faults, in the order of the lines, and how many there are besides. */
function firstOf(issues: readonly z.core.$ZodIssue[], raw: unknown, places: Places): ConfigProblem[] {
  const single = issues.flatMap((issue): z.core.$ZodIssue[] => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ ...issue, keys: [key] })) : [issue]));
  const told = inOrder(single.slice(0, MAX_PROBLEMS).flatMap((issue) => problemsOf(issue, raw, places)));
  return single.length <= MAX_PROBLEMS ? told : [...told, { key: '', message: `and ${String(single.length - MAX_PROBLEMS)} more: is this a configuration of cdrec?` }];
}

const at = (place: Place | undefined): { place?: Place } => (place === undefined ? {} : { place });
const inOrder = (problems: ConfigProblem[]): ConfigProblem[] => problems.sort((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0));

/** What the parser says, and what to write instead of the slips that are made most. */
function syntaxMessage(error: TomlError, text: string): string {
  const said = (error.message.split('\n')[0] as string).replace(/^Invalid TOML document: /, '');
  const line = (text.split('\n')[error.line - 1] ?? '').trim();
  const [, key, value] = /^([\w.-]+)\s*=\s*(.*)$/.exec(line) ?? [];
  const remedy = value === undefined
    ? /^[\w.-]+\s*:/.test(line) ? 'write key = value, not key: value' : line.startsWith("[") && !/\]\s*(#.*)?$/.test(line) ? 'a section stands in brackets: [backup]' : /^[\w.-]+\s*$/.test(line) ? `write ${line} = value` : 'a line is [section], key = value, or # a comment'
    : value === '' ? `write a value behind ${String(key)} =`
      : /^(yes|no|on|off|True|False|TRUE|FALSE)\b/.test(value) ? 'write true or false'
        : /already|redefin|overrid/i.test(said) ? `${String(key)} was given before: keep one of them`
          : /^["'[{]/.test(value) ? 'look for a quote, a comma or a bracket that is missing on this line or above it' : 'strings stand in double quotes, lists in [ ]';
  return `${said}: ${remedy}`;
}

/** A value as it would stand in the file, shortened. */
function shown(value: unknown): string {
  const text = value instanceof Date ? value.toISOString() : JSON.stringify(value) as string | undefined;
  return text === undefined ? '' : text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function problemsOf(issue: z.core.$ZodIssue, raw: unknown, places: Places): ConfigProblem[] {
  const path = issue.path.map((p) => (typeof p === 'symbol' ? String(p) : p));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = [...path, key];
      return { ...at(places.key(full)), key: full.join('.'), message: `unknown key ${full.join('.')}: ${suggestKey(path.join('.'), key)}` };
    });
  }
  const known = CONFIG_KEYS.find((k) => k.path === path.slice(0, 2).join('.'));
  const value = path.reduce<unknown>((v, p) => (typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[String(p)] : undefined), raw);
  const name = path.join('.');
  const where = at(places.value(path) ?? places.key(path));
  if (known === undefined) return [{ ...where, key: name, message: `${name} is a section: write [${name}] on a line of its own, once, and its keys below it` }];
  const near = typeof value === 'string' ? nearest(value, known.choices) : undefined;
  const expected = issue.code === 'custom' || (issue.code === 'invalid_format' && issue.message.startsWith('is not')) ? `it ${issue.message}` : `it must be ${path.length > 2 ? elementOf(known.expected, known.kind) : known.expected}`;
  const subject = path.length > 2 ? `${path.slice(0, 2).join('.')}: ${shown(value)}` : `${name} = ${shown(value)}`;
  return [{ ...where, key: path.slice(0, 2).join('.'), message: `${subject}: ${expected}${near === undefined ? '' : `; did you mean "${near}"?`} (${known.meaning})` }];
}

/** What one element of a list or a table must be. */
const elementOf = (expected: string, kind: string): string => (kind === 'table' ? 'a number from 0 up, without quotes' : expected.includes('devices') ? 'a device: "/dev/sdb1"' : expected.includes('paths') ? 'an absolute path: "/srv"' : 'a string with something in it, in double quotes');

/** A problem as a line: FILE:LINE:COLUMN: what is wrong and what to do. */
export const problemLine = (file: string, { place, message }: ConfigProblem): string => `${file}${place === undefined ? '' : `:${String(place.line)}:${String(place.column)}`}: ${message}`;

/**
 * Parses and validates TOML text; nothing in it is executed. `file` is used in messages.
 * @throws CdrecError CONFIG_INVALID naming, for everything that is wrong, line, column, key and what is expected.
 */
export function parseConfig(text: string, file: string): Config {
  const result = checkConfig(text);
  if ('config' in result) return result.config;
  throw new CdrecError('CONFIG_INVALID', result.problems.map((p) => problemLine(file, p)).join('\n'), { hint: HINT });
}

/**
 * Text of a configuration file: UTF-8, at most 64 KiB.
 * @throws CdrecError CONFIG_INVALID for what cannot be read, other encodings, and what is too large
 */
export function readConfigText(path: string): string {
  const wrong = (message: string, hint: string, cause?: unknown): never => { throw new CdrecError('CONFIG_INVALID', `${path}${message}`, { hint, cause }); };
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_BYTES) return wrong(`:1: the file has ${String(size)} bytes; a configuration has at most ${String(MAX_CONFIG_BYTES)}`, 'is this the right file?');
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof CdrecError) throw error;
    return wrong(`: the configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'name another file with --config, or make one: cdrec config init', error);
  }
  return decodeConfig(bytes, path);
}

/** Text of the bytes of a configuration. @throws CdrecError CONFIG_INVALID for other encodings than UTF-8 */
export function decodeConfig(bytes: Uint8Array, file: string): string {
  const wrong = (line: number, message: string): never => { throw new CdrecError('CONFIG_INVALID', `${file}:${String(line)}: ${message}`, { hint: 'save it as UTF-8: iconv -f ENCODING -t UTF-8' }); };
  if (bytes.length > MAX_CONFIG_BYTES) return wrong(1, `the text has ${String(bytes.length)} bytes; a configuration has at most ${String(MAX_CONFIG_BYTES)}`);
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return wrong(1, 'the file is UTF-16, a configuration is UTF-8');
  const nul = bytes.indexOf(0);
  if (nul >= 0) return wrong(lineAt(bytes, nul), 'there is a NUL byte: this is no text in UTF-8');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return wrong(badLine(bytes), 'this line is not UTF-8');
  }
}

function lineAt(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (bytes[i] === 0x0a) line++;
  return line;
}

/** The first line that is not UTF-8. */
function badLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop;
  }
  return line;
}

/** Reads a configuration file; a missing file gives the defaults unless `required`. @throws CdrecError CONFIG_INVALID */
export function loadConfig(path: string, required: boolean): Config {
  try {
    return parseConfig(readConfigText(path), path);
  } catch (error) {
    if (!required && error instanceof CdrecError && errorCode(error.cause) === 'ENOENT') return DEFAULT_CONFIG;
    throw error;
  }
}

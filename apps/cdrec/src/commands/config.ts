import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { checkConfig, configTemplate, decodeConfig, effectiveConfig, importConfig, MAX_CONFIG_BYTES, problemLine, readConfigText, tomlValue, type ConfigProblem, type ImportedItem } from '@cdrec/config';
import { CdrecError, errorCode } from '@cdrec/tool';
import { DEFAULT_CONFIG_FILE } from '../environment.js';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** Text of the configuration that holds; a missing default file is an empty one. */
function textOf(file: string | undefined): { file: string; text: string } {
  const path = file ?? DEFAULT_CONFIG_FILE;
  return { file: path, text: file === undefined && !existsSync(path) ? '' : readConfigText(path) };
}

/** Writes a text as a whole or not at all; `-` is standard output. @throws CdrecError OUTPUT_EXISTS, OUTPUT_DIRECTORY */
function writeOut(path: string, text: string, overwrite: boolean, terminal: Terminal): void {
  if (path === '-') {
    terminal.print(text.trimEnd());
    return;
  }
  if (existsSync(path) && !overwrite) throw new CdrecError('OUTPUT_EXISTS', `${path} is there already`, { hint: 'keep it, or replace it with --overwrite' });
  const partial = `${path}.partial`;
  try {
    writeFileSync(partial, text, { mode: 0o600 });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new CdrecError('OUTPUT_DIRECTORY', `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: errorCode(error) === 'ENOENT' ? 'make its directory first' : 'choose another --out' });
  }
  terminal.say(`${path} is written. Look through it, then: cdrec config check ${path}`);
}

function tell(problems: readonly ConfigProblem[], file: string, json: boolean, terminal: Terminal): void {
  if (json) terminal.print(JSON.stringify({ file, problems: problems.map((p) => ({ ...p.place, key: p.key, message: p.message })) }, null, 1));
  else for (const p of problems) terminal.print(problemLine(file, p));
}

const HEADINGS: readonly (readonly [ImportedItem['outcome'], string])[] = [['carried', 'Carried over'], ['same', 'What cdrec does anyway'], ['dropped', 'Left behind'], ['by-hand', 'To be decided by hand']];

function account(items: readonly ImportedItem[], file: string, terminal: Terminal): void {
  for (const [outcome, heading] of HEADINGS) {
    const these = items.filter((i) => i.outcome === outcome);
    if (these.length === 0) continue;
    terminal.say(`${heading}:`);
    for (const i of these) terminal.say(`  ${file}:${String(i.line)}: ${i.text.slice(0, 80)}\n      ${i.why}`);
  }
  terminal.say(`${String(items.length)} statements: ${HEADINGS.map(([o]) => `${String(items.filter((i) => i.outcome === o).length)} ${o}`).join(', ')}, ${String(items.filter((i) => i.outcome === 'comment').length)} comments and blank lines`);
}

/** `cdrec config init`: the template. */
export function configInit(_: [], flags: { out: string; overwrite?: boolean }, terminal: Terminal): number {
  writeOut(flags.out, configTemplate(), flags.overwrite === true, terminal);
  return EXIT.ok;
}

/** `cdrec config show`: what holds, and where it comes from. */
export function configShow(_: [], flags: { config?: string; effective?: boolean; json?: boolean }, terminal: Terminal): number {
  const { file, text } = textOf(flags.config);
  const keys = effectiveConfig(text);
  if ('problems' in keys) {
    for (const p of keys.problems) terminal.say(problemLine(file, p));
    return EXIT.usage;
  }
  const shown = keys.filter((k) => flags.effective === true || k.line !== undefined);
  if (flags.json === true) terminal.print(JSON.stringify(shown.map((k) => ({ key: k.key.path, value: k.value ?? null, origin: k.line === undefined ? 'default' : { file, line: k.line } })), null, 1));
  else if (shown.length === 0) terminal.say(`${file}: nothing is configured, the defaults hold (--effective shows them)`);
  else for (const k of shown) terminal.print(`${k.key.path} = ${k.value === undefined ? '(depends on backup.compress)' : tomlValue(k.value)}  # ${k.line === undefined ? 'default' : `${file}:${String(k.line)}`}`);
  return EXIT.ok;
}

/** `cdrec config check`: everything that is wrong. */
export function configCheck([path]: [string | undefined], flags: { json?: boolean }, terminal: Terminal): number {
  const { file, text } = path === undefined ? textOf(undefined) : { file: path, text: path === '-' ? decodeConfig(readFileSync(0).subarray(0, MAX_CONFIG_BYTES + 1), 'standard input') : readConfigText(path) };
  const result = checkConfig(text);
  const problems = 'problems' in result ? result.problems : [];
  tell(problems, file, flags.json === true, terminal);
  if (problems.length === 0) terminal.say(`${file}: nothing is wrong`);
  return problems.length === 0 ? EXIT.ok : EXIT.usage;
}

/** `cdrec config import`: the configuration of mkCDrec or ReaR, with an account of every line. */
export function configImport([file]: [string], flags: { from?: string; out: string; overwrite?: boolean; json?: boolean }, terminal: Terminal): number {
  if (flags.from !== undefined && flags.from !== 'mkcdrec' && flags.from !== 'rear') throw usageError(`--from ${flags.from} is unknown`, 'take mkcdrec or rear');
  const result = importConfig(readConfigText(file), file, flags.from);
  if (flags.json === true) terminal.print(JSON.stringify({ source: result.source, toml: result.toml, items: result.items }, null, 1));
  else account(result.items, file, terminal);
  if (flags.json !== true || flags.out !== '-') writeOut(flags.out, result.toml, flags.overwrite === true, terminal);
  return result.items.some((i) => i.outcome === 'by-hand') ? EXIT.exceptions : EXIT.ok;
}

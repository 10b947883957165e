import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { checkConfig, configTemplate, decodeConfig, effectiveConfig, importConfig, MAX_CONFIG_BYTES, problemLine, readConfigText, tomlValue, type ConfigProblem, type ImportedItem } from '@cdrec/config';
import { CdrecError, errorCode } from '@cdrec/tool';
import { EXIT, usageError, type AddCommand } from '../main.js';
import type { Terminal } from '../terminal.js';
import { DEFAULT_CONFIG_FILE } from './build.js';

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

export const configCommand: AddCommand = (program, terminal, finish) => {
  const config = program.command('config').description('make, show and check the configuration; carry over that of mkCDrec or ReaR');
  config.command('init')
    .description('write a configuration with every key explained; all of them keep their defaults')
    .option('--out <file>', 'where to, - for standard output', DEFAULT_CONFIG_FILE)
    .option('--overwrite', 'replace the file that is there')
    .action((flags: { out: string; overwrite?: boolean }) => {
      writeOut(flags.out, configTemplate(), flags.overwrite === true, terminal);
    });
  config.command('show')
    .description('print what is configured')
    .option('--effective', 'every key with the value that holds, and where it comes from')
    .option('--config <file>', `configuration file (default: ${DEFAULT_CONFIG_FILE}, if it exists)`)
    .option('--json', 'result as JSON on standard output')
    .action((flags: { config?: string; effective?: boolean; json?: boolean }) => {
      const { file, text } = textOf(flags.config);
      const keys = effectiveConfig(text);
      if ('problems' in keys) {
        for (const p of keys.problems) terminal.say(problemLine(file, p));
        finish(EXIT.usage);
        return;
      }
      const shown = keys.filter((k) => flags.effective === true || k.line !== undefined);
      if (flags.json === true) terminal.print(JSON.stringify(shown.map((k) => ({ key: k.key.path, value: k.value ?? null, origin: k.line === undefined ? 'default' : { file, line: k.line } })), null, 1));
      else if (shown.length === 0) terminal.say(`${file}: nothing is configured, the defaults hold (--effective shows them)`);
      else for (const k of shown) terminal.print(`${k.key.path} = ${k.value === undefined ? '(depends on backup.compress)' : tomlValue(k.value)}  # ${k.line === undefined ? 'default' : `${file}:${String(k.line)}`}`);
    });
  config.command('check')
    .description('say everything that is wrong with a configuration: line, column, and what should stand there')
    .argument('[file]', `configuration file (default: ${DEFAULT_CONFIG_FILE})`)
    .option('--json', 'result as JSON on standard output')
    .action((path: string | undefined, flags: { json?: boolean }) => {
      const { file, text } = path === undefined ? textOf(undefined) : { file: path, text: path === '-' ? decodeConfig(readFileSync(0).subarray(0, MAX_CONFIG_BYTES + 1), 'standard input') : readConfigText(path) };
      const result = checkConfig(text);
      const problems = 'problems' in result ? result.problems : [];
      tell(problems, file, flags.json === true, terminal);
      if (problems.length === 0) terminal.say(`${file}: nothing is wrong`);
      finish(problems.length === 0 ? EXIT.ok : EXIT.usage);
    });
  config.command('import')
    .description('carry over Config.sh of mkCDrec or local.conf of ReaR: it is read, not run, and every line is accounted for')
    .argument('<file>', 'the other tool\'s configuration')
    .option('--from <tool>', 'mkcdrec or rear (default: found out by its variables)')
    .option('--out <file>', 'where the configuration goes, - for standard output', '-')
    .option('--overwrite', 'replace the file that is there')
    .option('--json', 'account of every line as JSON on standard output')
    .addHelpText('after', '\nExit status: 0 everything was carried over or is not needed; 3 some lines must be decided by hand; 2 wrong usage.')
    .action((file: string, flags: { from?: string; out: string; overwrite?: boolean; json?: boolean }) => {
      if (flags.from !== undefined && flags.from !== 'mkcdrec' && flags.from !== 'rear') throw usageError(`--from ${flags.from} is unknown`, 'take mkcdrec or rear');
      const result = importConfig(readConfigText(file), file, flags.from);
      if (flags.json === true) terminal.print(JSON.stringify({ source: result.source, toml: result.toml, items: result.items }, null, 1));
      else account(result.items, file, terminal);
      if (flags.json !== true || flags.out !== '-') writeOut(flags.out, result.toml, flags.overwrite === true, terminal);
      finish(result.items.some((i) => i.outcome === 'by-hand') ? EXIT.exceptions : EXIT.ok);
    });
};

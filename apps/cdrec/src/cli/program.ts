import { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { VERSION } from '../version.js';
import { exitLines, wrap, type CommandSpec, type OptionSpec } from './spec.js';

/** Columns of help: a serial line has 80, and so has paper. */
const WIDTH = 80;
const ROOT_TEXT = 'Turns a running Linux machine into a bootable recovery set, and a blank disk into that machine again.';

/** What stands below the options in `--help`. */
export function helpTail(spec: CommandSpec, path = `cdrec ${spec.name}`): string {
  const prefix = path.slice(0, path.length - spec.name.length);
  return [
    ...spec.description.slice(0, 1).flatMap((p) => ['', ...wrap(p, WIDTH)]),
    '', 'Examples:', ...spec.examples.flatMap(([line, does]) => [`  ${prefix}${line}`, ...wrap(does, WIDTH, '      ')]),
    ...(spec.children === undefined ? ['', 'Exit status:', ...exitLines(spec).flatMap(([status, text]) => wrap(text, WIDTH - 4).map((l, i) => `  ${i === 0 ? String(status) : ' '} ${l}`))] : []),
  ].join('\n');
}

function addOption(command: Command, { flags, text, default: byDefault, repeat }: OptionSpec): void {
  const full = repeat === true ? `${text} (repeatable)` : text;
  if (repeat === true) command.option(flags, full, (value: string, all: string[]) => [...all, value], []);
  else if (byDefault === undefined) command.option(flags, full);
  else command.option(flags, full, byDefault);
}

function addCommand(parent: Command, spec: CommandSpec, path: string, terminal: Terminal, finish: (status: number) => void): void {
  const command = parent.command(spec.name).description(spec.summary);
  if (spec.alias !== undefined) command.alias(spec.alias);
  for (const a of spec.arguments ?? []) command.argument(a.name, a.text);
  for (const o of spec.options ?? []) addOption(command, o);
  command.addHelpText('after', helpTail(spec, `${path} ${spec.name}`));
  for (const child of spec.children ?? []) addCommand(command, child, `${path} ${spec.name}`, terminal, finish);
  const { run } = spec;
  if (run === undefined) return;
  command.action(async (...all: unknown[]) => {
    // Commander appends the options and the command to the arguments.
    finish(await run(all.slice(0, -2), all.at(-2), terminal));
  });
}

/** The program with all its commands; `finish` takes the exit status of the command that ran. */
export function makeProgram(specs: readonly CommandSpec[], terminal: Terminal, finish: (status: number) => void): Command {
  const program = new Command('cdrec')
    .description(ROOT_TEXT)
    .version(VERSION, '-V, --version')
    .option('--debug', 'show the stack of errors')
    .exitOverride()
    .configureHelp({ helpWidth: WIDTH, minWidthToWrap: 24, subcommandTerm: (c) => c.name() })
    .configureOutput({ writeErr: (text) => { terminal.errorText(text); }, writeOut: (text) => { terminal.print(text.replace(/\n$/, '')); } })
    .addHelpText('after', ['', ...wrap('On a terminal, "cdrec" alone leads through the first set. "cdrec COMMAND --help" has the options, examples and exit statuses of each command.', WIDTH), '', 'Examples:', '  cdrec test', '      is everything there that a build needs?', '  cdrec build --mode iso --out /backup', '      volumes with rescue system and backups', '', 'Exit status:', '  0 complete', '  1 failed', '  2 wrong usage or configuration', '  3 complete, with exceptions that are listed'].join('\n'));
  for (const spec of specs) addCommand(program, spec, 'cdrec', terminal, finish);
  return program;
}

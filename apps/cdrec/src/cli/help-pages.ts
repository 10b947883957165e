import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandSpec } from './spec.js';

/** The module beside the bundled program that holds every page of help, made with the bundle. */
export const HELP_MODULE = 'cdrec-help.mjs';

/**
 * Every page of `--help`, as commander writes it: by the words of the command ("", "build", "fleet list"), aliases included.
 * @param make makes the program, with what it shall print into
 */
export function helpPages(specs: readonly CommandSpec[], make: (print: (text: string) => void) => Command): Record<string, string> {
  let printed = '';
  const program = make((text) => { printed += `${text}\n`; });
  const pages: Record<string, string> = {};
  const page = (command: Command, words: readonly string[]): void => {
    printed = '';
    command.outputHelp();
    pages[words.join(' ')] = printed;
  };
  const walk = (parent: Command, children: readonly CommandSpec[], words: readonly string[]): void => {
    for (const spec of children) {
      const command = parent.commands.find((c) => c.name() === spec.name);
      if (command === undefined) throw new Error(`no command ${spec.name}`);
      for (const name of [spec.name, ...(spec.alias === undefined ? [] : [spec.alias])]) {
        page(command, [...words, name]);
        walk(command, spec.children ?? [], [...words, name]);
      }
    }
  };
  page(program, []);
  walk(program, specs, []);
  return pages;
}

/**
 * The page that `cdrec COMMAND --help` asks for and nothing else, from the module of the bundle: on the bad day, nobody waits for a parser to be loaded.
 * Undefined for everything else, and where the module is not (a checkout): then commander answers.
 */
export async function helpAtOnce(args: readonly string[], module: URL): Promise<string | undefined> {
  const words = args.slice(0, -1);
  if ((args.at(-1) !== '--help' && args.at(-1) !== '-h') || words.some((w) => w.startsWith('-')) || !existsSync(module)) return undefined;
  const { default: pages } = (await import(module.href)) as { default: Record<string, string> };
  const key = words.join(' ');
  return Object.hasOwn(pages, key) ? pages[key] : undefined;
}

import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandSpec } from './spec.js';

/** Directory beside the bundled program with every page of help, made with the bundle: cdrec.txt, cdrec_build.txt, cdrec_fleet_list.txt... */
export const HELP_DIRECTORY = 'help';

const fileOf = (words: readonly string[]): string => `${['cdrec', ...words].join('_')}.txt`;

/**
 * Every page of `--help`, as commander writes it: by the name of its file in HELP_DIRECTORY; aliases have theirs.
 * @param make makes the program, with what it shall print into
 */
export function helpPages(specs: readonly CommandSpec[], make: (print: (text: string) => void) => Command): Record<string, string> {
  let printed = '';
  const program = make((text) => { printed += `${text}\n`; });
  const pages: Record<string, string> = {};
  const page = (command: Command, words: readonly string[]): void => {
    printed = '';
    command.outputHelp();
    pages[fileOf(words)] = printed;
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
 * The page that `cdrec COMMAND --help` asks for and nothing else, from the files of the bundle: nobody waits for a parser to be loaded.
 * Undefined for everything else, and where the files are not (a checkout): then commander answers.
 * @param directory where cdrec.mjs lies
 */
export function helpAtOnce(args: readonly string[], directory: URL): string | undefined {
  const words = args.slice(0, -1);
  if ((args.at(-1) !== '--help' && args.at(-1) !== '-h') || words.some((w) => !/^[a-z][a-z-]*$/.test(w))) return undefined;
  const file = new URL(`${HELP_DIRECTORY}/${fileOf(words)}`, directory);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** The script beside cdrec.mjs that starts it (CDREC_NODE: with which Node). It answers `--help` alone by itself, with the same pages, before Node is there. */
export const LAUNCHER = `#!/bin/sh
# Starts cdrec. A page of help that is asked for alone lies here already.
self=$(readlink -f "$0")
here=\${self%/*}
page=cdrec
help=
for word; do
  case $word in
    --help | -h) help=yes$help ;;
    '' | -* | *[!a-z-]*) help=no$help ;;
    *) page=\${page}_$word help=\${help:+no} ;;
  esac
done
if [ "$help" = yes ] && [ -f "$here/${HELP_DIRECTORY}/$page.txt" ]; then exec cat "$here/${HELP_DIRECTORY}/$page.txt"; fi
exec "\${CDREC_NODE:-node}" --no-warnings "$here/cdrec.mjs" "$@"
`;

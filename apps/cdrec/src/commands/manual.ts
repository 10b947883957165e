import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPLETIONS } from '../cli/completions.js';
import { mainPage, manPage, manPages } from '../cli/manual.js';
import { EXIT, usageError } from '../exit.js';
import { COMMANDS } from '../specs/index.js';
import type { Terminal } from '../terminal.js';

/** `cdrec completion`: completions for a shell. */
export function completion([shell]: [string], _flags: object, terminal: Terminal): number {
  const make = COMPLETIONS[shell];
  if (make === undefined) throw usageError(`there are no completions for ${shell}`, `take ${Object.keys(COMPLETIONS).join(', ')}`);
  terminal.print(make(COMMANDS).trimEnd());
  return EXIT.ok;
}

/** `cdrec man`: manual pages. */
export function man([name]: [string | undefined], flags: { all?: string }, terminal: Terminal): number {
  if (flags.all !== undefined) {
    mkdirSync(flags.all, { recursive: true });
    for (const [file, page] of manPages(COMMANDS)) {
      writeFileSync(join(flags.all, file), page);
      terminal.print(join(flags.all, file));
    }
    return EXIT.ok;
  }
  const spec = COMMANDS.find((c) => c.name === name || (c.alias !== undefined && c.alias === name));
  if (name !== undefined && spec === undefined) throw usageError(`there is no command "${name}"`, `there are ${COMMANDS.map((c) => c.name).join(', ')}`);
  terminal.print((spec === undefined ? mainPage(COMMANDS) : manPage(spec)).trimEnd());
  return EXIT.ok;
}

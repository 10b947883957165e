import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { CdrecError, findProgram, installHint } from '@cdrec/tool';
import { libraryClosure } from './libraries.js';
import { FileTree } from './tree.js';

/** The interpreter of a script, or `undefined` for a binary. */
function interpreterOf(path: string): string | undefined {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(256);
    const n = readSync(fd, head, 0, 256, 0);
    const line = head.toString('latin1', 0, n).split('\n')[0] as string;
    if (!line.startsWith('#!')) return undefined;
    const [program, argument] = line.slice(2).trim().split(/\s+/);
    return program?.endsWith('/env') === true ? argument : program;
  } finally {
    closeSync(fd);
  }
}

/** Programs to take along; `optional` ones are left out silently when the host lacks them. `path` is a PATH string. */
export interface ProgramChoice {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly path: string;
  /** Binaries and libraries that are not found by themselves: loaded at run time, or outside of PATH. */
  readonly files?: readonly string[];
}

/**
 * Adds programs, their interpreters and the closure of their libraries to a tree. Returns the programs that were added.
 * @throws CdrecError TOOL_MISSING for a required program, LIBRARY_MISSING
 */
export async function addPrograms(tree: FileTree, choice: ProgramChoice): Promise<string[]> {
  const binaries = new Set<string>(choice.files?.map((f) => realpathSync(f)));
  const added: string[] = [];
  const add = (name: string, required: boolean): void => {
    const full = name.startsWith('/') ? name : findProgram(name, choice.path);
    if (full === undefined) {
      if (required) throw new CdrecError('TOOL_MISSING', `program "${name}" is needed in the rescue system, but not installed`, { hint: installHint(name) });
      return;
    }
    tree.addHostFile(full, 'programs');
    added.push(name);
    const real = realpathSync(full);
    const interpreter = interpreterOf(real);
    if (interpreter === undefined) binaries.add(real);
    else if (!tree.has(interpreter)) add(interpreter, true);
  };
  for (const name of choice.required) add(name, true);
  for (const name of choice.optional) add(name, false);
  for (const file of choice.files ?? []) tree.addHostFile(file, 'libraries');
  for (const library of await libraryClosure([...binaries])) tree.addHostFile(library, 'libraries');
  return added;
}

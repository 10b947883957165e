import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode, requireAnswer } from '@cdrec/tool';
import { readConfig } from '../config.js';
import { EXIT } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** `cdrec clean`: removes what interrupted builds left behind. */
export async function clean(_: [], flags: { out?: string }, terminal: Terminal): Promise<number> {
  const out = resolve(flags.out ?? readConfig(undefined).output.directory);
  await requireAnswer([out]);
  let names: string[] = [];
  try {
    names = readdirSync(out).filter((n) => /^\.[A-Za-z0-9_.-]{1,28}(_\d+\.iso|\.html)?\.partial$|^\.cdrec-grub-/.test(n));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  for (const name of names) {
    await rm(join(out, name), { recursive: true });
    terminal.print(join(out, name));
  }
  terminal.say(`${String(names.length)} unfinished files removed from ${out}`);
  return EXIT.ok;
}

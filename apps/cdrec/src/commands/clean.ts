import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadConfig } from '@cdrec/config';
import { errorCode } from '@cdrec/tool';
import type { AddCommand } from '../main.js';

export const cleanCommand: AddCommand = (program, terminal) => {
  program.command('clean')
    .description('remove what interrupted builds left in the output directory; finished sets stay')
    .option('--out <directory>', 'output directory')
    .action(async (flags: { out?: string }) => {
      const out = resolve(flags.out ?? loadConfig('/etc/cdrec/cdrec.toml', false).output.directory);
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
    });
};

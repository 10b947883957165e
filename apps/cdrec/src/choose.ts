import type { BuildRequest } from './build.js';
import type { Terminal } from './terminal.js';

/** What a person chose of mkCDrec's five choices. */
export interface Choice { readonly mode: BuildRequest['mode']; readonly out?: string; readonly tape?: string; readonly burn?: string }

/** What each choice would come to, in words; empty where it is not known. */
export interface ChoiceNotes { readonly rescue: string; readonly discs: string; readonly iso: string; readonly path: string; readonly tape: string }

const NONE: ChoiceNotes = { rescue: '', discs: '', iso: '', path: '', tape: '' };

/** mkCDrec's menu of five choices. `notes` stand behind them. */
export async function chooseMode(terminal: Terminal, notes: ChoiceNotes = NONE): Promise<Choice> {
  const behind = (note: string): string => (note === '' ? '' : `\n       ${note}`);
  terminal.say(`
  1) Rescue CD only (no backups)${behind(notes.rescue)}
  2) Onto discs: every volume is burned as soon as it is complete${behind(notes.discs)}
  3) ISO images, for burning later or for USB${behind(notes.iso)}
  4) Into a directory: another disk, NFS, SMB (rescue ISO and archives)${behind(notes.path)}
  5) Onto tape, here or on another host${behind(notes.tape)}
`);
  for (;;) {
    switch (await terminal.ask('Your choice (1-5): ', '--mode rescue|iso|path|tape')) {
      case '1': return { mode: 'rescue' };
      case '2': return { mode: 'iso', burn: await terminal.ask('Drive (/dev/sr0): ', '--burn DRIVE') || '/dev/sr0' };
      case '3': return { mode: 'iso' };
      case '4': return { mode: 'path', out: await terminal.ask('Directory: ', '--out DIRECTORY') };
      case '5': return { mode: 'tape', tape: await terminal.ask('Drive (/dev/nst0, or HOST:/dev/nst0): ', '--tape DRIVE') || '/dev/nst0' };
      default: terminal.say('Type a number from 1 to 5.');
    }
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { parseSize, type Config } from '@cdrec/config';
import { formatTape, parseTape, readCapacity, TapeDrive } from '@cdrec/tape';
import { CdrecError, runHook } from '@cdrec/tool';
import { describeTape, readTape, volumeLabel, type TapeMedium } from '@cdrec/volumes';
import { readConfig } from './config.js';
import { formatBytes, type Terminal } from './terminal.js';

/** Where the rescue system has the command that changes tapes. */
const RESCUE_TAPE_CHANGE = '/etc/cdrec/tape-change';

/** What the rescue system needs to change tapes as the machine did. The programs of the command are the administrator's to name (`rescue.programs`, `rescue.files`). */
export const tapeTexts = ({ output }: Config): { path: string; text: string; mode: number }[] => (output.tape_change === '' ? [] : [{ path: RESCUE_TAPE_CHANGE, text: `${output.tape_change}\n`, mode: 0o600 }]);

/** The command that changes tapes for whoever reads them: of this rescue system, or of this machine; empty: a person does it. @throws CdrecError CONFIG_INVALID */
export const tapeChangeCommand = (): string => (existsSync(RESCUE_TAPE_CHANGE) ? readFileSync(RESCUE_TAPE_CHANGE, 'utf8') : readConfig(undefined).output.tape_change).trim();

/** The drives of a build or restore, by flags or configuration. @throws CdrecError USAGE */
export function tapeDrives(config: Config, named: readonly string[]): TapeDrive[] {
  const addresses = named.length > 0 ? named : config.output.tapes;
  if (addresses.length === 0) throw new CdrecError('USAGE', 'no tape drive is named', { hint: 'give --tape /dev/nst0 or --tape HOST:/dev/nst0, or output.tapes in the configuration' });
  const block = parseSize(config.output.tape_block);
  if (block < 512 || block > 1 << 24) throw new CdrecError('CONFIG_INVALID', `output.tape_block ${config.output.tape_block} is not between 512 bytes and 16 MiB`);
  return addresses.map((a) => new TapeDrive(parseTape(a), block));
}

/** Has another tape put into a drive: by the administrator's command, else by the person. @throws CdrecError TAPE_NEEDED where nobody can be asked, TOOL_FAILED, TAPE_FAILED */
async function change(drive: TapeDrive, what: string, { label, number, command }: { label: string; number: number; command: string }, terminal: Terminal): Promise<void> {
  if (command !== '') {
    terminal.say(`  ${drive.name}: output.tape_change brings ${what}`);
    try {
      await runHook(command, { env: { CDREC_TAPE: drive.name, CDREC_TAPE_NUMBER: String(number), CDREC_TAPE_LABEL: label } });
      await drive.rewind(); // says so if there is no tape in the drive
      return;
    } catch (error) {
      if (!(error instanceof CdrecError) || !terminal.interactive) throw error;
      terminal.say(`  ${error.message}`); // a person can do what the changer cannot
    }
  }
  if (!terminal.interactive) throw new CdrecError('TAPE_NEEDED', `${what} is needed in ${drive.name}, and nobody can be asked: there is no terminal`, { hint: 'name more drives (--tape, repeatable), or output.tape_change: a command that changes the tape' });
  await drive.eject().catch((error: unknown) => { terminal.say(`  ${error instanceof Error ? error.message : String(error)}`); }); // an empty drive, perhaps
  await terminal.ask(`Insert ${what} into ${drive.name} and press Enter: `, 'output.tape_change');
}

/** How tapes are written: what may be overwritten is told from what may not before a byte is lost. */
export interface TapeWriting {
  readonly config: Config;
  readonly drives: readonly TapeDrive[];
  readonly overwrite: boolean;
  readonly label: string;
}

/** Gives the drive with tape `n`: the drives in their order, then the first one again with another tape. */
export function nextTape(w: TapeWriting, terminal: Terminal): (n: number) => Promise<TapeMedium> {
  return async (n) => {
    const drive = w.drives[(n - 1) % w.drives.length] as TapeDrive;
    const name = `tape ${String(n)} (write on it: ${volumeLabel(w.label, n)})`;
    if (n > w.drives.length) await change(drive, name, { label: w.label, number: n, command: w.config.output.tape_change }, terminal);
    for (;;) {
      const content = await readTape(drive);
      if (content.kind === 'blank' || (w.overwrite && (n <= w.drives.length || content.kind !== 'set' || content.manifest.label !== w.label))) {
        const capacity = await readCapacity(drive.address);
        terminal.say(`  ${name} in ${formatTape(drive.address)}: ${describeTape(content)}${capacity === undefined ? ', capacity unknown: it is written to its end' : `, ${formatBytes(capacity.maximum)} by the drive's ${capacity.source}`}`);
        return drive;
      }
      if (!terminal.interactive || w.config.output.tape_change !== '') throw new CdrecError('TAPE_IN_USE', `the tape in ${drive.name} is not overwritten: it holds ${describeTape(content)}`, { hint: 'insert another tape, or allow --overwrite' });
      terminal.say(`The tape in ${drive.name} holds ${describeTape(content)}.`);
      await change(drive, `another tape as ${name}`, { label: w.label, number: n, command: '' }, terminal);
    }
  };
}

/**
 * For reading: has the wanted tape put into the first drive. `n` 0 is the last tape of the set. A command that brings one tape after another may need
 * several tries; once it has brought the same one twice, it will not find another: a person is asked.
 * @throws CdrecError (from the returned function) TAPE_NEEDED where nobody can be asked, TOOL_FAILED, TAPE_FAILED
 */
export function changeTapeFor(drives: readonly TapeDrive[], command: string, terminal: Terminal): (label: string, n: number, found: string) => Promise<TapeMedium> {
  const brought = new Set<string>();
  return async (label, n, found) => {
    const drive = drives[0] as TapeDrive;
    const what = n === 0 ? `the last tape of ${label}` : `tape ${volumeLabel(label, n)}`;
    if (found === '') brought.clear(); // another search
    else terminal.say(`${drive.name} has ${found}.`);
    const lost = command !== '' && brought.has(found);
    if (lost && !terminal.interactive) throw new CdrecError('TAPE_NEEDED', `${what} is needed in ${drive.name}, and output.tape_change brought for the second time: ${found}`, { hint: 'put the tape into the changer, or mend the command' });
    if (found !== '') brought.add(found);
    await change(drive, what, { label, number: n, command: lost ? '' : command }, terminal);
    return drive;
  };
}

import { CdrecError } from '@cdrec/tool';

/** A tape drive: its no-rewind device node, and the host it is on when that is another one (reached by SSH). */
export interface TapeAddress {
  readonly host?: string;
  readonly device: string;
}

/**
 * Reads `/dev/nst0`, `host:/dev/nst0` or `user@host:/dev/nst0`. Rewinding devices (`/dev/st0`) are refused: they would
 * go back to the beginning after every file, and the next one would overwrite it.
 * @throws CdrecError USAGE
 */
export function parseTape(text: string): TapeAddress {
  const match = /^(?:([A-Za-z0-9_.@%-]+|[A-Za-z0-9_.-]*@?\[[0-9A-Fa-f:.%]+\]):)?(\/[A-Za-z0-9_.+/-]+)$/.exec(text);
  const [, host, device] = match ?? [];
  if (device === undefined || host?.startsWith('-') === true) throw new CdrecError('USAGE', `"${text}" is no tape drive`, { hint: 'write /dev/nst0, or HOST:/dev/nst0 for one that is reached by SSH' });
  if (/\/st\d+[alm]?$/.test(device)) throw new CdrecError('USAGE', `${text} rewinds after every file`, { hint: `take the no-rewind device: ${text.replace(/\/st(\d+[alm]?)$/, '/nst$1')}` });
  return { device, ...(host === undefined ? {} : { host }) };
}

/** The address as it was written. */
export const formatTape = (a: TapeAddress): string => (a.host === undefined ? a.device : `${a.host}:${a.device}`);

/** The program that runs `words` where the drive is. SSH hands them to a shell there, so they must be plain words. @throws RangeError */
export function commandAt(a: TapeAddress, words: readonly [string, ...string[]]): { program: string; args: string[] } {
  const [program, ...args] = words;
  if (a.host === undefined) return { program, args };
  const odd = words.find((w) => !/^[A-Za-z0-9_.,:=+/-]+$/.test(w));
  if (odd !== undefined) throw new RangeError(`"${odd}" cannot be passed through SSH`);
  return { program: 'ssh', args: ['-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=15', a.host.replace(/[[\]]/g, ''), '--', ...words] };
}

import { errorCode } from '@cdrec/tool';
import { parseManifest, volumeLabel, type Manifest } from './manifest.js';

/** A file on a tape while it is written (`TapeFile` of @cdrec/tape). */
export interface TapeOutput {
  /** Told of bytes that are on the tape for certain, in order. */
  onSettled: (chunk: Uint8Array) => void;
  /** False when the tape takes no more: then `close` says why. */
  write(chunk: Uint8Array): Promise<boolean>;
  close(): Promise<{ readonly bytes: number; readonly full: boolean; readonly rest: readonly Uint8Array[] }>;
  abort(): Promise<void>;
}

/** What a set needs of a tape drive (`TapeDrive` of @cdrec/tape is one). Files on a tape are counted from 0. */
export interface TapeMedium {
  readonly name: string;
  readonly blockBytes: number;
  position(file: number): Promise<void>;
  /** `bufferBytes`: at least twice the size of a block. */
  read(bufferBytes?: number): AsyncGenerator<Uint8Array, void, undefined>;
  readSmall(file: number | 'last', limit: number): Promise<Buffer>;
  write(): TapeOutput;
  /** Files up to the end of what is recorded; 0 where nothing is, or the drive cannot tell. */
  countFiles(): Promise<number>;
  eject(): Promise<void>;
}

/** Longest set.json that is read from a tape, in bytes. */
const LIMIT = 16 << 20;

/** What a tape is, by its first file. */
export type TapeContent =
  | { readonly kind: 'blank' }
  | { readonly kind: 'foreign' }
  /** Something is recorded, but its beginning cannot be read: dirty heads, or a worn tape. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'set'; readonly manifest: Manifest };

/**
 * Reads the beginning of a tape. New tapes give an I/O error (blank check), as bad ones do: it counts as blank only where the drive finds nothing
 * recorded. Blocks or files larger than any header are somebody's data, and so is what lies behind an empty first file.
 * @throws CdrecError TAPE_FAILED when the drive does not answer
 */
export async function readTape(medium: TapeMedium): Promise<TapeContent> {
  await medium.position(0);
  let begin: Buffer;
  try {
    begin = await medium.readSmall(0, LIMIT);
  } catch (error) {
    if (errorCode(error) === 'TAPE_BLOCK') return { kind: 'foreign' };
    if (errorCode(error) === 'TAPE_LONG') return { kind: (await beginsWithZeros(medium)) ? 'blank' : 'foreign' };
    if (errorCode(error) === 'TAPE_FAILED' && error instanceof Error && error.message.includes('Input/output error')) return { kind: (await medium.countFiles()) > 0 ? 'unreadable' : 'blank' };
    throw error;
  }
  if (begin.length === 0) return { kind: (await medium.countFiles()) > 1 ? 'foreign' : 'blank' };
  try {
    return { kind: 'set', manifest: parseManifest(begin.toString('utf8'), medium.name) };
  } catch {
    return { kind: 'foreign' };
  }
}

/** Some drives give zeros without end where nothing was written. Images of disks begin with zeros, too, but not with so many. */
async function beginsWithZeros(medium: TapeMedium): Promise<boolean> {
  await medium.position(0);
  let bytes = 0;
  for await (const chunk of medium.read(1 << 20)) {
    if (!Buffer.from(chunk).equals(Buffer.alloc(chunk.length))) return false;
    bytes += chunk.length;
    if (bytes >= LIMIT) break;
  }
  return true;
}

/** The index at the end of the last tape of a set; `undefined` when this is not the last tape. */
export async function readTapeIndex(medium: TapeMedium): Promise<Manifest | undefined> {
  try {
    const manifest = parseManifest((await medium.readSmall('last', LIMIT)).toString('utf8'), medium.name);
    return manifest.last ? manifest : undefined;
  } catch {
    return undefined; // the last file is a piece: the set goes on on another tape, or the writing was broken off
  }
}

/** What a tape is, in a few words. */
export const describeTape = (c: TapeContent): string =>
  c.kind === 'blank' ? 'blank' : c.kind === 'foreign' ? 'data that is no recovery set' : c.kind === 'unreadable' ? 'data whose beginning cannot be read (clean the drive, or the tape is worn)' : `tape ${String(c.manifest.volume)} of the recovery set ${c.manifest.label} of ${c.manifest.host}, made ${c.manifest.created} (${volumeLabel(c.manifest.label, c.manifest.volume)})`;

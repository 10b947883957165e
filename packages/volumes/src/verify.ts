import { createHash, type Hash } from 'node:crypto';
import { pasteStream } from '@cdrec/pastestream';
import { crc32OfStream, parseSfv, type SfvEntry } from '@cdrec/sfv';
import { CdrecError } from '@cdrec/tool';
import { volumeLabel, type Archive, type Piece } from './manifest.js';
import type { OpenSet, OpenVolume } from './reader.js';

/** One thing that is wrong with a set. */
export interface Finding {
  readonly volume: string;
  readonly file: string;
  readonly problem: string;
}

/** Which of a set's missing volumes some archives need: those that they lie on, and all where the last is missing, which says what there is. */
export function missingFor(set: OpenSet, only: (archive: Archive) => boolean): string[] {
  if (set.missing.length === 0 || !set.manifest.last) return [...set.missing];
  const on = new Set(set.manifest.archives.filter(only).flatMap((a) => a.pieces.map((p) => volumeLabel(set.label, p.volume))));
  return set.missing.filter((m) => on.has(m));
}

/** Whether a volume was not even there (nobody could bring it), rather than bad: the rest of it need not be tried. */
const isAbsent = (error: unknown): boolean => error instanceof CdrecError && !['TAPE_FAILED', 'TAPE_BLOCK', 'SET_INCOMPLETE'].includes(error.code);

/** What the sound pieces of an archive are together. Where there is one piece only, its own digest says it. */
interface Whole { readonly hash: Hash; sound: number }

/**
 * Reads a whole set: presence of all volumes, CRC-32 of every file by Checksums.sfv, SHA-256 of every piece and of
 * every archive; `only`: these archives and the volumes they lie on, nothing else. Volumes are read one after another, so that each is wanted once,
 * and pieces of what is on missing volumes, too, as far as they are there. `onBytes` is told of progress. Nothing is thrown for a bad set: the findings say it.
 */
export async function verifySet(set: OpenSet, onBytes: (bytes: number) => void = () => undefined, only?: (archive: Archive) => boolean): Promise<Finding[]> {
  const needed = only === undefined ? undefined : new Set(missingFor(set, only));
  const findings: Finding[] = set.missing.filter((m) => needed?.has(m) ?? true).map((volume) => ({ volume, file: '', problem: 'missing' }));
  const archives = set.manifest.archives.filter((a) => a.snapshot === undefined && only?.(a) !== false); // of a snapshot its engine knows
  const wholes = new Map(archives.map((a): [Archive, Whole] => [a, { hash: createHash('sha256'), sound: 0 }]));
  for (const [number, volume] of [...set.volumes].sort(([a], [b]) => a - b)) {
    const label = volumeLabel(set.label, number);
    /** False when the volume is not there. */
    const tried = async (file: string, read: () => Promise<string | undefined>): Promise<boolean> => {
      try {
        const problem = await read();
        if (problem !== undefined) findings.push({ volume: label, file, problem });
      } catch (error) {
        findings.push({ volume: label, file, problem: error instanceof Error ? error.message : String(error) });
        return !isAbsent(error);
      }
      return true;
    };
    let there = true;
    // Tapes hold nothing but archives, header and index, which have been read already.
    if (only === undefined && set.manifest.mode !== 'tape') {
      let files: readonly SfvEntry[] = [];
      there = await tried('Checksums.sfv', async () => { files = parseSfv((await volume.readFile('Checksums.sfv')).toString('utf8')); return undefined; });
      for (const entry of files) {
        if (entry.name.startsWith('backup/')) continue; // read below, with the stronger digest
        there &&= await tried(entry.name, async () => ((await crc32OfStream(counted(volume.read(entry.name), onBytes))) === entry.crc32 ? undefined : 'damaged: its CRC-32 differs'));
      }
    }
    for (const [archive, whole] of wholes) {
      for (const piece of archive.pieces.filter((p) => p.volume === number)) {
        there &&= await tried(piece.file, async () => { await readPiece(piece, `${label}: ${piece.file}`, volume, onBytes, archive.pieces.length > 1 ? whole.hash : undefined); whole.sound++; return undefined; });
      }
    }
  }
  for (const [archive, whole] of wholes) {
    if (whole.sound < archive.pieces.length || archive.sha256 === '') continue; // said already; not known yet on a volume in the middle of it
    const sum = archive.pieces.length === 1 ? archive.pieces[0]?.sha256 : whole.hash.digest('hex');
    // They were read volume by volume; a restore reads them as they are listed.
    const inOrder = archive.pieces.every((p, i) => i === 0 || p.volume >= (archive.pieces[i - 1] as Piece).volume);
    if (sum !== archive.sha256 || !inOrder) findings.push({ volume: set.label, file: archive.name, problem: `${archive.name}: the pieces are sound, but together they are not the stream that was cut` });
  }
  return findings;
}

async function readPiece(piece: Piece, name: string, volume: OpenVolume, onBytes: (bytes: number) => void, whole: Hash | undefined): Promise<void> {
  for await (const chunk of pasteStream([{ name, bytes: piece.bytes, sha256: piece.sha256, open: () => volume.read(piece.file) }])) {
    whole?.update(chunk);
    onBytes(chunk.length);
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    yield chunk;
  }
}

import { crc32OfStream, parseSfv } from '@cdrec/sfv';
import { volumeLabel, type Archive } from './manifest.js';
import type { OpenSet } from './reader.js';

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

/**
 * Reads a whole set: presence of all volumes, CRC-32 of every file by Checksums.sfv, SHA-256 of every piece and of
 * every archive; `only`: these archives and the volumes they lie on, nothing else. `onBytes` is told of progress. Nothing is
 * thrown for a bad set: the findings say it.
 */
export async function verifySet(set: OpenSet, onBytes: (bytes: number) => void = () => undefined, only?: (archive: Archive) => boolean): Promise<Finding[]> {
  const needed = only === undefined ? undefined : new Set(missingFor(set, only));
  const findings: Finding[] = set.missing.filter((m) => needed?.has(m) ?? true).map((volume) => ({ volume, file: '', problem: 'missing' }));
  // Tapes hold nothing but archives, header and index, which have been read already.
  if (only === undefined && set.manifest.mode !== 'tape') {
    for (const [number, volume] of [...set.volumes].sort(([a], [b]) => a - b)) {
      const label = volumeLabel(set.label, number);
      try {
        for (const entry of parseSfv((await volume.readFile('Checksums.sfv')).toString('utf8'))) {
          if (entry.name.startsWith('backup/')) continue; // read below, with the stronger digest
          const crc = await crc32OfStream(counted(volume.read(entry.name), onBytes));
          if (crc !== entry.crc32) findings.push({ volume: label, file: entry.name, problem: 'damaged: its CRC-32 differs' });
        }
      } catch (error) {
        findings.push({ volume: label, file: 'Checksums.sfv', problem: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  for (const archive of set.manifest.archives) {
    if (archive.snapshot !== undefined) continue; // its engine knows
    if (only?.(archive) === false) continue;
    if (archive.pieces.some((p) => !set.volumes.has(p.volume))) continue; // its volume is among the missing
    try {
      for await (const chunk of set.read(archive)) onBytes(chunk.length);
    } catch (error) {
      findings.push({ volume: set.label, file: archive.name, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return findings;
}

async function* counted(source: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    yield chunk;
  }
}

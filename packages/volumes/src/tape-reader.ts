import { pasteStream } from '@cdrec/pastestream';
import { CdrecError } from '@cdrec/tool';
import { volumeLabel, type Archive, type Manifest } from './manifest.js';
import type { OpenSet, OpenVolume } from './reader.js';
import { describeTape, readTape, readTapeIndex, type TapeMedium } from './tape.js';

/** How tapes are read. */
export interface TapeReadOptions {
  /** The drives, with whatever tapes are in them. */
  readonly drives: readonly TapeMedium[];
  /** Has tape `n` (or, for 0, the last one) of a set put into a drive, which it returns. Called until the right one is there. */
  readonly changeTape: (label: string, n: number, found: string) => Promise<TapeMedium>;
  /** Set whose tapes are wanted; default: the first that is found. */
  readonly setId?: string;
}

/**
 * Opens a set on tape: finds its index at the end of the last tape, and asks for tapes as they are needed.
 * @throws CdrecError SET_NOT_FOUND, SET_FOREIGN, TAPE_FAILED
 */
export async function openTapeSet(options: TapeReadOptions): Promise<OpenSet> {
  /** Which tape is in which drive. */
  const loaded = new Map<number, TapeMedium>();
  let setId = options.setId;
  let label = '';
  const look = async (drive: TapeMedium): Promise<string> => {
    for (const [n, d] of loaded) if (d === drive) loaded.delete(n);
    const content = await readTape(drive);
    if (content.kind !== 'set') return describeTape(content);
    if (setId !== undefined && content.manifest.setId !== setId) return describeTape(content);
    setId ??= content.manifest.setId;
    label = content.manifest.label;
    loaded.set(content.manifest.volume, drive);
    return describeTape(content);
  };
  const found: string[] = [];
  for (const drive of options.drives) found.push(`${drive.name}: ${await look(drive)}`);
  if (loaded.size === 0) throw new CdrecError('SET_NOT_FOUND', `no tape of a recovery set: ${found.join('; ')}`, { hint: 'insert the last tape of the set' });
  const findIndex = async (): Promise<Manifest> => {
    for (let drive = loaded.get(Math.max(...loaded.keys())) as TapeMedium; ; ) {
      const manifest = await readTapeIndex(drive);
      if (manifest !== undefined && manifest.setId === setId) return manifest;
      drive = await options.changeTape(label, 0, found.at(-1) ?? '');
      found.push(await look(drive));
    }
  };
  const index = await findIndex();
  const drive = async (n: number): Promise<TapeMedium> => {
    for (let what = ''; ; ) {
      const there = loaded.get(n);
      if (there !== undefined) return there;
      what = await look(await options.changeTape(index.label, n, what));
    }
  };
  const readAt = async function* (n: number, file: number): AsyncGenerator<Uint8Array, void, undefined> {
    const medium = await drive(n);
    await medium.position(file);
    yield* medium.read(2 * (index.tape?.block ?? medium.blockBytes));
  };
  const volumes = new Map<number, OpenVolume>(Array.from({ length: index.volume }, (_, i): [number, OpenVolume] => [i + 1, {
    path: `tape ${volumeLabel(index.label, i + 1)}`, manifest: index,
    read: (file) => {
      const piece = index.archives.flatMap((a) => a.pieces).find((p) => p.file === file && p.volume === i + 1);
      if (piece?.tapeFile === undefined) throw new CdrecError('SET_INCOMPLETE', `${file} is not on tape ${String(i + 1)}`);
      return readAt(i + 1, piece.tapeFile);
    },
    readFile: async (file) => {
      if (file !== 'cdrec/survey.json') throw new CdrecError('SET_INCOMPLETE', `${file} is not on the tapes`);
      const medium = await drive(1);
      return await medium.readSmall(1, 64 << 20);
    },
    close: () => Promise.resolve(),
  }]));
  return {
    setId: index.setId, label: index.label, manifest: index, volumes, missing: [],
    read: (archive: Archive) => pasteStream(archive.pieces.map((piece) => ({
      name: `${volumeLabel(index.label, piece.volume)}: ${piece.file}`, bytes: piece.bytes, sha256: piece.sha256,
      open: () => readAt(piece.volume, piece.tapeFile ?? 0),
    })), archive.sha256 === '' ? undefined : archive.sha256), // not known yet on a volume in the middle of it
    close: () => Promise.resolve(),
  };
}

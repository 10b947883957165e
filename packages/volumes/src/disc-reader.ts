import { pasteStream } from '@cdrec/pastestream';
import { CdrecError } from '@cdrec/tool';
import { volumeLabel, type Manifest } from './manifest.js';
import { openVolume, reasonOf, type OpenSet, type OpenVolume } from './reader.js';

/** How discs of a set are changed in one drive. */
export interface DiscReadOptions {
  /** Device node of the drive. */
  readonly drive: string;
  /** Has volume `n` of a set (0: the last one) put into the drive. `found` says what is in it now; empty at the first time. Called until the right one is there. */
  readonly insert: (label: string, n: number, found: string) => Promise<void>;
}

/**
 * Makes a set whole that lacks volumes: they are asked for, one after another, as they are needed. Volumes that lie elsewhere are read there.
 * Takes over `set`, which is closed with the new one.
 * @throws CdrecError whatever `insert` throws
 */
export async function openDiscSet(set: OpenSet, options: DiscReadOptions): Promise<OpenSet> {
  const elsewhere = new Map([...set.volumes].filter(([, v]) => v.path !== options.drive));
  let inDrive: { readonly number: number; readonly volume: OpenVolume } | undefined;
  for (const [number, volume] of set.volumes) if (volume.path === options.drive) inDrive = { number, volume };

  /** Looks at what is in the drive; returns what it is, in words. */
  const look = async (): Promise<string> => {
    await inDrive?.volume.close();
    inDrive = undefined;
    try {
      const volume = await openVolume(options.drive);
      if (volume.manifest.setId === set.setId) {
        inDrive = { number: volume.manifest.volume, volume };
        return volumeLabel(volume.manifest.label, volume.manifest.volume);
      }
      const other = `${volumeLabel(volume.manifest.label, volume.manifest.volume)} of another set (${volume.manifest.setId})`;
      await volume.close();
      return other;
    } catch (error) {
      return reasonOf(options.drive, error);
    }
  };
  const need = async (n: number): Promise<OpenVolume> => {
    for (let found = ''; ; found = await look()) {
      const there = elsewhere.get(n) ?? (inDrive?.number === n ? inDrive.volume : undefined);
      if (there !== undefined) return there;
      await options.insert(set.label, n, found);
    }
  };
  let { manifest } = set;
  for (let found = ''; !manifest.last; ) {
    await options.insert(set.label, 0, found);
    found = await look();
    const now: Manifest | undefined = (inDrive as { volume: OpenVolume } | undefined)?.volume.manifest;
    if (now !== undefined && now.volume > manifest.volume) manifest = now;
  }
  const volumes = new Map<number, OpenVolume>(Array.from({ length: manifest.volume }, (_, i): [number, OpenVolume] => [i + 1, elsewhere.get(i + 1) ?? {
    path: options.drive, manifest: { ...manifest, volume: i + 1, last: i + 1 === manifest.volume },
    read: async function* (file) { yield* (await need(i + 1)).read(file); },
    readFile: async (file) => (await need(i + 1)).readFile(file),
    close: () => Promise.resolve(),
  }]));
  const volumeOf = (n: number): OpenVolume => {
    const volume = volumes.get(n);
    if (volume === undefined) throw new CdrecError('SET_INVALID', `the index names a volume ${String(n)}, but the set has ${String(manifest.volume)}`);
    return volume;
  };
  return {
    setId: set.setId, label: set.label, manifest, volumes, missing: [],
    read: (archive) => pasteStream(archive.pieces.map((piece) => ({ name: `${volumeLabel(set.label, piece.volume)}: ${piece.file}`, bytes: piece.bytes, sha256: piece.sha256, open: () => volumeOf(piece.volume).read(piece.file) })), archive.sha256),
    close: async () => {
      await inDrive?.volume.close();
      for (const v of elsewhere.values()) await v.close();
    },
  };
}

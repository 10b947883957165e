import { readdirSync, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cutStream, pieceSuffix, type PieceInfo, type PieceSink } from '@cdrec/cutstream';
import { IsoImageWriter } from '@cdrec/iso9660';
import { formatSfv } from '@cdrec/sfv';
import { CdrecError, syncDirectory } from '@cdrec/tool';
import { formatManifest, manifestHead, volumeFile, volumeLabel, type Archive, type ArchiveMeta, type Manifest, type Piece } from './manifest.js';
import { WriteBehind } from './write-behind.js';
import type { FinishedSet, SetHeader, SetWriter, VolumeBoot } from './writer.js';

/** A piece smaller than this is not worth the end of a volume: the next volume is begun instead. */
const SMALLEST_PIECE = 256 * 1024;
const SFV = 'Checksums.sfv';
const SET = 'cdrec/set.json';

/** What an ISO set is made of, besides archives. */
export interface IsoSetOptions extends SetHeader {
  readonly mode: 'rescue' | 'iso' | 'path' | 'tape' | 'repository';
  /** Where the archives are, in mode repository. */
  readonly repository?: Manifest['repository'];
  readonly directory: string;
  /** Capacity of a volume in bytes. */
  readonly volumeBytes: number;
  /** Mode path: most bytes of one file, where the file system has a limit (FAT: 4 GiB - 1). */
  readonly maxFileBytes?: number;
  readonly boot: VolumeBoot;
  /** Fills volume 1 with rescue system, boot files, survey. `file` is the image file, for `adoptFile`. */
  readonly populate: (iso: IsoImageWriter, file: string) => void | Promise<void>;
  /** Replace volumes of the same name. */
  readonly overwrite?: boolean;
  /**
   * Told when a volume is complete, with its file, before the next one is begun. `burned`: it is on a disc and the file
   * is not needed any more.
   */
  readonly onVolume?: ((volume: number, bytes: number, file: string) => Promise<'kept' | 'burned'>) | undefined;
}

interface OpenVolume { readonly number: number; readonly iso: IsoImageWriter; readonly partial: string; readonly disk: WriteBehind }

/** Writes a set as ISO images, each byte once: the archive streams go straight into the volumes' file extents. */
export class IsoSetWriter implements SetWriter {
  readonly #o: IsoSetOptions;
  readonly #archives: Archive[] = [];
  readonly #done: { partial: string; final: string; bytes: number }[] = [];
  #volume: OpenVolume | undefined;

  private constructor(options: IsoSetOptions) {
    this.#o = options;
  }

  /**
   * Begins volume 1 and fills it with what `populate` adds.
   * @throws CdrecError OUTPUT_EXISTS, VOLUME_TOO_SMALL
   */
  static async begin(options: IsoSetOptions): Promise<IsoSetWriter> {
    const [there] = volumesOf(options.directory, options.label); // not the first one only: a later one would be replaced at the end
    if (options.overwrite !== true && there !== undefined) {
      throw new CdrecError('OUTPUT_EXISTS', `${join(options.directory, there)} exists already`, { hint: 'choose another --out or --label, or allow --overwrite' });
    }
    const writer = new IsoSetWriter(options);
    const volume = writer.#open(1);
    try {
      await options.populate(volume.iso, volume.partial);
      const need = volume.iso.projectedBytes([{ path: SET, bytes: 4096 }, { path: SFV, bytes: 4096 }]);
      if (need > options.volumeBytes) {
        throw new CdrecError('VOLUME_TOO_SMALL', `the rescue system alone needs ${String(need)} bytes, a volume has ${String(options.volumeBytes)}`, { hint: 'take a larger --volume-size' });
      }
    } catch (error) {
      volume.iso.close();
      await volume.disk.stop();
      rmSync(volume.partial, { force: true });
      throw error;
    }
    return writer;
  }

  #open(number: number): OpenVolume {
    const { directory, label, created, boot } = this.#o;
    const partial = join(directory, `.${volumeFile(label, number)}.partial`);
    const iso = IsoImageWriter.create(partial, {
      volumeId: volumeLabel(label, number), date: created, application: 'CDREC', publisher: publisherOf(this.#o.host),
      ...(number === 1 && (boot.mbr !== undefined || boot.esp !== undefined) ? { boot } : {}),
    });
    this.#volume = { number, iso, partial, disk: new WriteBehind(partial) };
    return this.#volume;
  }

  #manifest(number: number, last: boolean, archives: readonly Archive[]): Manifest {
    const { mode, repository } = this.#o;
    return { ...manifestHead(this.#o), mode, ...(repository === undefined ? {} : { repository }), volume: number, last, archives: [...archives] };
  }

  #sfv(iso: IsoImageWriter): string {
    return formatSfv(iso.files.map((f) => ({ name: f.path, crc32: f.crc32 })), [`${this.#o.label}: recovery set ${this.#o.setId}`]);
  }

  /** Bytes that a further piece of `archive` may have on the open volume: exact to the sector. */
  #room(volume: OpenVolume, archive: Archive): number {
    const file = `backup/${archive.name}${pieceSuffix(archive.pieces.length + 1)}`;
    // Every number at its widest, so that the real set.json and SFV cannot be larger.
    const widest: Piece = { number: 999_999, volume: 999_999, file, offset: 1e15, bytes: 1e15, sha256: 'f'.repeat(64), crc32: 0xffffffff };
    const complete = { ...archive, bytes: 1e15, contentBytes: 1e15, sha256: 'f'.repeat(64), pieces: [...archive.pieces, widest] };
    const manifest = formatManifest(this.#manifest(volume.number, false, [...this.#archives, complete]));
    const sfv = this.#sfv(volume.iso).length + Buffer.byteLength(file) + SET.length + 32;
    // Exceptions are listed when an archive ends; room for them is kept here.
    const exceptions = 64 * 1024;
    const without = volume.iso.projectedBytes([{ path: file, bytes: 0 }, { path: SET, bytes: Buffer.byteLength(manifest) + exceptions }, { path: SFV, bytes: sfv }]);
    return Math.floor((this.#o.volumeBytes - without) / 2048) * 2048;
  }

  async addArchive(meta: ArchiveMeta, source: AsyncIterable<Uint8Array>, ended: () => Promise<{ contentBytes: number; exceptions: readonly string[] }>): Promise<Archive> {
    const archive: Archive = { ...meta, bytes: 0, contentBytes: 0, sha256: '', exceptions: [], pieces: [] };
    const result = await cutStream(source, async (number): Promise<PieceSink> => {
      let volume = this.#volume as OpenVolume;
      let capacity = this.#room(volume, archive);
      if (capacity < SMALLEST_PIECE) {
        await this.#complete(false, number === 1 ? this.#archives : [...this.#archives, archive]);
        volume = this.#open(volume.number + 1);
        capacity = this.#room(volume, archive);
        if (capacity < SMALLEST_PIECE) throw new CdrecError('VOLUME_TOO_SMALL', `a volume of ${String(this.#o.volumeBytes)} bytes has no room for backups`, { hint: 'take a larger --volume-size' });
      }
      const sink = volume.iso.openFile();
      return {
        capacity,
        write: (chunk) => {
          sink.write(chunk);
          volume.disk.wrote(chunk.length);
        },
        close: (piece, last) => {
          const file = piece.number === 1 && last ? `backup/${meta.name}` : `backup/${meta.name}${pieceSuffix(piece.number)}`;
          sink.close(file, { mode: 0o400 });
          archive.pieces.push(toPiece(piece, volume.number, file));
        },
      };
    });
    const { contentBytes, exceptions } = await ended();
    const complete = { ...archive, bytes: result.bytes, sha256: result.sha256, contentBytes, exceptions: limitExceptions(exceptions) };
    this.#archives.push(complete);
    return complete;
  }

  /** Enters an archive that lies elsewhere (`snapshot`). */
  addReference(archive: Archive): void {
    this.#archives.push({ ...archive, exceptions: limitExceptions(archive.exceptions) });
  }

  async #complete(last: boolean, archives: readonly Archive[]): Promise<void> {
    const { number, iso, partial, disk } = this.#volume as OpenVolume;
    iso.addFile(SET, Buffer.from(formatManifest(this.#manifest(number, last, archives))));
    iso.addFile(SFV, Buffer.from(this.#sfv(iso)));
    const bytes = iso.finish();
    await disk.stop();
    const volume = { partial, final: join(this.#o.directory, volumeFile(this.#o.label, number)), bytes };
    this.#done.push(volume);
    this.#volume = undefined;
    if ((await this.#o.onVolume?.(number, bytes, partial)) === 'burned') {
      await rm(partial);
      this.#done.pop();
    }
  }

  async finish(): Promise<FinishedSet> {
    await this.#complete(true, this.#archives);
    for (const { partial, final } of this.#done) await rename(partial, final);
    syncDirectory(this.#o.directory);
    return { files: this.#done.map(({ final: path, bytes }) => ({ path, bytes })), archives: this.#archives };
  }

  async abort(): Promise<void> {
    if (this.#volume !== undefined) {
      this.#volume.iso.close();
      await this.#volume.disk.stop();
      await rm(this.#volume.partial, { force: true });
    }
    for (const { partial } of this.#done) await rm(partial, { force: true });
  }
}

/** Names of the volumes of a label that are there, by number. */
function volumesOf(directory: string, label: string): string[] {
  const numberOf = (name: string): number => Number(/^[1-9]\d*(?=\.iso$)/.exec(name.slice(label.length + 1))?.[0] ?? NaN);
  return readdirSync(directory).filter((n) => n === volumeFile(label, numberOf(n))).sort((a, b) => numberOf(a) - numberOf(b));
}

/** The host's name as a publisher: a-characters (ECMA-119 7.4.1). */
const publisherOf = (host: string): string => host.toUpperCase().replace(/[^A-Z0-9_.-]/g, '_').slice(0, 128);

/** Keeps the list within the room that was kept for it; the full list stands in the log and on the terminal. */
function limitExceptions(all: readonly string[]): string[] {
  const out: string[] = [];
  let size = 0;
  for (const [i, text] of all.entries()) {
    size += JSON.stringify(text).length + 8;
    if (size > 60_000) return [...out, `... and ${String(all.length - i)} more`];
    out.push(text);
  }
  return out;
}

/** A piece's record in set.json. */
export function toPiece(piece: PieceInfo, volume: number, file: string): Piece {
  const { number, offset, bytes, sha256, crc32 } = piece;
  return { number, volume, file, offset, bytes, sha256, crc32 };
}

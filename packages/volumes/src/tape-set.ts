import { createHash, type Hash } from 'node:crypto';
import { createReadStream, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { pieceSuffix } from '@cdrec/cutstream';
import { CdrecError } from '@cdrec/tool';
import { IsoSetWriter, type IsoSetOptions } from './iso-set.js';
import { formatManifest, manifestHead, type Archive, type ArchiveMeta, type Manifest, type Piece } from './manifest.js';
import type { TapeMedium, TapeOutput } from './tape.js';
import type { FinishedSet, SetWriter } from './writer.js';

/** What a set on tape needs besides that of its rescue ISO. */
export interface TapeSetOptions extends Omit<IsoSetOptions, 'mode' | 'volumeBytes'> {
  /** survey.json, which lies on the first tape by itself. */
  readonly survey: Buffer;
  /** Gets the drive with tape `n` in it, from 1: one that may be overwritten. The one before is full. */
  readonly nextTape: (n: number) => Promise<TapeMedium>;
  /** Bytes of archives after which a tape counts as full; the end of the tape itself counts in any case. */
  readonly capacity?: number;
}

/** Digests of a piece, fed only with what is on the tape. */
class PieceDigest {
  readonly #sha: Hash = createHash('sha256');
  #crc = 0;
  bytes = 0;
  readonly add = (chunk: Uint8Array): void => {
    this.#sha.update(chunk);
    this.#crc = crc32(chunk, this.#crc);
    this.bytes += chunk.length;
  };
  result(): Pick<Piece, 'bytes' | 'sha256' | 'crc32'> {
    return { bytes: this.bytes, sha256: this.#sha.digest('hex'), crc32: this.#crc >>> 0 };
  }
}

/**
 * Writes a set onto tapes, and its rescue system into an ISO image beside. Files of a tape: set.json as a header; on
 * the first one survey.json; pieces; on the last one the rescue ISO and set.json with the whole index.
 */
export class TapeSetWriter implements SetWriter {
  readonly #o: TapeSetOptions;
  readonly #rescue: IsoSetWriter;
  readonly #archives: Archive[] = [];
  readonly #made: string[] = [];
  #tape: TapeMedium | undefined;
  #number = 0;
  #file = 0;
  #used = 0;

  private constructor(options: TapeSetOptions, rescue: IsoSetWriter) {
    this.#o = options;
    this.#rescue = rescue;
  }

  /** Makes the rescue ISO and the header of the first tape. @throws CdrecError OUTPUT_EXISTS; what `nextTape` throws */
  static async begin(options: TapeSetOptions): Promise<TapeSetWriter> {
    // The tape is looked at first and written last: what is on it stays until the rescue system is made.
    const first = await options.nextTape(1);
    const rescue = await IsoSetWriter.begin({ ...options, mode: 'tape', volumeBytes: Number.MAX_SAFE_INTEGER });
    const writer = new TapeSetWriter(options, rescue);
    try {
      await writer.#next([], first);
      await writer.#small(options.survey);
      return writer;
    } catch (error) {
      await rescue.abort();
      throw error;
    }
  }

  #manifest(last: boolean, archives: readonly Archive[]): Manifest {
    return { ...manifestHead(this.#o), mode: 'tape', volume: this.#number, last, archives: [...archives], tape: { block: (this.#tape as TapeMedium).blockBytes } };
  }

  async #next(archives: readonly Archive[], tape?: TapeMedium): Promise<void> {
    this.#number++;
    this.#tape = tape ?? (await this.#o.nextTape(this.#number));
    await this.#tape.position(0);
    this.#file = 0;
    this.#used = 0;
    await this.#small(Buffer.from(formatManifest(this.#manifest(false, archives))));
  }

  /** A file that must be on this tape. False when the tape ended in it. */
  async #try(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<boolean> {
    const out = (this.#tape as TapeMedium).write();
    try {
      for await (const chunk of source) if (!(await out.write(chunk))) break;
    } catch (error) {
      await out.abort();
      throw error;
    }
    const end = await out.close();
    this.#file++;
    return !end.full;
  }

  async #small(content: Buffer): Promise<void> {
    if (!(await this.#try([content]))) throw new CdrecError('TAPE_FULL', `${(this.#tape as TapeMedium).name}: the tape ended in its header`, { hint: 'take a longer tape' });
  }

  async addArchive(meta: ArchiveMeta, source: AsyncIterable<Uint8Array>, ended: () => Promise<{ contentBytes: number; exceptions: readonly string[] }>): Promise<Archive> {
    const archive: Archive = { ...meta, bytes: 0, contentBytes: 0, sha256: '', exceptions: [], pieces: [] };
    const whole = createHash('sha256');
    let out: TapeOutput | undefined;
    let digest = new PieceDigest();
    let offset = 0;
    const begin = (): TapeOutput => {
      digest = new PieceDigest();
      out = (this.#tape as TapeMedium).write();
      out.onSettled = digest.add;
      return out;
    };
    const close = async (more = false): Promise<readonly Uint8Array[]> => {
      const end = await (out as TapeOutput).close();
      out = undefined;
      const number = archive.pieces.length + 1;
      if (end.bytes > 0 || !end.full) {
        archive.pieces.push({ number, volume: this.#number, file: `backup/${meta.name}${number === 1 && !end.full && !more ? '' : pieceSuffix(number)}`, offset, ...digest.result(), tapeFile: this.#file });
        offset += digest.bytes;
      }
      this.#file++;
      return end.rest;
    };
    /** Goes on on the next tape with what did not get onto this one. */
    const change = async (): Promise<TapeOutput> => {
      let rest = await close(true);
      for (;;) {
        await this.#next([...this.#archives, archive]);
        const next = begin();
        let taken = true;
        for (const chunk of rest) taken = taken && (await next.write(chunk));
        if (taken) return next;
        rest = await close(); // a tape too short for what was under way
      }
    };
    try {
      let to = begin();
      for await (const chunk of source) {
        whole.update(chunk);
        archive.bytes += chunk.length;
        this.#used += chunk.length;
        if (!(await to.write(chunk)) || (this.#o.capacity !== undefined && this.#used >= this.#o.capacity)) to = await change();
      }
      // The last blocks may find the end of the tape as well.
      for (let rest = await close(); rest.length > 0; rest = await close()) {
        await this.#next([...this.#archives, archive]);
        const next = begin();
        for (const chunk of rest) if (!(await next.write(chunk))) break;
      }
    } catch (error) {
      await out?.abort();
      throw error;
    }
    const { contentBytes, exceptions } = await ended();
    const complete = { ...archive, sha256: whole.digest('hex'), contentBytes, exceptions: [...exceptions] };
    this.#archives.push(complete);
    return complete;
  }

  async finish(): Promise<FinishedSet> {
    const iso = await this.#rescue.finish();
    this.#made.push(...iso.files.map((f) => f.path));
    // The rescue ISO and the index stay together at the end of the last tape.
    for (let tries = 0; ; tries++) {
      const whole = (await this.#try(createReadStream((iso.files[0] as { path: string }).path, { highWaterMark: 1 << 18 }))) && (await this.#try([Buffer.from(formatManifest(this.#manifest(true, this.#archives)))]));
      if (whole) break;
      if (tries === 1) throw new CdrecError('TAPE_FULL', `${(this.#tape as TapeMedium).name}: the tape has no room for the rescue system and the index`, { hint: 'take a longer tape' });
      await this.#next(this.#archives);
    }
    const index = join(this.#o.directory, `${this.#o.label}_tape.json`);
    const text = formatManifest(this.#manifest(true, this.#archives));
    writeFileSync(index, text, { mode: 0o600, flush: true });
    this.#made.push(index);
    return { files: [...iso.files, { path: index, bytes: Buffer.byteLength(text) }], archives: this.#archives, tapes: this.#number };
  }

  async abort(): Promise<void> {
    await this.#rescue.abort();
    for (const path of this.#made) rmSync(path, { force: true });
  }
}

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cutStream, pieceSuffix, type PieceSink } from '@cdrec/cutstream';
import { formatSfv } from '@cdrec/sfv';
import { CdrecError, syncDirectory } from '@cdrec/tool';
import { IsoSetWriter, toPiece, type IsoSetOptions } from './iso-set.js';
import { formatManifest, manifestHead, type Archive, type ArchiveMeta, type Piece } from './manifest.js';
import { WriteBehind } from './write-behind.js';
import type { FinishedSet, SetWriter } from './writer.js';

/** Writes a set into one directory: the rescue ISO and every archive as a file, in pieces where files have a limit; nothing has its final name before all has. */
export class PathSetWriter implements SetWriter {
  readonly #o: IsoSetOptions;
  readonly #partial: string;
  readonly #final: string;
  readonly #rescue: IsoSetWriter;
  readonly #archives: Archive[] = [];

  private constructor(options: IsoSetOptions, partial: string, final: string, rescue: IsoSetWriter) {
    this.#o = options;
    this.#partial = partial;
    this.#final = final;
    this.#rescue = rescue;
  }

  /** Makes the hidden directory and writes the rescue ISO into it. @throws CdrecError OUTPUT_EXISTS */
  static async begin(options: IsoSetOptions): Promise<PathSetWriter> {
    const final = join(options.directory, options.label);
    const partial = join(options.directory, `.${options.label}.partial`);
    if (existsSync(final)) throw new CdrecError('OUTPUT_EXISTS', `${final} exists already`, { hint: 'choose another --out or --label, or remove it' });
    rmSync(partial, { recursive: true, force: true }); // of a build that was killed
    mkdirSync(join(partial, 'backup'), { recursive: true, mode: 0o700 });
    try {
      const rescue = await IsoSetWriter.begin({ ...options, mode: 'path', directory: partial });
      return new PathSetWriter(options, partial, final, rescue);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
  }

  async addArchive(meta: ArchiveMeta, source: AsyncIterable<Uint8Array>, ended: () => Promise<{ contentBytes: number; exceptions: readonly string[] }>): Promise<Archive> {
    const pieces: Piece[] = [];
    const { maxFileBytes: capacity = Number.MAX_SAFE_INTEGER } = this.#o;
    let open: { readonly fd: number; readonly disk: WriteBehind } | undefined;
    const close = async (): Promise<void> => {
      const { fd, disk } = open ?? {};
      open = undefined;
      if (fd !== undefined) closeSync(fd);
      await disk?.stop();
    };
    try {
      const result = await cutStream(source, (number): PieceSink => {
        const file = `backup/${meta.name}${pieceSuffix(number)}`;
        const path = join(this.#partial, file);
        const fd = openSync(path, 'wx', 0o600);
        const disk = new WriteBehind(path);
        open = { fd, disk };
        return {
          capacity,
          write: (chunk) => {
            for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
            disk.wrote(chunk.length);
          },
          close: async (piece, last) => {
            fsyncSync(fd);
            await close();
            const alone = piece.number === 1 && last; // an archive in one piece has its plain name
            if (alone) renameSync(path, join(this.#partial, `backup/${meta.name}`));
            pieces.push(toPiece(piece, 1, alone ? `backup/${meta.name}` : file));
          },
        };
      });
      const { contentBytes, exceptions } = await ended();
      const archive: Archive = { ...meta, bytes: result.bytes, sha256: result.sha256, contentBytes, exceptions: [...exceptions], pieces };
      this.#archives.push(archive);
      return archive;
    } finally {
      await close();
    }
  }

  async finish(): Promise<FinishedSet> {
    const iso = await this.#rescue.finish();
    mkdirSync(join(this.#partial, 'cdrec'), { mode: 0o700 });
    writeFileSync(join(this.#partial, 'cdrec/set.json'), formatManifest({
      ...manifestHead(this.#o), mode: 'path', volume: 1, last: true, archives: this.#archives,
    }), { mode: 0o600, flush: true });
    writeFileSync(join(this.#partial, 'Checksums.sfv'), formatSfv(this.#archives.flatMap((a) => a.pieces.map((p) => ({ name: p.file, crc32: p.crc32 })))), { mode: 0o600, flush: true });
    for (const d of ['backup', 'cdrec', '.']) syncDirectory(join(this.#partial, d));
    await rename(this.#partial, this.#final);
    syncDirectory(this.#o.directory);
    const files = [...iso.files.map((f) => join(this.#final, f.path.slice(this.#partial.length))), ...this.#archives.flatMap((a) => a.pieces.map((p) => join(this.#final, p.file)))];
    return { files: await Promise.all(files.map(async (path) => ({ path, bytes: (await stat(path)).size }))), archives: this.#archives };
  }

  async abort(): Promise<void> {
    await this.#rescue.abort();
    await rm(this.#partial, { recursive: true, force: true });
  }
}

import { CdrecError, describeStage, failedStage, runTool, startChain } from '@cdrec/tool';
import { commandAt, formatTape, type TapeAddress } from './address.js';
import { TapeFile } from './file.js';

/** Sizes of read buffers that are tried on a tape whose block size is not known: what is too small ends with ENOMEM (st(4)). */
const PROBES = [1 << 20, 1 << 22, 1 << 24];

/** A tape drive with its tape. Files on the tape are counted from 0; a filemark is behind each. */
export class TapeDrive {
  readonly address: TapeAddress;
  /** Bytes of a block that is written. */
  readonly blockBytes: number;
  /** Number of the file that the tape stands at the beginning of; `undefined` when that is not known. */
  #at: number | undefined;

  constructor(address: TapeAddress, blockBytes: number) {
    this.address = address;
    this.blockBytes = blockBytes;
  }

  get name(): string {
    return formatTape(this.address);
  }

  async #mt(...words: string[]): Promise<string> {
    const { program, args } = commandAt(this.address, ['mt', '-f', this.address.device, ...words]);
    try {
      return (await runTool(program, args)).stdout;
    } catch (error) {
      if (!(error instanceof CdrecError) || error.code !== 'TOOL_FAILED') throw error;
      this.#at = undefined;
      throw new CdrecError('TAPE_FAILED', `tape drive ${this.name}: ${error.message}`, { cause: error, hint: 'is a tape in the drive, and is the drive reachable?' });
    }
  }

  /** Asks the drive how it is; moves nothing. @throws CdrecError TAPE_FAILED when it does not answer, TOOL_MISSING */
  async status(): Promise<void> {
    await this.#mt('status');
  }

  /** Rewinds, and sets blocks of variable length: each write makes one block, whatever was set by somebody before. */
  async rewind(): Promise<void> {
    await this.#mt('rewind');
    await this.#mt('setblk', '0');
    this.#at = 0;
  }

  /** Goes to the beginning of a file. @throws CdrecError TAPE_FAILED when there are not so many */
  async position(file: number): Promise<void> {
    if (this.#at === file) return;
    await this.rewind();
    if (file > 0) await this.#mt('fsf', String(file));
    this.#at = file;
  }

  /** Goes to the beginning of the last file that is recorded. */
  async positionLast(): Promise<void> {
    await this.rewind();
    await this.#mt('eod');
    this.#at = undefined;
    // Back over its own filemark and the one before it, then to the far side of that.
    await this.#mt('bsf', '2');
    await this.#mt('fsf', '1');
  }

  /**
   * Files up to the end of what is recorded, by the drive: mt(1) goes there and says where it is. 0: nothing is recorded (the drive refuses, as SCSI's
   * BLANK CHECK demands), or the drive cannot tell.
   */
  async countFiles(): Promise<number> {
    await this.rewind();
    this.#at = undefined;
    try {
      await this.#mt('eod');
      return Math.max(0, Number(/file number\s*=\s*(-?\d+)/i.exec(await this.#mt('status'))?.[1] ?? 0));
    } catch (error) {
      if (!(error instanceof CdrecError) || error.code !== 'TAPE_FAILED') throw error;
      return 0;
    }
  }

  /** Takes the tape out. */
  async eject(): Promise<void> {
    this.#at = undefined;
    await this.#mt('offline');
  }

  /**
   * The file at the present position, to its filemark. `bufferBytes` is what is asked for at once: twice the block at
   * least, because tgt's emulated drive (seen with plain dd) shifts blocks that fill more than half of the buffer, but not
   * all of it. No drive minds.
   * @throws CdrecError TAPE_BLOCK when blocks are larger than the buffer, TAPE_FAILED
   */
  async *read(bufferBytes = 2 * this.blockBytes): AsyncGenerator<Uint8Array, void, undefined> {
    const next = this.#at === undefined ? undefined : this.#at + 1;
    this.#at = undefined;
    const chain = startChain([{ ...commandAt(this.address, ['dd', `if=${this.address.device}`, `bs=${String(bufferBytes)}`, 'status=none']), label: `reading ${this.name}: dd` }]);
    let whole = false;
    try {
      for await (const chunk of chain.stdout) yield chunk as Uint8Array;
      const bad = failedStage(await chain.ended());
      if (bad !== undefined) throw new CdrecError(bad.stderr.includes('Cannot allocate memory') ? 'TAPE_BLOCK' : 'TAPE_FAILED', describeStage(bad));
      whole = true;
    } finally {
      if (!whole) {
        chain.kill();
        await chain.ended();
      }
    }
    this.#at = next;
  }

  /** A small file, whatever its blocks; empty for a blank tape. @throws CdrecError TAPE_LONG when it is longer than `limit` bytes, TAPE_FAILED */
  async readSmall(file: number | 'last', limit: number): Promise<Buffer> {
    for (const probe of PROBES) {
      if (file === 'last') await this.positionLast();
      else await this.position(file);
      const parts: Uint8Array[] = [];
      let bytes = 0;
      try {
        for await (const chunk of this.read(probe)) {
          parts.push(Buffer.from(chunk));
          bytes += chunk.length;
          if (bytes > limit) throw new CdrecError('TAPE_LONG', `file ${String(file)} of the tape in ${this.name} is longer than ${String(limit)} bytes: no header of a recovery set`);
        }
        return Buffer.concat(parts);
      } catch (error) {
        if (!(error instanceof CdrecError) || error.code !== 'TAPE_BLOCK' || probe === PROBES.at(-1)) throw error;
      }
    }
    return Buffer.alloc(0);
  }

  /** Begins a file at the present position; everything behind it on the tape is lost. */
  write(): TapeFile {
    const next = this.#at === undefined ? undefined : this.#at + 1;
    this.#at = undefined;
    return new TapeFile(commandAt(this.address, ['dd', `of=${this.address.device}`, `bs=${String(this.blockBytes)}`, 'iflag=fullblock']), this.name, this.blockBytes, this.address.host !== undefined, () => { this.#at = next; });
  }
}

import { CdrecError, describeStage, startChain, type Chain, type StageResult } from '@cdrec/tool';

/**
 * How many bytes may be under way to the tape, so that they can be written once more on the next one: pipes and dd's
 * block here; SSH's window and the buffers of TCP on both sides besides.
 */
const UNDER_WAY = { local: 4 << 20, remote: 64 << 20 } as const;

/** What became of a tape file. `rest` are the bytes that did not get onto the tape any more, in order. */
export interface TapeFileEnd {
  /** Bytes on the tape. */
  readonly bytes: number;
  /** The end of the tape was reached. */
  readonly full: boolean;
  readonly rest: readonly Uint8Array[];
}

/**
 * One file on a tape while it is written, by dd beside the drive, as the seed of all this did it. What dd has not
 * certainly written is kept; `onSettled` gets bytes, in order, when they are certain.
 */
export class TapeFile {
  readonly #chain: Chain;
  readonly #name: string;
  readonly #blockBytes: number;
  readonly #onClosed: () => void;
  readonly #limit: number;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #sent = 0;
  #broken = false;
  #wake: () => void = () => undefined;
  /** Told of bytes that are on the tape for certain. */
  onSettled: (chunk: Uint8Array) => void = () => undefined;

  constructor(command: { program: string; args: readonly string[] }, name: string, blockBytes: number, remote: boolean, onClosed: () => void) {
    this.#chain = startChain([{ ...command, label: `writing to ${name}: dd` }], { stdin: 'pipe', stdout: 'ignore' });
    this.#name = name;
    this.#blockBytes = blockBytes;
    this.#onClosed = onClosed;
    this.#limit = blockBytes * 2 + (remote ? UNDER_WAY.remote : UNDER_WAY.local);
    const over = (): void => {
      this.#broken = true;
      this.#wake();
    };
    this.#chain.stdin.on('error', over).on('close', over).on('drain', () => { this.#wake(); });
    void this.#chain.ended().then(over);
  }

  /** Hands over bytes; waits while the tape is busy. False when no more are taken: then `close` says why. */
  async write(chunk: Uint8Array): Promise<boolean> {
    const copy = Buffer.from(chunk);
    this.#kept.push(copy);
    this.#keptBytes += copy.length;
    this.#sent += copy.length;
    while (this.#kept.length > 0 && this.#keptBytes - (this.#kept[0] as Uint8Array).length >= this.#limit) this.#settle();
    if (!this.#broken && !this.#chain.stdin.write(copy)) await new Promise<void>((resolve) => { this.#wake = resolve; });
    return !this.#broken;
  }

  #settle(): void {
    const chunk = this.#kept.shift() as Uint8Array;
    this.#keptBytes -= chunk.length;
    this.onSettled(chunk);
  }

  /** Stops at once; for when the file is not wanted any more. */
  async abort(): Promise<void> {
    this.#chain.kill();
    await this.#chain.ended();
  }

  /**
   * Ends the file (the driver writes the filemark) and waits until everything is on the tape, or says what is not.
   * @throws CdrecError TAPE_FAILED for every failure but the end of the tape
   */
  async close(): Promise<TapeFileEnd> {
    this.#chain.stdin.end();
    const [result] = (await this.#chain.ended()) as [StageResult];
    const full = result.status !== 0 && result.stderr.includes('No space left on device');
    if (result.status !== 0 && !full) throw new CdrecError('TAPE_FAILED', describeStage(result), { hint: `is the tape in ${this.#name} write-protected, or the drive in use?` });
    this.#onClosed();
    const bytes = result.status === 0 ? this.#sent : this.#blocks(result.stderr) * this.#blockBytes;
    let settled = this.#sent - this.#keptBytes;
    if (bytes < settled) throw new CdrecError('TAPE_FAILED', `${this.#name}: the tape ended ${String(settled - bytes)} bytes before what could be written once more`);
    while (this.#kept.length > 0 && settled + (this.#kept[0] as Uint8Array).length <= bytes) {
      settled += (this.#kept[0] as Uint8Array).length;
      this.#settle();
    }
    const rest = [...this.#kept];
    const part = bytes - settled;
    if (part > 0) {
      this.onSettled((rest[0] as Uint8Array).subarray(0, part));
      rest[0] = (rest[0] as Uint8Array).subarray(part);
    }
    return { bytes, full, rest };
  }

  /** Whole blocks that dd has written, by its own count. */
  #blocks(stderr: string): number {
    const out = /^(\d+)\+\d+ records out$/m.exec(stderr)?.[1];
    if (out === undefined) throw new CdrecError('TAPE_FAILED', `${this.#name}: dd does not say how much it wrote: ${stderr.trim()}`);
    return Number(out);
  }
}

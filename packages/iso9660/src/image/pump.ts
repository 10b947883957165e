import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { roundUp, SECTOR } from '../bytes.js';
import { encodeName, hasRawBytes } from '../names/bytes.js';
import { pathOf, type Content } from '../tree.js';

/** Bytes moved at once to a pipe or stream: its reader finds them in the processor's cache. */
export const CHUNK = 128 * 1024;
/** Bytes moved at once to a file: 128 KiB need 13 % more time, most of it for calls. */
export const FILE_CHUNK = 512 * 1024;

/** What a file did while it was written. The image is complete all the same: missing bytes are zeros, surplus ones are left out. */
export interface IsoProblem {
  /** Path in the image. */
  readonly path: string;
  readonly kind: 'vanished' | 'unreadable' | 'shrunk' | 'grown';
  readonly message: string;
}

/** A file that lies in the image. */
export interface IsoFileInfo {
  readonly path: string;
  readonly bytes: number;
  readonly crc32: number;
}

/** Told while an image is written. */
export interface PumpEvents {
  readonly onFile?: ((file: IsoFileInfo) => void) | undefined;
  readonly onProblem?: ((problem: IsoProblem) => void) | undefined;
}

/** Collects bytes into chunks of equal size in one buffer that is used again and again: what is yielded must be consumed before the next step. */
export class Pump {
  // One byte more than a chunk: reading one byte more than promised shows that a file has grown, without another call.
  readonly #buffer: Buffer;
  readonly #size: number;
  #fill = 0;
  readonly #events: PumpEvents;

  /** `size` is that of a chunk, in bytes. */
  constructor(events: PumpEvents, size = CHUNK) {
    this.#events = events;
    this.#size = size;
    this.#buffer = Buffer.allocUnsafeSlow(size + 1);
  }

  /** Bytes from memory. */
  *push(data: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < data.length; ) {
      const n = Math.min(this.#size - this.#fill, data.length - at);
      this.#buffer.set(n === data.length ? data : data.subarray(at, at + n), this.#fill);
      this.#fill += n;
      at += n;
      if (this.#fill === this.#size) yield this.#take();
    }
  }

  /** Zeros. */
  *zeros(count: number): Generator<Buffer> {
    for (let left = count; left > 0; ) {
      const n = Math.min(this.#size - this.#fill, left);
      this.#buffer.fill(0, this.#fill, this.#fill + n);
      this.#fill += n;
      left -= n;
      if (this.#fill === this.#size) yield this.#take();
    }
  }

  /** What is left. */
  *end(): Generator<Buffer> {
    if (this.#fill > 0) yield this.#take();
  }

  #take(): Buffer {
    const out = this.#buffer.subarray(0, this.#fill);
    this.#fill = 0;
    return out;
  }

  #problem(content: Content, kind: IsoProblem['kind'], message: string): void {
    this.#events.onProblem?.({ path: content.owner === undefined ? '' : pathOf(content.owner), kind, message });
  }

  #done(content: Content, crc: number): void {
    if (this.#events.onFile !== undefined && content.owner !== undefined) this.#events.onFile({ path: pathOf(content.owner), bytes: content.bytes, crc32: crc >>> 0 });
  }

  /**
   * A host file that fits what is left of the buffer: the usual case, without generators. False when it does not fit
   * and nothing was done.
   */
  small(content: Content): boolean {
    const { source, bytes } = content;
    const padded = roundUp(bytes, SECTOR);
    if (typeof source !== 'string' || padded >= this.#size - this.#fill) return false;
    const path = content.directory === undefined ? source : `${content.directory}/${source}`;
    const start = this.#fill;
    let got = 0;
    let fd = -1;
    try {
      fd = openSync(hasRawBytes(path) ? encodeName(path) : path, 'r');
      for (let n = 1; n > 0 && got <= bytes; got += n) {
        n = readSync(fd, this.#buffer, start + got, bytes + 1 - got, null);
        if (n > 0 && got + n === bytes) { // a short read was the end of the file
          got += n;
          break;
        }
      }
      if (got < bytes) this.#problem(content, 'shrunk', shrunk(path, bytes, bytes - got));
      if (got > bytes) this.#problem(content, 'grown', grown(path, bytes));
    } catch (error) {
      this.#unreadable(content, path, error, bytes - got);
    } finally {
      if (fd >= 0) closeSync(fd);
    }
    this.#buffer.fill(0, start + Math.min(got, bytes), start + padded);
    this.#fill += padded;
    if (this.#events.onFile !== undefined) this.#done(content, crc32(this.#buffer.subarray(start, start + bytes)));
    return true;
  }

  #unreadable(content: Content, path: string, error: unknown, left: number): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#problem(content, code === 'ENOENT' ? 'vanished' : 'unreadable', `"${path}" cannot be read (${message}); ${left === content.bytes ? 'it is' : `its last ${String(left)} bytes are`} zeros in the image`);
  }

  /** A file's bytes from memory or from the host, padded to the sector. */
  *file(content: Content): Generator<Buffer> {
    const { source, bytes } = content;
    let crc = 0;
    if (source instanceof Uint8Array) {
      if (this.#events.onFile !== undefined) crc = crc32(source);
      yield* this.push(source);
    } else if (typeof source === 'string') crc = yield* this.#hostFile(content, source);
    this.#done(content, crc);
    yield* this.zeros(roundUp(bytes, SECTOR) - bytes);
  }

  *#hostFile(content: Content, source: string): Generator<Buffer, number> {
    const path = content.directory === undefined ? source : `${content.directory}/${source}`;
    const withCrc = this.#events.onFile !== undefined;
    let left = content.bytes;
    let crc = 0;
    let fd = -1;
    try {
      fd = openSync(hasRawBytes(path) ? encodeName(path) : path, 'r');
      for (;;) {
        const room = this.#size - this.#fill;
        const n = readSync(fd, this.#buffer, this.#fill, left <= room ? left + 1 : room, null);
        if (n === 0) {
          if (left > 0) this.#problem(content, 'shrunk', shrunk(path, content.bytes, left));
          break;
        }
        const kept = Math.min(n, left);
        if (withCrc) crc = crc32(this.#buffer.subarray(this.#fill, this.#fill + kept), crc);
        this.#fill += kept;
        left -= kept;
        if (n > kept) this.#problem(content, 'grown', grown(path, content.bytes));
        if (this.#fill === this.#size) yield this.#take();
        if (left === 0 && (n > kept || n < room)) break; // a short read was the end of the file
      }
    } catch (error) {
      this.#unreadable(content, path, error, left);
    } finally {
      if (fd >= 0) closeSync(fd);
    }
    // The CRC tells what lies in the image, zeros included.
    if (withCrc && left > 0) crc = crcOfZeros(left, crc);
    yield* this.zeros(left);
    return crc;
  }

  /** A file's bytes from a source that is opened now; it may wait. */
  async *streamed(content: Content): AsyncGenerator<Buffer> {
    const { source, bytes } = content;
    let left = bytes;
    let crc = 0;
    try {
      if (typeof source === 'function') {
        for await (const chunk of await source()) {
          const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
          crc = crc32(part, crc);
          yield* this.push(part);
          left -= part.length;
          if (part.length < chunk.length) {
            this.#problem(content, 'grown', `the source gives more than the ${String(bytes)} bytes that were announced; the surplus is left out`);
            break;
          }
        }
        if (left > 0) this.#problem(content, 'shrunk', `the source gave ${String(bytes - left)} of the ${String(bytes)} bytes that were announced; zeros stand for the rest`);
      }
    } catch (error) {
      this.#problem(content, 'unreadable', `the source failed (${error instanceof Error ? error.message : String(error)}); the last ${String(left)} bytes are zeros in the image`);
    }
    if (left > 0) crc = crcOfZeros(left, crc);
    yield* this.zeros(left);
    this.#done(content, crc);
    yield* this.zeros(roundUp(bytes, SECTOR) - bytes);
  }
}

const shrunk = (path: string, bytes: number, left: number): string => `"${path}" has become ${String(left)} bytes shorter than the ${String(bytes)} it had; zeros stand for them`;
const grown = (path: string, bytes: number): string => `"${path}" has grown since it was listed; its first ${String(bytes)} bytes are in the image`;

function crcOfZeros(count: number, start: number): number {
  const zeros = Buffer.alloc(Math.min(count, CHUNK));
  let crc = start;
  for (let left = count; left > 0; left -= zeros.length) crc = crc32(left < zeros.length ? zeros.subarray(0, left) : zeros, crc);
  return crc;
}

import { SECTOR } from '../bytes.js';
import { IsoError } from '../errors.js';
import { pathOf, type Content } from '../tree.js';
import { renderHead, renderTail, type Frame } from './frame.js';
import { renderTrees } from './metadata.js';
import { CHUNK, Pump, type PumpEvents } from './pump.js';

/** An image in which everything has its place: writes itself, from the first byte to the last. */
export class ImagePlan {
  readonly #frame: Frame;
  readonly #contents: readonly Content[];
  readonly #dataEnd: number;

  /** @internal Made by `IsoImage.plan`. */
  constructor(frame: Frame, contents: readonly Content[], dataEnd: number) {
    this.#frame = frame;
    this.#contents = contents;
    this.#dataEnd = dataEnd;
  }

  /** Exact size of the image in bytes. */
  get bytes(): number {
    return this.#frame.tail.total * SECTOR;
  }

  /** Files with their places, in the order of their data. `offset` in bytes. */
  *files(): Generator<{ readonly path: string; readonly offset: number; readonly bytes: number }> {
    for (const c of this.#contents) if (c.owner !== undefined) yield { path: pathOf(c.owner), offset: c.sector * SECTOR, bytes: c.bytes };
  }

  /** True when a file's bytes come from a source that must be waited for: then only `chunks` can write the image. */
  get needsAsync(): boolean {
    return this.#contents.some((c) => typeof c.source === 'function');
  }

  *#before(pump: Pump): Generator<Buffer> {
    yield* pump.push(renderHead(this.#frame));
    for (const block of renderTrees(this.#frame.trees)) yield* pump.push(block);
  }

  *#after(pump: Pump): Generator<Buffer> {
    for (const block of renderTail(this.#frame, this.#dataEnd)) yield* pump.push(block);
    yield* pump.end();
  }

  /**
   * The image in chunks of `size` bytes (128 KiB), read synchronously. One buffer is used for all of them: use a chunk up before you ask for the next.
   * @throws IsoError ISO_INVALID_INPUT when a file must be waited for.
   */
  *chunksSync(events: PumpEvents = {}, size = CHUNK): Generator<Buffer> {
    if (this.needsAsync) throw new IsoError('ISO_INVALID_INPUT', 'a file of this image comes from an asynchronous source: use chunks() or writeImage()');
    const pump = new Pump(events, size);
    yield* this.#before(pump);
    for (const content of this.#contents) if (!pump.small(content)) yield* pump.file(content);
    yield* this.#after(pump);
  }

  /** As `chunksSync`, with asynchronous sources; control goes back to the event loop at every chunk. */
  async *chunks(events: PumpEvents = {}): AsyncGenerator<Buffer, void, undefined> {
    const pump = new Pump(events);
    yield* this.#before(pump);
    for (const content of this.#contents) {
      if (typeof content.source === 'function') yield* pump.streamed(content);
      else if (!pump.small(content)) yield* pump.file(content);
    }
    yield* this.#after(pump);
  }
}

import { close, fdatasync, openSync } from 'node:fs';

/** Bytes after which the disk is told to store what it was given. */
const STEP = 64 << 20;

/**
 * Has a file that is being written brought to the disk meanwhile, so that its last fsync finds little left to do: the
 * disk works while the compressor does. What fails here fails again in that fsync, on the writer's own descriptor
 * (Linux reports a write-back error once to each of them), so nothing is reported from here.
 */
export class WriteBehind {
  readonly #fd: number;
  #unstored = 0;
  #busy: Promise<void> | undefined;

  /** @throws the file system's own errors when `path` cannot be opened */
  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
  }

  /** Notes that `bytes` more were written. */
  wrote(bytes: number): void {
    this.#unstored += bytes;
    if (this.#unstored < STEP || this.#busy !== undefined) return;
    this.#unstored = 0;
    this.#busy = new Promise((resolve) => {
      fdatasync(this.#fd, () => {
        this.#busy = undefined;
        resolve();
      });
    });
  }

  /** Waits for the disk and closes. Called once, before or after the writer's own descriptor is closed. */
  async stop(): Promise<void> {
    await this.#busy;
    await new Promise<void>((resolve) => { close(this.#fd, () => { resolve(); }); });
  }
}

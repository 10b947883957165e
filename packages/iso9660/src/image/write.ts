import { closeSync, fchmodSync, fstatSync, fsyncSync, ftruncateSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { IsoError } from '../errors.js';
import type { ImagePlan } from './plan.js';
import { CHUNK, FILE_CHUNK, type IsoProblem, type PumpEvents } from './pump.js';

/** How an image is written. */
export interface WriteOptions extends PumpEvents {
  /** Leave runs of zeros out (a sparse file). Files only. */
  readonly sparse?: boolean;
}

/** What was written. `problems` names the files that were not what they had been when the image was planned. */
export interface WriteReport {
  readonly bytes: number;
  readonly problems: readonly IsoProblem[];
}

const ZEROS = Buffer.alloc(CHUNK);

/** Writes all of `data`; a full pipe that does not block is waited for. */
function writeAll(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) {
    try {
      at += writeSync(fd, data, at, data.length - at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

function collecting(options: WriteOptions): { events: PumpEvents; problems: IsoProblem[] } {
  const problems: IsoProblem[] = [];
  return {
    problems,
    events: { onFile: options.onFile, onProblem: (p) => { problems.push(p); options.onProblem?.(p); } },
  };
}

/** Writes an image in order to an open file, pipe or socket descriptor, synchronously: the fastest way. */
export function writeImageToFd(plan: ImagePlan, fd: number, options: WriteOptions = {}): WriteReport {
  const { events, problems } = collecting(options);
  if (options.sparse !== true) {
    for (const chunk of plan.chunksSync(events, fstatSync(fd).isFile() ? FILE_CHUNK : CHUNK)) writeAll(fd, chunk);
    return { bytes: plan.bytes, problems };
  }
  let at = 0;
  for (const chunk of plan.chunksSync(events)) {
    if (!chunk.equals(chunk.length === CHUNK ? ZEROS : ZEROS.subarray(0, chunk.length))) {
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done, chunk.length - done, at + done);
    }
    at += chunk.length;
  }
  ftruncateSync(fd, at);
  return { bytes: plan.bytes, problems };
}

/** Writes to what is there already and is no regular file: a stick, a pipe. It stays what it is. */
function writeInPlace(plan: ImagePlan, path: string, options: WriteOptions): WriteReport {
  const fd = openSync(path, 'w');
  try {
    const report = writeImageToFd(plan, fd, { ...options, sparse: false });
    try {
      fsyncSync(fd);
    } catch (error) {
      if (!['EINVAL', 'ENOTSUP', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error; // pipes cannot be synced
    }
    return report;
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes an image to a file, synchronously: under a temporary name beside it, mode 0600, synced, then renamed. Nothing
 * is left behind on failure. A device or pipe is written to as it is; a symbolic link is followed.
 */
export function writeImageFile(plan: ImagePlan, path: string, options: WriteOptions = {}): WriteReport {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile()) return writeInPlace(plan, path, options);
  const target = there === undefined ? path : realpathSync(path);
  const partial = `${target}.partial`;
  const fd = openSync(partial, 'w', 0o600);
  let open = true;
  try {
    fchmodSync(fd, 0o600);
    const report = writeImageToFd(plan, fd, options);
    fsyncSync(fd);
    open = false;
    closeSync(fd);
    renameSync(partial, target);
    return report;
  } catch (error) {
    if (open) closeSync(fd);
    rmSync(partial, { force: true });
    throw error;
  }
}

/**
 * Writes an image in order to any `Writable` (pipe, burner, HTTP response). The stream is not ended. The event loop
 * runs between chunks of 128 KiB.
 * @throws IsoError ISO_INVALID_INPUT when the stream is closed before the image ends; the stream's own error
 */
export async function writeImage(plan: ImagePlan, to: Writable, options: PumpEvents = {}): Promise<WriteReport> {
  const { events, problems } = collecting(options);
  let failed: Error | undefined;
  const onError = (error: Error): void => { failed = error; };
  to.on('error', onError);
  try {
    for await (const chunk of plan.chunks(events)) {
      // The callback comes when the stream is done with the chunk: then its buffer can be used again.
      await new Promise<void>((resolve, reject) => {
        const closed = (): void => reject(failed ?? new IsoError('ISO_INVALID_INPUT', 'the stream was closed before the image was complete'));
        if (to.destroyed || to.writableEnded) {
          closed();
          return;
        }
        to.once('close', closed);
        to.write(chunk, (error) => {
          to.removeListener('close', closed);
          if (error) reject(error);
          else resolve();
        });
      });
    }
  } finally {
    to.removeListener('error', onError);
  }
  return { bytes: plan.bytes, problems };
}

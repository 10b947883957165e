import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupItem } from '@cdrec/backup';
import { compressStage, runTool, withinSeconds, type Compressor } from '@cdrec/tool';
import { searchPath } from './terminal.js';

/** How well and how fast this machine compresses its own files. */
export interface Sampled {
  /** Compressed bytes of a byte. */
  readonly ratio: number;
  /** Bytes read and compressed in a second. */
  readonly bytesPerSecond: number;
  /** Bytes that were tried. */
  readonly sampledBytes: number;
}

/** What a build will come to, by estimate. */
export interface Estimate {
  readonly bytes: number;
  /** Volumes of the given size; with less than that in all, one. */
  readonly volumes: number;
  readonly seconds: number;
}

/** Bytes of a rescue system with its boot files, and seconds to make it: what sets of Debian 12 have. */
const RESCUE_BYTES = 100 * 2 ** 20;
const RESCUE_SECONDS = 30;
/** Every volume has its directories, checksums and manifest. */
const VOLUME_OVERHEAD = 2 * 2 ** 20;
/** Bytes of the sample, and of one run of it. */
const SAMPLE = 48 * 2 ** 20;
const RUN = 2 ** 20;

/** Reckons size, volumes and time. `usedBytes` is what is in use on the file systems that are archived. */
export function estimate(usedBytes: number, { ratio, bytesPerSecond }: Pick<Sampled, 'ratio' | 'bytesPerSecond'>, volumeBytes: number): Estimate {
  const bytes = Math.ceil(usedBytes * ratio) + RESCUE_BYTES;
  return { bytes, volumes: Math.max(1, Math.ceil(bytes / Math.max(1, volumeBytes - VOLUME_OVERHEAD))), seconds: Math.ceil(RESCUE_SECONDS + (usedBytes > 0 ? usedBytes / bytesPerSecond : 0)) };
}

/** Files of a file system with their sizes, as many as are found in some seconds. (Who looks at a mount point whose server is dead can only be killed.) */
async function someFiles(mount: string): Promise<{ path: string; bytes: number }[]> {
  const { stdout } = await runTool('bash', withinSeconds(5, 'find', mount, '-xdev', '-type', 'f', '-size', '+0', '-printf', '%s %p\\0'));
  return stdout.split('\0').slice(0, -1).map((l) => ({ bytes: Number(l.slice(0, l.indexOf(' '))), path: l.slice(l.indexOf(' ') + 1) }));
}

/** Runs of neighbouring files, spread evenly over all bytes: up to 1 MiB each. Files that cannot be read are passed over. */
function sampleOf(files: readonly { path: string; bytes: number }[]): Buffer {
  const total = files.reduce((n, f) => n + f.bytes, 0);
  const step = Math.max(RUN, total / (SAMPLE / RUN));
  const parts: Buffer[] = [];
  let at = 0; // where the file begins, all files taken as one
  let next = 0; // where the current run goes on, or the next one begins
  let end = RUN; // where it ends
  for (const f of files) {
    while (next < at + f.bytes) {
      const stop = Math.min(end, at + f.bytes);
      parts.push(readPart(f.path, Math.floor(next - at), Math.floor(stop - next)));
      next = stop;
      if (stop < end) break;
      next = end - RUN + step;
      end = next + RUN;
    }
    at += f.bytes;
  }
  return Buffer.concat(parts);
}

/** Bytes of a file; none if it is gone or unreadable: the build will name it. */
function readPart(path: string, from: number, bytes: number): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(bytes);
      return buffer.subarray(0, readSync(fd, buffer, 0, bytes, from));
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** Compresses a sample of the machine's own files with the compressor of the configuration. Takes some seconds. */
export async function sampleCompression(items: readonly BackupItem[], compress: Compressor, level: number | undefined, threads: number): Promise<Sampled> {
  const largest = [...items].filter((i) => i.image === undefined).sort((a, b) => b.usedBytes - a.usedBytes)[0];
  const sample = largest === undefined ? Buffer.alloc(0) : sampleOf(await someFiles(largest.meta.mount));
  const stage = compressStage(compress, level, threads, searchPath());
  if (sample.length === 0 || stage === undefined) return { ratio: 1, bytesPerSecond: 150 * 2 ** 20, sampledBytes: sample.length };
  const work = mkdtempSync(join(tmpdir(), 'cdrec-sample-'));
  try {
    writeFileSync(join(work, 'sample'), sample, { mode: 0o600 });
    const started = performance.now();
    await runTool('bash', ['-c', '"${@:3}" < "$1" > "$2"', 'sh', join(work, 'sample'), join(work, 'out'), stage.program, ...stage.args]);
    const seconds = Math.max(0.05, (performance.now() - started) / 1000);
    const { size } = statSync(join(work, 'out'));
    // Reading many small files costs more than reading one; tar and digests share the processors with the compressor.
    return { ratio: Math.min(1, size / sample.length), bytesPerSecond: Math.max(2 ** 20, (sample.length / seconds) * 0.6), sampledBytes: sample.length };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

import { closeSync, createWriteStream, openSync, readSync } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { execa, type ResultPromise } from 'execa';
import { CdrecError, findProgram, installHint, runTool, TOOL_ENV } from '@cdrec/tool';
import type { TreeEntry } from '@cdrec/closure';
import { pack, type Pack } from 'tar-stream';

/** Form of rd-base: squashfs (kernel mounts it) or a compressed tar (init unpacks it). */
export type ImageFormat = 'squashfs' | 'tar.zst' | 'tar.gz';

/**
 * The form that this machine's programs can make: the wished one, or a compressed tar where mksquashfs is older than 4.5 and reads no
 * tar stream (Debian 11, RHEL 8 and 9); `why` says so. `path` is a PATH string.
 */
export async function usableFormat(wish: ImageFormat, path: string): Promise<{ format: ImageFormat; why?: string }> {
  // Where it is not installed at all, packing says so, if anything is to be packed.
  if (wish !== 'squashfs' || findProgram('mksquashfs', path, true) === undefined) return { format: wish };
  const { stdout, stderr } = await runTool('mksquashfs', ['-version'], { ok: [0, 1], env: { PATH: path } });
  const [version, major, minor] = /version (\d+)\.(\d+)[\w.-]*/.exec(stdout + stderr) ?? [];
  if (version === undefined || Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 5)) return { format: wish };
  const format = findProgram('zstd', path) === undefined ? 'tar.gz' : 'tar.zst';
  return { format, why: `mksquashfs ${version.slice(8)} cannot read a tar stream (4.5 can): the rescue system's root is a ${format}, and takes its full size of memory` };
}

/**
 * Packs a tree into one image file without a staging copy: a tar stream (owner root, one time stamp) feeds mksquashfs,
 * zstd or gzip. `date` is in milliseconds since 1970; equal input gives equal bytes. With `offset`, the
 * image begins that many bytes into `output`, which then must exist and be empty.
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED; the file system's own errors
 */
export async function packImage(entries: readonly TreeEntry[], format: ImageFormat, output: string, date: number, cpus: number, offset = 0): Promise<void> {
  const seconds = String(Math.floor(date / 1000));
  const commands: Record<ImageFormat, [string, ...string[]]> = {
    // -all-time also for the root, which no tar entry speaks of. "-tar" reads a tar stream since squashfs-tools 4.5; sqfstar 4.5.1 refuses -Xcompression-level.
    squashfs: ['mksquashfs', '-', output, '-tar', '-quiet', '-no-progress', '-noappend', '-comp', 'zstd', '-Xcompression-level', '9', '-b', '256K', '-mkfs-time', seconds, '-all-time', seconds, '-processors', String(cpus), '-offset', String(offset)],
    'tar.zst': ['zstd', '-q', '-3', `-T${String(cpus)}`, '-c'],
    'tar.gz': ['gzip', '-n', '-6', '-c'],
  };
  const [program, ...args] = commands[format];
  const child = execa(program, args, {
    stdin: 'pipe', stdout: format === 'squashfs' ? 'ignore' : 'pipe', buffer: { stdout: false }, reject: false,
    // mksquashfs refuses time options beside this variable; the date is the caller's word.
    env: { ...TOOL_ENV, SOURCE_DATE_EPOCH: undefined },
  }) as ResultPromise;
  const tar = pack();
  const sink = format === 'squashfs' || child.stdout === null ? undefined : pipeline(child.stdout as NodeJS.ReadableStream, createWriteStream(output, { mode: 0o600, flags: offset === 0 ? 'w' : 'r+', start: offset }));
  // A child that dies early breaks the pipe; its own status says why, so that is what is reported.
  const flow = Promise.allSettled([pipeline(tar, child.stdin as NodeJS.WritableStream), fillTar(tar, entries, date), sink]);
  const result = await child;
  if (result.failed) {
    tar.destroy(new Error('packing stopped'));
    await flow;
    if (result.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', `program "${program}" is not installed`, { hint: installHint(program) });
    const said = String(result.stderr).trim();
    throw new CdrecError(said.includes('No space left') ? 'ENOSPC' : 'TOOL_FAILED', `${program} could not pack the rescue system: ${said}`);
  }
  const broken = (await flow).find((r) => r.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}

/** Bytes of a file that are given to the packer at a time. */
const CHUNK = 1 << 20;

async function fillTar(tar: Pack, entries: readonly TreeEntry[], date: number): Promise<void> {
  const mtime = new Date(Math.floor(date / 1000) * 1000);
  // A packer that dies breaks the entry that is being written too: what it has to say comes by other ways, an event without a listener would end the process.
  const quiet = (sink: ReturnType<Pack['entry']>): typeof sink => sink.on('error', () => undefined);
  for (const e of entries) {
    if (tar.destroyed) return;
    const name = e.path.slice(1);
    const common = { name, mtime, uid: 0, gid: 0, uname: 'root', gname: 'root' };
    if (e.type === 'dir') quiet(tar.entry({ ...common, type: 'directory', mode: e.mode }));
    else if (e.type === 'symlink') quiet(tar.entry({ ...common, type: 'symlink', mode: 0o777, linkname: e.target }));
    else if (typeof e.source !== 'string') quiet(tar.entry({ ...common, mode: e.mode }, e.source));
    else {
      let settle: (error?: Error | null) => void = () => undefined;
      const stored = new Promise<void>((resolve, reject) => {
        settle = (error) => { if (error) reject(error); else resolve(); };
      });
      stored.catch(() => undefined); // judged below, when everything is written
      const sink = quiet(tar.entry({ ...common, mode: e.mode, size: e.bytes }, (error) => { settle(error); }));
      const closed = once(sink, 'close').catch(() => undefined);
      const fd = openSync(e.source, 'r');
      try {
        for (;;) {
          // A new one each time: the stream keeps what it was given. One byte more than promised shows that a file has grown.
          const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, e.bytes + 1));
          const n = readSync(fd, chunk);
          if (n === 0) break;
          if (sink.destroyed) return;
          if (!sink.write(chunk.subarray(0, n))) await Promise.race([once(sink, 'drain'), closed]);
        }
      } finally {
        closeSync(fd);
      }
      sink.end(Buffer.alloc(0));
      await stored.catch((error: unknown) => {
        if (!tar.destroyed) throw new CdrecError('FILE_CHANGED', `${e.source as string} changed while the rescue system was packed`, { cause: error });
      });
    }
  }
  tar.finalize();
}

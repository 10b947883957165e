import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { CdrecError, errorCode, runTool } from '@cdrec/tool';

const CHUNK = 1 << 20;
/** A GPT's backup at the end of the device: header and entries (UEFI specification 2.10, 5.3). */
const GPT_BACKUP = 33 * 512;

/** How a device is written. */
export interface DeviceWriteOptions {
  /** Size of the device in bytes. */
  readonly deviceBytes: number;
  /** Bytes written, then bytes read back. */
  readonly onBytes?: (phase: 'write' | 'verify', bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** What is on the device now: bytes and SHA-256 of the image, as read back. */
export interface DeviceWriteReport { readonly bytes: number; readonly sha256: string }

function openDevice(device: string): number {
  try {
    // On a block device O_EXCL means: nobody else may have it in use (open(2)).
    return openSync(device, constants.O_WRONLY | constants.O_EXCL);
  } catch (error) {
    if (errorCode(error) === 'EBUSY') throw new CdrecError('BURN_BUSY', `${device} is in use by the system`, { cause: error, hint: 'unmount everything on it; "lsblk" shows what uses it' });
    throw error;
  }
}

/**
 * Writes an image onto a whole block device, syncs, reads it back from the device itself and compares. An old GPT backup
 * at the end of the device is wiped, so that nobody restores the old table from it.
 * @throws CdrecError BURN_TOO_SMALL, BURN_BUSY, BURN_VERIFY naming the first byte that differs, INTERRUPTED; I/O errors
 */
export async function writeImageToDevice(image: string, device: string, options: DeviceWriteOptions): Promise<DeviceWriteReport> {
  const source = openSync(image, 'r');
  try {
    const bytes = fstatSync(source).size;
    if (bytes > options.deviceBytes) throw new CdrecError('BURN_TOO_SMALL', `${image} has ${String(bytes)} bytes, ${device} only ${String(options.deviceBytes)}: ${String(bytes - options.deviceBytes)} bytes too few`, { hint: 'take a larger stick' });
    const target = openDevice(device);
    const hash = createHash('sha256');
    try {
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      for (let at = 0; at < bytes; ) {
        if (options.signal?.aborted === true) throw new CdrecError('INTERRUPTED', `interrupted: ${device} holds only a part of the image and will not boot`);
        const n = readSync(source, buffer, 0, Math.min(CHUNK, bytes - at), at);
        if (n === 0) throw new CdrecError('BURN_SOURCE', `${image} became shorter while it was read`);
        hash.update(buffer.subarray(0, n));
        for (let done = 0; done < n; ) done += writeSync(target, buffer, done, n - done, at + done);
        at += n;
        options.onBytes?.('write', n);
        await breathe();
      }
      if (options.deviceBytes - bytes >= GPT_BACKUP) writeSync(target, Buffer.alloc(GPT_BACKUP), 0, GPT_BACKUP, options.deviceBytes - GPT_BACKUP);
      fsyncSync(target);
    } finally {
      closeSync(target);
    }
    const sha256 = hash.digest('hex');
    await verifyDevice(image, device, sha256, options);
    return { bytes, sha256 };
  } finally {
    closeSync(source);
  }
}

/**
 * Reads as many bytes from a device as an image has, past the kernel's cache, and compares.
 * @throws CdrecError BURN_VERIFY naming the first byte that differs
 */
export async function verifyDevice(image: string, device: string, sha256: string, options: Pick<DeviceWriteOptions, 'onBytes' | 'signal'> = {}): Promise<void> {
  // BLKFLSBUF: what is compared comes from the device and not from memory.
  await runTool('blockdev', ['--flushbufs', device]);
  const [a, b] = [openSync(image, 'r'), openSync(device, 'r')];
  try {
    const hash = createHash('sha256');
    const [left, right] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
    const bytes = fstatSync(a).size;
    for (let at = 0; at < bytes; ) {
      if (options.signal?.aborted === true) throw new CdrecError('INTERRUPTED', `interrupted: ${device} is written, but not compared`);
      const want = Math.min(CHUNK, bytes - at);
      const n = readSync(a, left, 0, want, at);
      const m = readSync(b, right, 0, want, at);
      hash.update(right.subarray(0, m));
      if (n === 0 || n !== m || !left.subarray(0, n).equals(right.subarray(0, m))) {
        let i = 0;
        while (i < Math.min(n, m) && left[i] === right[i]) i++;
        throw new CdrecError('BURN_VERIFY', `${device} does not hold what was written: it differs from ${image} at byte ${String(at + i)}`, { hint: 'the stick is bad: take another one' });
      }
      at += n;
      options.onBytes?.('verify', n);
      await breathe();
    }
    if (hash.digest('hex') !== sha256) throw new CdrecError('BURN_VERIFY', `${image} changed while it was written to ${device}`);
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

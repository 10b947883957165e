import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { SECTOR } from './bytes.js';
import { APPLICATION_USE } from './descriptors.js';
import { IsoError } from './errors.js';
import type { ByteSource } from './reader/source.js';

/** Where the text lies: application use field of the primary descriptor. */
const AT = 16 * SECTOR + APPLICATION_USE.offset;
/** Sectors at the end that are not counted: drives fail to read them on discs written track-at-once. */
const SKIP_SECTORS = 15;
const FRAGMENTS = 20;
const FRAGMENT_DIGITS = 3;
/** isomd5sum reads in steps of this size; fragments end at such steps. */
const STEP = 32 * 1024;

/** MD5 of an image and of its growing parts, as isomd5sum implants them. */
export interface Implant { readonly md5: string; readonly skipSectors: number; readonly fragments: string; readonly fragmentCount: number }

/** Sums over an image whose application use field counts as spaces. */
class ImplantSum {
  readonly #hash: Hash = createHash('md5');
  readonly #part: number;
  #offset = 0;
  #fragment = 0;
  #fragments = '';

  constructor(bytes: number) {
    this.#part = Math.floor(bytes / (FRAGMENTS + 1));
  }

  /** Takes the next step's bytes; they are changed where the field lies. */
  add(step: Buffer): void {
    const from = Math.max(0, AT - this.#offset);
    const to = Math.min(step.length, AT + APPLICATION_USE.bytes - this.#offset);
    if (to > from) step.fill(0x20, from, to);
    this.#hash.update(step);
    const fragment = Math.floor(this.#offset / this.#part);
    if (fragment !== this.#fragment) {
      const digest = this.#hash.copy().digest();
      for (let i = 0; i < FRAGMENT_DIGITS; i++) this.#fragments += (digest[i] as number).toString(16)[0] as string;
      this.#fragment = fragment;
    }
    this.#offset += step.length;
  }

  end(): { md5: string; fragments: string } {
    return { md5: this.#hash.digest('hex'), fragments: this.#fragments.slice(0, FRAGMENTS * FRAGMENT_DIGITS) };
  }
}

/**
 * Implants the MD5 of an image into its application use field, as `implantisomd5` of isomd5sum does, so that
 * `checkisomd5` and the boot menus of several distributions can verify the disc. Reads the whole file once.
 * @throws IsoError ISO_NOT_ISO, ISO_INVALID_INPUT when the field is in use
 */
export function implantMd5(path: string): Implant {
  const fd = openSync(path, 'r+');
  try {
    const descriptor = Buffer.alloc(SECTOR);
    readSync(fd, descriptor, 0, SECTOR, 16 * SECTOR);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001' || descriptor[0] !== 1) throw new IsoError('ISO_NOT_ISO', `"${path}" is no ISO image`);
    const field = descriptor.subarray(APPLICATION_USE.offset, APPLICATION_USE.offset + APPLICATION_USE.bytes);
    if (field.some((b) => b !== 0x20)) throw new IsoError('ISO_INVALID_INPUT', `the application use field of "${path}" is in use already`);
    const bytes = (descriptor.readUInt32LE(80) - SKIP_SECTORS) * SECTOR;
    const sum = new ImplantSum(bytes);
    const step = Buffer.alloc(STEP);
    for (let at = 0; at < bytes; at += STEP) {
      const n = readSync(fd, step, 0, Math.min(STEP, bytes - at), at);
      if (n === 0) throw new IsoError('ISO_INVALID_IMAGE', `"${path}" is truncated`);
      sum.add(step.subarray(0, n));
    }
    const { md5, fragments } = sum.end();
    const text = `ISO MD5SUM = ${md5};SKIPSECTORS = ${String(SKIP_SECTORS)};RHLISOSTATUS=0;FRAGMENT SUMS = ${fragments};FRAGMENT COUNT = ${String(FRAGMENTS)};THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!`;
    const out = Buffer.alloc(APPLICATION_USE.bytes, 0x20);
    out.write(text, 'latin1');
    writeSync(fd, out, 0, out.length, AT);
    fsyncSync(fd);
    return { md5, skipSectors: SKIP_SECTORS, fragments, fragmentCount: FRAGMENTS };
  } finally {
    closeSync(fd);
  }
}

/** The implanted sums of an image; `undefined` when there are none. */
export async function readImplant(source: ByteSource): Promise<Implant | undefined> {
  const text = (await source.read(AT, APPLICATION_USE.bytes)).toString('latin1');
  const md5 = /ISO MD5SUM = ([0-9a-f]{32});SKIPSECTORS = (\d{1,3});/.exec(text);
  if (md5 === null) return undefined;
  const fragments = /FRAGMENT SUMS = ([0-9a-f]{1,60});FRAGMENT COUNT = (\d{1,2});/.exec(text);
  return { md5: md5[1] as string, skipSectors: Number(md5[2]), fragments: fragments?.[1] ?? '', fragmentCount: Number(fragments?.[2] ?? 0) };
}

/** True when the image has the implanted MD5. Reads the whole volume. */
export async function verifyImplant(source: ByteSource, implant: Implant): Promise<boolean> {
  const descriptor = await source.read(16 * SECTOR, SECTOR);
  const bytes = (descriptor.readUInt32LE(80) - implant.skipSectors) * SECTOR;
  if (bytes <= 0 || (source.size !== undefined && bytes > source.size)) return false;
  const sum = new ImplantSum(bytes);
  for (let at = 0; at < bytes; at += STEP) {
    const step = Buffer.from(await source.read(at, Math.min(STEP, bytes - at)));
    if (step.length === 0) return false;
    sum.add(step);
  }
  const { md5, fragments } = sum.end();
  return md5 === implant.md5 && (implant.fragments === '' || implant.fragmentCount !== FRAGMENTS || fragments === implant.fragments);
}

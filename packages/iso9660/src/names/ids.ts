import { IsoError } from '../errors.js';

/** a-characters (ECMA-119 7.4.1, annex A). */
const A_CHARACTERS = /^[A-Z0-9_ !"%&'()*+,\-./:;<=>?]*$/;
/** d-characters. */
const D_CHARACTERS = /^[A-Z0-9_]*$/;

/** Identifiers of a volume; every one has its length and character set (ECMA-119 8.4). */
export interface VolumeIds {
  /** 1 to 32 characters; strictly d-characters, but lower case, `.` and `-` pass every boot loader, udev and blkid unchanged. */
  readonly volumeId: string;
  /** a-characters, at most 32 (default `LINUX`). */
  readonly systemId?: string;
  /** d-characters, at most 128. */
  readonly volumeSetId?: string;
  /** a-characters, at most 128; a leading `_` names a file in the root directory. */
  readonly publisher?: string;
  readonly preparer?: string;
  readonly application?: string;
  /** Paths of files in the root directory, told by their identifiers of at most 37 characters. */
  readonly copyrightFile?: string;
  readonly abstractFile?: string;
  readonly bibliographicFile?: string;
}

/** Checks a volume identifier: 1 to 32 characters that every boot loader and udev pass on unchanged. */
export function checkVolumeId(id: string): void {
  if (!/^[A-Za-z0-9_.-]{1,32}$/.test(id)) {
    throw new IsoError('ISO_INVALID_INPUT', `volume id "${id}" must be 1 to 32 characters of A-Z a-z 0-9 _ . -`);
  }
}

function check(what: string, value: string | undefined, set: RegExp, name: string, max: number): void {
  if (value === undefined) return;
  if (value.length > max) throw new IsoError('ISO_INVALID_INPUT', `${what} has ${String(value.length)} characters; at most ${String(max)} fit`);
  if (set.test(value)) return;
  const bad = Array.from(value).find((c) => !set.test(c));
  throw new IsoError('ISO_INVALID_INPUT', `${what} ${JSON.stringify(value)} has ${JSON.stringify(bad)}, which is no ${name}; write it in capitals and without it`);
}

/** @throws IsoError ISO_INVALID_INPUT that names the identifier and the character that cannot be there. */
export function checkVolumeIds(ids: VolumeIds): void {
  checkVolumeId(ids.volumeId);
  check('system id', ids.systemId, A_CHARACTERS, 'a-character', 32);
  check('volume set id', ids.volumeSetId, D_CHARACTERS, 'd-character', 128);
  check('publisher', ids.publisher, A_CHARACTERS, 'a-character', 128);
  check('preparer', ids.preparer, A_CHARACTERS, 'a-character', 128);
  check('application', ids.application, A_CHARACTERS, 'a-character', 128);
}

/** True when `text` has only a-characters / d-characters. */
export const isA = (text: string): boolean => A_CHARACTERS.test(text);
export const isD = (text: string): boolean => D_CHARACTERS.test(text);

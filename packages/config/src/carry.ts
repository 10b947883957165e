import { parseSize } from './sizes.js';
import type { Carried } from './variables.js';

/** `y`, `yes`, `true`, `1`, `on`, in any case. */
export const isYes = (words: readonly string[]): boolean => /^(y|yes|true|1|on|t)$/i.test(words[0] ?? '');

/** Words of a list that was one string. */
export const split = (words: readonly string[]): string[] => words.flatMap((w) => w.split(/\s+/)).filter((w) => w !== '');

/** A list of absolute paths into a key; what is no absolute path is a question. */
export function paths(key: string, words: readonly string[], what = 'path'): Carried {
  const good = split(words).filter((w) => w.startsWith('/'));
  const bad = split(words).filter((w) => !w.startsWith('/'));
  if (good.length === 0) return bad.length === 0 ? { same: 'it is empty' } : { hand: `${bad.join(', ')}: not an absolute ${what}` };
  return { set: { [key]: good }, ...(bad.length === 0 ? {} : { remark: `${bad.join(', ')} left out: not an absolute ${what}` }) };
}

/** A list of names into a key. */
export const names = (key: string, words: readonly string[]): Carried => (split(words).length === 0 ? { same: 'it is empty' } : { set: { [key]: split(words) } });

/** One text into a key; empty: nothing to carry. */
export const text = (key: string, words: readonly string[]): Carried => (words.join(' ') === '' ? { same: 'it is empty' } : { set: { [key]: words.join(' ') } });

/** A size in units of `unit` bytes (1024: KiB) into a key, as MiB. */
export function sizeOf(key: string, words: readonly string[], unit: number): Carried {
  const number = Number(words[0] ?? '');
  if (!Number.isFinite(number) || number <= 0) return { hand: `"${words.join(' ')}" is not a number` };
  const mib = Math.floor((number * unit) / 2 ** 20);
  if (key === 'output.volume_size' && mib < 64) return { hand: `${String(mib)} MiB are too few for a volume` };
  parseSize(`${String(mib)}M`);
  return { set: { [key]: `${String(mib)}M` } };
}

const COMPRESSORS: Readonly<Record<string, string>> = { gzip: 'gzip', pigz: 'gzip', bzip2: 'bzip2', lbzip2: 'bzip2', pbzip2: 'bzip2', xz: 'xz', zstd: 'zstd', cat: 'none', none: 'none' };

/** A compressor by the name of its program or its option of tar. */
export function compressor(word: string): Carried {
  const name = word.replace(/^--/, '').replace(/^.*\//, '').replace(/^use-compress-program=/, '');
  const ours = COMPRESSORS[name === 'bzip2' || name === '-j' ? 'bzip2' : name];
  return ours === undefined ? { drop: `${name || 'nothing'} is not among zstd, gzip, bzip2, xz, none: zstd is faster and smaller than it was` } : { set: { 'backup.compress': ours } };
}

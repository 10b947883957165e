import type { ChainStage } from './chain.js';
import { findProgram } from './run.js';

/** How archives can be compressed. */
export const COMPRESSORS = ['zstd', 'gzip', 'bzip2', 'xz', 'none'] as const;
export type Compressor = (typeof COMPRESSORS)[number];

interface Codec {
  readonly suffix: string;
  /** Level when none is chosen, lowest and highest level. */
  readonly levels: readonly [usual: number, lowest: number, highest: number];
  /** Programs that can do it, the best first; the last one is the plain program that every system has. */
  readonly programs: readonly string[];
}

const CODECS: Readonly<Record<Exclude<Compressor, 'none'>, Codec>> = {
  zstd: { suffix: '.zst', levels: [3, 1, 19], programs: ['zstd'] },
  gzip: { suffix: '.gz', levels: [6, 1, 9], programs: ['pigz', 'gzip'] },
  bzip2: { suffix: '.bz2', levels: [9, 1, 9], programs: ['lbzip2', 'bzip2'] },
  xz: { suffix: '.xz', levels: [6, 0, 9], programs: ['xz'] },
};

/** End of the file name of a stream: `.zst`, or nothing. */
export const suffixOf = (compress: Compressor): string => (compress === 'none' ? '' : CODECS[compress].suffix);

/** The level that is used for a wish: the compressor's usual one for `undefined`, and never outside of its range. */
export function levelOf(compress: Compressor, wish: number | undefined): number {
  if (compress === 'none') return 0;
  const [usual, lowest, highest] = CODECS[compress].levels;
  return Math.min(highest, Math.max(lowest, wish ?? usual));
}

/** Programs of which one must be there for a compressor. */
export const programsOf = (compress: Compressor): readonly string[] => (compress === 'none' ? [] : CODECS[compress].programs);

const best = (compress: Exclude<Compressor, 'none'>, path: string): string => CODECS[compress].programs.find((p) => findProgram(p, path) !== undefined) ?? (CODECS[compress].programs.at(-1) as string);

/**
 * The program that compresses standard input to standard output, without dates or names in it: the same input gives the
 * same output for a number of threads. `threads` 0 means one per processor. `path` is a PATH. `undefined` for `none`.
 */
export function compressStage(compress: Compressor, level: number | undefined, threads: number, path: string): ChainStage | undefined {
  if (compress === 'none') return undefined;
  const program = best(compress, path);
  const l = String(levelOf(compress, level));
  const n = String(threads);
  switch (program) {
    case 'zstd': return { program, args: ['-q', `-${l}`, `-T${n}`] };
    case 'xz': return { program, args: ['-q', `-${l}`, `-T${n}`] };
    case 'pigz': return { program, args: ['-q', '-n', `-${l}`, ...(threads === 0 ? [] : ['-p', n])] };
    case 'gzip': return { program, args: ['-q', '-n', `-${l}`] };
    case 'lbzip2': return { program, args: ['-q', `-${l}`, ...(threads === 0 ? [] : ['-n', n])] };
    default: return { program, args: ['-q', `-${l}`] };
  }
}

/** The program that unpacks standard input to standard output; `undefined` for `none`. It fails on a stream that is cut or damaged. */
export function decompressStage(compress: Compressor, path: string): ChainStage | undefined {
  return compress === 'none' ? undefined : { program: best(compress, path), args: ['-q', '-d', '-c'] };
}

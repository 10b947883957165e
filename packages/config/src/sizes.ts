import { CdrecError } from '@cdrec/tool';

/** Capacities of discs in bytes: what a burner can write, from the standards' sector counts of 2048 bytes. */
export const VOLUME_SIZES: Readonly<Record<string, number>> = {
  cd: 359_844 * 2048, // 80 minutes, less 2 s
  dvd: 2_295_104 * 2048,
  'dvd-dl': 4_171_712 * 2048,
  bd: 12_219_392 * 2048,
  'bd-dl': 24_438_784 * 2048,
};

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/**
 * Bytes of a size given as a disc's name (`dvd`), bytes (`700000000`) or with a binary unit (`700M`, `4.5G`).
 * @throws CdrecError CONFIG_INVALID
 */
export function parseSize(text: string): number {
  const named = VOLUME_SIZES[text.toLowerCase()];
  if (named !== undefined) return named;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? NaN : Math.floor(Number(match[1]) * (UNITS[(match[2] as string).toLowerCase()] as number));
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new CdrecError('CONFIG_INVALID', `"${text}" is not a size`, { hint: `give bytes, a number with K, M, G or T, or one of ${Object.keys(VOLUME_SIZES).join(', ')}` });
  }
  return bytes;
}

import { runTool } from '@cdrec/tool';
import * as z from 'zod';
import type { LuksLayer } from '../schema.js';

const json = z.object({
  keyslots: z.record(z.string(), z.object({ key_size: z.number(), kdf: z.object({ type: z.string(), iterations: z.number().optional() }) })),
  segments: z.record(z.string(), z.object({ type: z.string(), encryption: z.string().optional(), sector_size: z.number().optional(), offset: z.coerce.number().optional(), integrity: z.unknown().optional() })),
  digests: z.record(z.string(), z.object({ hash: z.string().optional() })).default({}),
  config: z.object({ flags: z.array(z.string()).default([]) }).default({ flags: [] }),
});
type Parameters = Pick<LuksLayer, 'version' | 'cipher' | 'keyBits' | 'hash' | 'sectorBytes' | 'pbkdf' | 'iterations' | 'slots' | 'flags' | 'offsetBytes'>;

/** Where cryptsetup(8) lets the data begin by itself, in bytes. */
const USUAL_OFFSET = { 1: 2 << 20, 2: 16 << 20 };
const offsetOf = (version: 1 | 2, bytes: number): { offsetBytes?: number } => (bytes > 0 && bytes !== USUAL_OFFSET[version] ? { offsetBytes: bytes } : {});

/** The most iterations of PBKDF2 that a slot has: one for a key file may do with few. */
const most = (all: readonly (number | undefined)[]): { iterations?: number } => {
  const known = all.filter((n) => n !== undefined && n > 0) as number[];
  return known.length === 0 ? {} : { iterations: Math.max(...known) };
};

/** LUKS2, from `cryptsetup luksDump --dump-json-metadata`. */
export function parseLuks2(text: string): Parameters {
  const { keyslots, segments, digests, config } = json.parse(JSON.parse(text));
  const [segment] = Object.values(segments);
  const slots = Object.values(keyslots);
  const pbkdf = slots[0]?.kdf.type ?? 'argon2id';
  return { version: '2', cipher: segment?.encryption ?? '', keyBits: (slots[0]?.key_size ?? 64) * 8, hash: Object.values(digests)[0]?.hash ?? 'sha256', sectorBytes: segment?.sector_size ?? 512, pbkdf, ...(pbkdf === 'pbkdf2' ? most(slots.map((s) => s.kdf.iterations)) : {}), slots: slots.length, flags: config.flags, ...offsetOf(2, segment?.offset ?? 0) };
}

/** Whether a LUKS2 volume has checksums of its sectors (dm-integrity). */
export const hasIntegrity = (text: string): boolean => Object.values(json.parse(JSON.parse(text)).segments).some((s) => s.integrity !== undefined);

/** LUKS1, from `cryptsetup luksDump`. */
export function parseLuks1(text: string): Parameters {
  const get = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return { version: '1', cipher: `${get('Cipher name')}-${get('Cipher mode')}`, keyBits: Number(get('MK bits')), hash: get('Hash spec'), sectorBytes: 512, pbkdf: 'pbkdf2', ...most([...text.matchAll(/^\tIterations:\s*(\d+)/gm)].map((m) => Number(m[1]))), slots: [...text.matchAll(/^Key Slot \d+: ENABLED/gm)].length, flags: [], ...offsetOf(1, Number(get('Payload offset')) * 512) };
}

/** Reads a LUKS volume: `on` is the device with the header, `device` the open mapping. `integrity`: it is of a kind that is not made again. @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function readLuks(device: string, on: string, block: { uuid: string; label: string; version: string }): Promise<{ layer: LuksLayer; integrity: boolean }> {
  const dump = (await runTool('cryptsetup', ['luksDump', ...(block.version === '1' ? [] : ['--dump-json-metadata']), on])).stdout;
  const parameters = block.version === '1' ? parseLuks1(dump) : parseLuks2(dump);
  return { layer: { type: 'luks', device, name: device.split('/').at(-1) as string, on, uuid: block.uuid, label: block.label, ...parameters }, integrity: block.version !== '1' && hasIntegrity(dump) };
}

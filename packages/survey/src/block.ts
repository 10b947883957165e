import { CdrecError, runTool } from '@cdrec/tool';
import * as z from 'zod';
import type { PartitionTable } from './schema.js';

const text = z.string().nullish().transform((s) => (s ?? '').trim());
const flag = z.union([z.boolean(), z.string().transform((s) => s === '1')]).nullish().transform((b) => b ?? false);
const base = z.object({
  name: z.string(), path: z.string(), type: z.string(), size: z.coerce.number(),
  model: text, serial: text, wwn: text, tran: text, rm: flag, ro: flag,
  'log-sec': z.coerce.number(), 'maj:min': z.string().transform((s) => s.trim()),
});

/** A block device as lsblk lists it, with what lies on it. `bytes` is its size. */
export interface BlockDevice {
  readonly path: string;
  readonly type: string;
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly model: string;
  readonly serial: string;
  readonly wwn: string;
  readonly transport: string;
  readonly removable: boolean;
  readonly readOnly: boolean;
  readonly number: string;
  readonly children: readonly BlockDevice[];
}

function toDevice(raw: unknown): BlockDevice {
  const d = base.parse(raw);
  const children = (raw as { children?: unknown[] }).children ?? [];
  return {
    path: d.path, type: d.type, bytes: d.size, sectorBytes: d['log-sec'], model: d.model, serial: d.serial, wwn: d.wwn,
    transport: d.tran, removable: d.rm, readOnly: d.ro, number: d['maj:min'], children: children.map(toDevice),
  };
}

/** Parses the JSON of lsblk. @throws CdrecError SURVEY_TOOL_OUTPUT when it is not what lsblk prints. */
export function parseLsblk(json: string): BlockDevice[] {
  try {
    return z.object({ blockdevices: z.array(z.unknown()) }).parse(JSON.parse(json)).blockdevices.map(toDevice);
  } catch (error) {
    throw new CdrecError('SURVEY_TOOL_OUTPUT', `lsblk printed something unexpected: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** All block devices of the machine, as trees from disk to the topmost layer. */
export async function readBlockTree(): Promise<BlockDevice[]> {
  const { stdout } = await runTool('lsblk', ['--json', '--bytes', '--output', 'NAME,PATH,TYPE,SIZE,MODEL,SERIAL,WWN,TRAN,RM,RO,LOG-SEC,MAJ:MIN']);
  return parseLsblk(stdout);
}

const sfdiskSchema = z.object({
  partitiontable: z.object({
    label: z.string(), id: z.string().default(''), firstlba: z.coerce.number().optional(), 'table-length': z.coerce.number().optional(),
    partitions: z.array(z.object({
      node: z.string(), start: z.number(), size: z.number(), type: z.string(), uuid: z.string().optional(), name: z.string().optional(),
      attrs: z.string().optional(), bootable: z.boolean().optional(),
    })).default([]),
  }),
});

/** Parses the JSON of sfdisk; `undefined` for tables other than GPT and MBR. */
export function parseSfdisk(json: string): PartitionTable | undefined {
  const { partitiontable: t } = sfdiskSchema.parse(JSON.parse(json));
  if (t.label !== 'dos' && t.label !== 'gpt') return undefined;
  return {
    type: t.label, id: t.id,
    ...(t.firstlba === undefined ? {} : { firstLba: t.firstlba }),
    ...(t['table-length'] === undefined ? {} : { tableLength: t['table-length'] }),
    partitions: t.partitions.map((p) => ({
      number: Number(/(\d+)$/.exec(p.node)?.[1]), node: p.node, start: p.start, sectors: p.size, type: p.type, bootable: p.bootable ?? false,
      ...(p.uuid === undefined ? {} : { uuid: p.uuid }), ...(p.name === undefined ? {} : { name: p.name }), ...(p.attrs === undefined ? {} : { attrs: p.attrs }),
    })),
  };
}

/** The partition table of a disk, or `undefined` when it has none that is known. */
export async function readDisk(device: string): Promise<PartitionTable | undefined> {
  const { stdout, status } = await runTool('sfdisk', ['--json', device], { ok: [0, 1] });
  return status === 0 && stdout.trim() !== '' ? parseSfdisk(stdout) : undefined;
}

/** What blkid found on a device. `type` is empty when it found nothing. */
export interface Superblock {
  readonly type: string;
  readonly uuid: string;
  readonly label: string;
  readonly version: string;
}

/** Bytes that blkid has written as `\xHH`, as text (libblkid, blkid_encode_string). */
const decode = (text: string): string => Buffer.from(Buffer.from(text, 'utf8').toString('latin1').replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString('utf8');

/** Probes a device directly (`blkid -p`): right even where no udev runs. Of its formats only `udev` has labels that can be read back: the others change or cut what is not ASCII. */
export async function superblockOf(device: string): Promise<Superblock> {
  const { stdout } = await runTool('blkid', ['-p', '-o', 'udev', device], { ok: [0, 2, 8] });
  const get = (key: string): string => new RegExp(`^ID_FS_${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  return { type: get('TYPE'), uuid: decode(get('UUID_ENC')), label: decode(get('LABEL_ENC')), version: get('VERSION') };
}

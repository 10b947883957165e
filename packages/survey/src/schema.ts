import { CdrecError } from '@cdrec/tool';
import { z } from 'zod';

/** Version of the survey format; a reader refuses higher ones. */
export const SURVEY_VERSION = 1;

const partition = z.object({
  number: z.int().min(1),
  node: z.string().describe('device node at the time of the survey'),
  start: z.int().min(0).describe('first sector, in sectors of the disk'),
  sectors: z.int().min(1),
  type: z.string().describe('MBR type in hexadecimal, or GPT type GUID'),
  uuid: z.string().optional(),
  name: z.string().optional(),
  attrs: z.string().optional(),
  bootable: z.boolean().default(false),
});
const table = z.object({
  type: z.enum(['dos', 'gpt']),
  id: z.string().describe('disk id (MBR) or disk GUID'),
  firstLba: z.int().optional(),
  tableLength: z.int().optional().describe('number of GPT entries'),
  partitions: z.array(partition),
});
const disk = z.object({
  device: z.string(),
  model: z.string(), serial: z.string(), wwn: z.string(), transport: z.string(),
  bytes: z.int().min(0),
  sectorBytes: z.int().min(512),
  used: z.boolean().describe('holds a file system or swap area that belongs to the machine'),
  table: table.optional(),
});
const place = { device: z.string(), disk: z.string(), partition: z.int().min(0).describe('0: the whole disk') };
const fileSystem = z.object({
  ...place,
  type: z.enum(['ext2', 'ext3', 'ext4', 'vfat', 'xfs']),
  uuid: z.string(), label: z.string(),
  bytes: z.int().min(0), usedBytes: z.int().min(0),
  mount: z.string().describe('mount point'),
  options: z.string(),
  parameters: z.record(z.string(), z.string()).describe('what mkfs needs to make it alike'),
});
const swap = z.object({ ...place, uuid: z.string(), label: z.string(), bytes: z.int() });
const kernel = z.object({ version: z.string(), image: z.string(), modules: z.string() });
const loader = z.discriminatedUnion('type', [
  z.object({ type: z.literal('grub-bios'), disk: z.string(), directory: z.string() }),
  z.object({ type: z.literal('efi'), mount: z.string(), files: z.array(z.string()).describe('*.efi files, relative to the ESP') }),
]);
const unsupported = z.object({ object: z.string(), what: z.string(), reason: z.string(), excluded: z.boolean() });

/** The whole survey; sizes in bytes, unless "sector" is said. */
export const surveySchema = z.object({
  version: z.literal(SURVEY_VERSION),
  created: z.string(),
  host: z.object({
    name: z.string(), os: z.string(), osId: z.string(), osVersion: z.string(), arch: z.string(),
    cpu: z.string(), cpus: z.int(), memoryBytes: z.int(), vendor: z.string(), product: z.string(),
  }),
  boot: z.object({ firmware: z.enum(['bios', 'uefi']), secureBoot: z.boolean().default(false).describe('booted with UEFI Secure Boot'), kernel, commandLine: z.string(), loaders: z.array(loader) }),
  modules: z.array(z.string()),
  network: z.array(z.object({
    name: z.string(), mac: z.string(), driver: z.string(), addresses: z.array(z.string()).describe('with prefix length; those of a bond or bridge stand with its first card'),
    vlans: z.array(z.object({ id: z.int(), addresses: z.array(z.string()) })).default([]),
  })),
  routes: z.array(z.object({ to: z.string(), via: z.string() })).default([]),
  nameServers: z.array(z.string()).default([]),
  searchDomains: z.array(z.string()).default([]),
  disks: z.array(disk),
  fileSystems: z.array(fileSystem),
  swaps: z.array(swap),
  unsupported: z.array(unsupported),
});

export type Survey = z.output<typeof surveySchema>;
export type Disk = Survey['disks'][number];
export type PartitionTable = z.output<typeof table>;
export type Partition = PartitionTable['partitions'][number];
export type FileSystem = Survey['fileSystems'][number];
export type Swap = Survey['swaps'][number];
export type Kernel = z.output<typeof kernel>;
export type BootLoader = Survey['boot']['loaders'][number];
export type Unsupported = Survey['unsupported'][number];

/** JSON Schema (draft 2020-12) of survey.json, as published in docs/. */
export function surveyJsonSchema(): unknown {
  return z.toJSONSchema(surveySchema, { io: 'input' });
}

/** Validates the text of a survey.json. @throws CdrecError SURVEY_INVALID naming the field. */
export function parseSurvey(text: string): Survey {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new CdrecError('SURVEY_INVALID', `survey.json is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const result = surveySchema.safeParse(raw);
  if (!result.success) throw new CdrecError('SURVEY_INVALID', `survey.json: ${z.prettifyError(result.error)}`);
  return result.data;
}

import { CdrecError } from '@cdrec/tool';
import * as z from 'zod';

/** Version of the survey format; a reader refuses higher ones. */
export const SURVEY_VERSION = 1;

/** File systems that are archived and made again. */
export const FILE_SYSTEMS = ['ext2', 'ext3', 'ext4', 'vfat', 'xfs', 'btrfs', 'f2fs', 'jfs', 'reiserfs', 'exfat'] as const;

/** Whether a file system keeps owners, modes, links and attributes. */
export const hasUnixMetadata = (type: string): boolean => type !== 'vfat' && type !== 'exfat';

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
  active: z.boolean().optional().describe('GPT: the entry of the protective MBR is marked active, without which some BIOSes do not start it'),
  partitions: z.array(partition),
});
const disk = z.object({
  device: z.string(),
  model: z.string(), serial: z.string(), wwn: z.string(), transport: z.string(),
  bytes: z.int().min(0),
  sectorBytes: z.int().min(512),
  used: z.boolean().describe('holds a file system or swap area that belongs to the machine'),
  links: z.array(z.string()).default([]).describe('names of udev below /dev/disk: by-id/..., by-path/...'),
  table: table.optional(),
  bootCode: z.base64().optional().describe('code in the first sector (bytes 0 to 439, without zeros at the end), unless it is that of GRUB or LILO, which are installed anew'),
});
const place = { device: z.string(), disk: z.string().describe('empty when it lies on a layer'), partition: z.int().min(0).describe('0: the whole disk') };
const quota = z.object({
  of: z.enum(['user', 'group', 'project']), id: z.int().min(0), softBytes: z.int().min(0), hardBytes: z.int().min(0), softFiles: z.int().min(0), hardFiles: z.int().min(0),
}).describe('limits of one user, group or project; 0: none');
const fileSystem = z.object({
  ...place,
  type: z.enum(FILE_SYSTEMS),
  uuid: z.string(), label: z.string(),
  bytes: z.int().min(0), usedBytes: z.int().min(0),
  usedInodes: z.int().min(0).optional().describe('inodes in use, where their number is limited'),
  mount: z.string().describe('mount point'),
  options: z.string(),
  subvolume: z.string().optional().describe('btrfs: path of the mounted subvolume from the top of the file system'),
  nested: z.boolean().optional().describe('btrfs: a subvolume that is seen below another one and not mounted itself'),
  parameters: z.record(z.string(), z.string()).describe('what mkfs needs to make it alike'),
  quotas: z.array(quota).optional().describe('limits that the file system keeps in itself; absent when there are none'),
});
/** What lies between disks and file systems, each after what it lies on. Names of devices are those of the survey. */
const raid = z.object({
  type: z.literal('raid'), device: z.string(), uuid: z.string(), name: z.string().describe('HOST:NAME, as in the superblock'), level: z.string().describe('as mdadm says it: raid1'), count: z.int().min(1), metadata: z.string(),
  chunkBytes: z.int().optional(), layout: z.string().optional(), bitmap: z.boolean(),
  policy: z.enum(['ppl', 'journal']).optional().describe('what keeps stripes consistent besides a bitmap: partial parity logs, or a journal on a device of its own'), dataOffsetBytes: z.int().optional().describe('where the data begins on each member, of metadata 1.1 and 1.2'),
  members: z.array(z.object({ device: z.string(), slot: z.int().describe('-1: spare, -2: journal'), flags: z.array(z.enum(['write-mostly', 'failfast'])).optional() })), table: table.optional(),
});
const luks = z.object({
  type: z.literal('luks'), device: z.string(), name: z.string().describe('name of the mapping'), on: z.string(), uuid: z.string(), label: z.string(), version: z.enum(['1', '2']),
  cipher: z.string(), keyBits: z.int(), hash: z.string(), sectorBytes: z.int(), pbkdf: z.string(), iterations: z.int().optional().describe('of PBKDF2, in the slot with the most of them: GRUB, which knows nothing else, takes its time for each'), slots: z.int(), flags: z.array(z.string()).default([]).describe('LUKS2: options kept in the header, as it names them (allow-discards)'), offsetBytes: z.int().optional().describe('where the data begins, when it is not where cryptsetup puts it by itself'),
});
const logical = z.object({
  name: z.string(), uuid: z.string().optional(), device: z.string(), kind: z.enum(['linear', 'striped', 'mirror', 'raid0', 'raid0_meta', 'raid1', 'raid4', 'raid5', 'raid6', 'raid10', 'thin-pool', 'thin']), bytes: z.int().min(0),
  stripes: z.int().optional().describe('data stripes; for raid1 and mirror the number of copies'), stripeBytes: z.int().optional(), chunkBytes: z.int().optional(), metadataBytes: z.int().optional(), pool: z.string().optional(), 
  cache: z.string().optional().describe('kind of cache it had, which is not made again: cache or writecache'), integrity: z.literal(true).optional().describe('its images had integrity data, which are not made again'), on: z.array(z.string()).describe('physical volumes that it lies on; none for thin ones'),
  tags: z.array(z.string()).optional(), allocation: z.string().optional().describe('its policy, when it is not that of the group'), readAheadBytes: z.int().optional().describe('when it is not automatic'),
  discards: z.enum(['ignore', 'nopassdown']).optional().describe('of a thin pool, when they are not passed down'), zero: z.literal(false).optional().describe('of a thin pool whose new blocks are not zeroed'),
});
const group = z.object({ type: z.literal('vg'), name: z.string(), uuid: z.string(), extentBytes: z.int(), physical: z.array(z.object({ device: z.string(), uuid: z.string(), startBytes: z.int(), bytes: z.int() })), volumes: z.array(logical), tags: z.array(z.string()).optional(), allocation: z.string().optional().describe('its policy, when it is not normal') });
const btrfs = z.object({
  type: z.literal('btrfs'), device: z.string(), devices: z.array(z.string()), uuid: z.string(), label: z.string(), data: z.string(), metadata: z.string(), mixed: z.literal(true).optional().describe('data and metadata share their block groups'), nodeBytes: z.int(), sectorBytes: z.int(), checksum: z.string(),
  subvolumes: z.array(z.object({ path: z.string(), snapshot: z.boolean(), readOnly: z.boolean() })), defaultSubvolume: z.string().describe('path; empty: the top'),
});
const image = z.object({ ...place, type: z.string().describe('as blkid says; empty: nothing it knows'), uuid: z.string(), label: z.string(), bytes: z.int(), method: z.string().describe('ntfsclone, partclone.TYPE or dd') });
const swap = z.object({ ...place, uuid: z.string(), label: z.string(), bytes: z.int() });
const swapFile = z.object({ path: z.string(), bytes: z.int(), uuid: z.string(), label: z.string(), mode: z.int().describe('permission bits'), selinux: z.string().optional().describe('its label, where it has one') });
const kernel = z.object({ version: z.string(), image: z.string(), modules: z.string() });
const inPartition = z.string().optional().describe('the active partition whose first sector it lies in, started by other code in that of the disk');
const loader = z.discriminatedUnion('type', [
  z.object({ type: z.literal('grub-bios'), disk: z.string(), partition: inPartition, directory: z.string() }),
  z.object({ type: z.literal('lilo'), disk: z.string(), partition: inPartition }),
  z.object({ type: z.literal('extlinux'), disk: z.string(), directory: z.string().describe('where its ldlinux.sys lies') }),
  z.object({ type: z.literal('efi'), mount: z.string(), files: z.array(z.string()).describe('*.efi files, relative to the ESP') }),
]);
const firmwareEntry = z.object({ label: z.string(), partition: z.string().describe('PARTUUID of the ESP'), file: z.string().describe('path on the ESP, with backslashes'), arguments: z.string() });
const unsupported = z.object({ object: z.string(), what: z.string(), reason: z.string(), excluded: z.boolean() });

/** The whole survey; sizes in bytes, unless "sector" is said. */
export const surveySchema = z.object({
  version: z.literal(SURVEY_VERSION),
  created: z.string(),
  host: z.object({
    name: z.string(), os: z.string(), osId: z.string(), osVersion: z.string(), arch: z.string(),
    cpu: z.string(), cpus: z.int(), memoryBytes: z.int(), vendor: z.string(), product: z.string(),
  }),
  boot: z.object({ firmware: z.enum(['bios', 'uefi']), secureBoot: z.boolean().default(false).describe('booted with UEFI Secure Boot'), kernel, commandLine: z.string(), loaders: z.array(loader), entries: z.array(firmwareEntry).default([]).describe('boot entries of the firmware that start files on this machine, in their order') }),
  modules: z.array(z.string()),
  network: z.array(z.object({
    name: z.string(), mac: z.string(), driver: z.string(), addresses: z.array(z.string()).describe('with prefix length; those of a bond or bridge stand with its first card'),
    vlans: z.array(z.object({ id: z.int(), addresses: z.array(z.string()) })).default([]),
    path: z.string().optional().describe('where the card is, as a path below /sys/devices'),
  })),
  routes: z.array(z.object({ to: z.string(), via: z.string() })).default([]),
  nameServers: z.array(z.string()).default([]),
  searchDomains: z.array(z.string()).default([]),
  disks: z.array(disk),
  layers: z.array(z.discriminatedUnion('type', [raid, luks, group, btrfs])).default([]),
  fileSystems: z.array(fileSystem),
  swaps: z.array(swap),
  swapFiles: z.array(swapFile).default([]).describe('files used as swap: made anew, their content is nobody\'s'),
  images: z.array(image).default([]).describe('devices that are saved block by block'),
  unsupported: z.array(unsupported),
  configuration: z.record(z.string(), z.string()).default({}).describe('digests of the files that say how the machine starts: path to digest'),
});

export type Survey = z.output<typeof surveySchema>;
export type Disk = Survey['disks'][number];
export type PartitionTable = z.output<typeof table>;
export type Partition = PartitionTable['partitions'][number];
export type FileSystem = Survey['fileSystems'][number];
export type Quota = z.output<typeof quota>;
export type Layer = Survey['layers'][number];
export type RaidLayer = z.output<typeof raid>;
export type LuksLayer = z.output<typeof luks>;
export type VolumeGroup = z.output<typeof group>;
export type LogicalVolume = VolumeGroup['volumes'][number];
export type BtrfsLayer = z.output<typeof btrfs>;
export type DeviceImage = Survey['images'][number];
export type Swap = Survey['swaps'][number];
export type SwapFile = Survey['swapFiles'][number];
export type Kernel = z.output<typeof kernel>;
export type BootLoader = Survey['boot']['loaders'][number];
export type FirmwareEntry = z.output<typeof firmwareEntry>;
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

import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runTool } from '@cdrec/tool';
import type { FileSystem } from './schema.js';

type Parameters = FileSystem['parameters'];

/** What is in superblocks of ext2/3/4 only when somebody has set it: name in the survey, name in `dumpe2fs -h`, and the value that it has otherwise. */
const EXT_TUNABLES: readonly (readonly [string, string, string])[] = [
  ['clusterSize', 'Cluster size', ''], ['flexGroups', 'Flex block group size', '16'], ['stride', 'RAID stride', ''], ['stripeWidth', 'RAID stripe width', ''],
  ['errors', 'Errors behavior', 'Continue'], ['maxMounts', 'Maximum mount count', '-1'], ['checkInterval', 'Check interval', '0'],
  ['reservedUid', 'Reserved blocks uid', '0'], ['reservedGid', 'Reserved blocks gid', '0'], ['extendedOptions', 'Mount options', ''], ['hash', 'Default directory hash', 'half_md4'], ['mmpInterval', 'MMP update interval', '5'], ['journalDevice', 'Journal device', '0x0000'],
];

/** Blocks of the journal that mke2fs(8) makes by itself, by the blocks of the file system below which it does (e2fsprogs, ext2fs_default_journal_size). */
const EXT_JOURNALS: readonly (readonly [below: number, journal: number])[] = [[32_768, 1024], [262_144, 4096], [524_288, 8192], [4_194_304, 16_384], [8_388_608, 32_768], [16_777_216, 65_536], [33_554_432, 131_072], [Infinity, 262_144]];

/** Size of an internal journal in MiB ("64M", "1024k") where somebody chose it. */
function journalMiB(size: string, blocks: number, blockSize: number): string | undefined {
  const [, count, unit] = /^(\d+)([kM])$/.exec(size) ?? [];
  const bytes = Number(count ?? 0) * (unit === 'M' ? 1 << 20 : 1 << 10);
  const usual = (EXT_JOURNALS.find(([below]) => blocks < below)?.[1] ?? 0) * blockSize;
  return bytes > 0 && bytes !== usual && bytes % (1 << 20) === 0 ? String(bytes / (1 << 20)) : undefined;
}

/** What `mke2fs` and `tune2fs` need, from `dumpe2fs -h`. */
export function parseDumpe2fs(text: string): Parameters {
  const get = (key: string): string => new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const blocks = Number(get('Block count'));
  const reserved = Number(get('Reserved block count'));
  const options = get('Default mount options');
  // "0 (user root)", "2592000 (1 month)"
  // With blocks for fast commits in it, the size is mke2fs's own affair.
  const journal = /\bfast_commit\b/.test(get('Filesystem features')) ? undefined : journalMiB(get('Total journal size') || get('Journal size'), blocks, Number(get('Block size')));
  const tunables = EXT_TUNABLES.map(([name, key, usual]) => [name, name === 'extendedOptions' || name === 'errors' ? get(key) : get(key).split(' ')[0] ?? '', usual] as const);
  return {
    blockSize: get('Block size'),
    inodeSize: get('Inode size'),
    // States of the running file system, not properties of it.
    features: get('Filesystem features').split(/\s+/).filter((f) => !['needs_recovery', 'orphan_present', 'recover'].includes(f)).join(','),
    reservedPercent: blocks > 0 ? String(Number(((reserved / blocks) * 100).toFixed(3))) : '5',
    inodes: get('Inode count'),
    mountOptions: options === '(none)' ? '' : options.replace(/\s+/g, ','),
    ...(journal === undefined ? {} : { journalMiB: journal }),
    ...Object.fromEntries(tunables.filter(([, value, usual]) => value !== '' && value !== usual).map(([name, value]) => [name, value])),
  };
}

/** What `mkfs.xfs` needs, from `xfs_info`. */
export function parseXfsInfo(text: string): Parameters {
  const get = (key: string): string => new RegExp(`\\b${key}=(\\d+)`).exec(text)?.[1] ?? '';
  const meta = ['crc', 'finobt', 'sparse', 'rmapbt', 'reflink', 'bigtime', 'inobtcount', 'nrext64', 'exchange', 'parent'];
  const section = (name: string, key: string): string => new RegExp(`^${name}\\b[^]*?\\b${key}=(\\d+)`, 'm').exec(text)?.[1] ?? '';
  // Only what somebody has set: naming(4096, 0, 1), data(0, 0, 25).
  const set: readonly (readonly [string, string, string])[] = [['dirBlockSize', section('naming', 'bsize'), '4096'], ['asciiCi', section('naming', 'ascii-ci'), '0'], ['ftype', section('naming', 'ftype'), '1'], ['imaxpct', section('data', 'imaxpct'), '25'], ['stripeUnit', section('data', 'sunit'), '0'], ['stripeWidth', section('data', 'swidth'), '0']];
  const blockSize = /^data\s+=\s+bsize=(\d+)/m.exec(text)?.[1] ?? '4096';
  const bytes = (name: string, blocks: string): [string, string][] => (Number(blocks) > 0 ? [[name, String(Number(blocks) * Number(blockSize))]] : []);
  return {
    blockSize,
    inodeSize: get('isize'),
    sectorSize: get('sectsz'),
    ...Object.fromEntries([...bytes('agBytes', get('agsize')), ...bytes('logBytes', section('log', 'blocks')), ...bytes('logUnitBytes', section('log', 'sunit'))]),
    ...Object.fromEntries(set.filter(([, value, usual]) => value !== '' && value !== usual).map(([name, value]): [string, string] => [name, value])),
    ...Object.fromEntries(meta.map((key): [string, string] => [key, get(key)]).filter(([, value]) => value !== '')),
  };
}

/** Features of f2fs that mkfs.f2fs(8) can be told, by the names that sysfs has for them (Documentation/ABI/testing/sysfs-fs-f2fs). */
const F2FS_FEATURES: Readonly<Record<string, string>> = {
  encryption: 'encrypt', extra_attr: 'extra_attr', projquota: 'project_quota', inode_checksum: 'inode_checksum', flexible_inline_xattr: 'flexible_inline_xattr', quota_ino: 'quota', inode_crtime: 'inode_crtime', lost_found: 'lost_found', verity: 'verity', sb_checksum: 'sb_checksum', casefold: 'casefold', compression: 'compression',
};

/** What `mkfs.f2fs` needs, from the features in sysfs ("extra_attr, compression, pin_file"), of which utf8 is the one encoding there is; nothing where the kernel does not tell. */
export function parseF2fs(features: string): Parameters {
  const known = features.split(',').map((f) => F2FS_FEATURES[f.trim()]).filter((f) => f !== undefined);
  return { ...(known.length === 0 ? {} : { features: known.join(',') }), ...(known.includes('casefold') ? { encoding: 'utf8' } : {}) };
}

function readF2fs(device: string): string {
  try {
    return readFileSync(join('/sys/fs/f2fs', basename(realpathSync(device)), 'features'), 'utf8').trim();
  } catch {
    return ''; // an older kernel
  }
}

/** Where the superblock of f2fs has its devices, and how long each is: 64 bytes of path, 4 of segments, at most 8 (include/linux/f2fs_fs.h; the superblock begins at 1024). */
const F2FS_DEVICES = { offset: 1024 + 2201, bytes: 68, most: 8 };

/** Over how many devices an f2fs lies (mkfs.f2fs -c), from its superblock. */
export function f2fsDevices(device: string): number {
  const list = Buffer.alloc(F2FS_DEVICES.bytes * F2FS_DEVICES.most);
  const fd = openSync(device, 'r');
  try {
    readSync(fd, list, 0, list.length, F2FS_DEVICES.offset);
  } finally {
    closeSync(fd);
  }
  // One alone has no list.
  return Math.max(1, Array.from({ length: F2FS_DEVICES.most }, (_, i) => list[i * F2FS_DEVICES.bytes]).filter((first) => first !== 0).length);
}

/** Parameters with which mkfs makes the file system alike. */
export async function readParameters(type: FileSystem['type'], device: string, mount: string, version: string): Promise<Parameters> {
  switch (type) {
    case 'ext2': case 'ext3': case 'ext4':
      return parseDumpe2fs((await runTool('dumpe2fs', ['-h', device])).stdout);
    case 'xfs':
      return parseXfsInfo((await runTool('xfs_info', [mount])).stdout);
    case 'vfat':
      return { fatBits: /\d+/.exec(version)?.[0] ?? '32' };
    case 'f2fs': {
      const devices = f2fsDevices(device);
      return { ...parseF2fs(readF2fs(device)), ...(devices > 1 ? { devices: String(devices) } : {}) };
    }
    case 'jfs': case 'reiserfs': case 'exfat':
      return {};
    case 'btrfs': // in its layer: one for all subvolumes
      return {};
  }
}

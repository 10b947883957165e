import { runTool } from '@cdrec/tool';
import type { FileSystem } from './schema.js';

type Parameters = FileSystem['parameters'];

/** What `mke2fs` needs, from `dumpe2fs -h`. */
export function parseDumpe2fs(text: string): Parameters {
  const get = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const blocks = Number(get('Block count'));
  const reserved = Number(get('Reserved block count'));
  const options = get('Default mount options');
  return {
    blockSize: get('Block size'),
    inodeSize: get('Inode size'),
    // States of the running file system, not properties of it.
    features: get('Filesystem features').split(/\s+/).filter((f) => !['needs_recovery', 'orphan_present', 'recover'].includes(f)).join(','),
    reservedPercent: blocks > 0 ? String(Math.round((reserved / blocks) * 100)) : '5',
    inodes: get('Inode count'),
    mountOptions: options === '(none)' ? '' : options.replace(/\s+/g, ','),
  };
}

/** What `mkfs.xfs` needs, from `xfs_info`. */
export function parseXfsInfo(text: string): Parameters {
  const get = (key: string): string => new RegExp(`\\b${key}=(\\d+)`).exec(text)?.[1] ?? '';
  const meta = ['crc', 'finobt', 'sparse', 'rmapbt', 'reflink', 'bigtime', 'inobtcount', 'nrext64'];
  return {
    blockSize: /^data\s+=\s+bsize=(\d+)/m.exec(text)?.[1] ?? '4096',
    inodeSize: get('isize'),
    sectorSize: get('sectsz'),
    ...Object.fromEntries(meta.map((key): [string, string] => [key, get(key)]).filter(([, value]) => value !== '')),
  };
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
    case 'f2fs': case 'jfs': case 'reiserfs': case 'exfat':
      return {};
    case 'btrfs': // in its layer: one for all subvolumes
      return {};
  }
}

import type { FileSystem, Partition, PartitionTable, Survey, Swap } from '@cdrec/survey';
import { programsOfLayers } from './layers.js';

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Device node of a disk's partition: `sda1`, but `nvme0n1p1`; number 0 is the disk itself. */
export function partitionNode(disk: string, number: number): string {
  return number === 0 ? disk : `${disk}${/\d$/.test(disk) ? 'p' : ''}${String(number)}`;
}

/** Whether a partition is an extended one, which holds the logical ones and nothing else (MBR types 05, 0f, 85). */
export const isExtended = (p: Pick<Partition, 'type'>): boolean => ['5', 'f', '85', '0f', '05'].includes(p.type.toLowerCase());

/** Input for sfdisk(8) that makes the same table, with the same ids, on a disk of the same or a larger size. */
export function sfdiskScript(table: PartitionTable): string {
  const head = [`label: ${table.type}`, `label-id: ${table.id}`, 'unit: sectors'];
  if (table.type === 'gpt' && table.tableLength !== undefined && table.tableLength !== 128) head.push(`table-length: ${String(table.tableLength)}`);
  if (table.firstLba !== undefined && table.type === 'gpt') head.push(`first-lba: ${String(table.firstLba)}`);
  // By number: the extended partition comes before the logical ones.
  const lines = [...table.partitions].sort((a, b) => a.number - b.number).map((p) => {
    const fields = [`start=${String(p.start)}`, `size=${String(p.sectors)}`, `type=${p.type}`];
    if (p.uuid !== undefined && table.type === 'gpt') fields.push(`uuid=${p.uuid}`);
    if (p.name !== undefined) fields.push(`name="${p.name.replaceAll('"', '')}"`);
    if (p.attrs !== undefined) fields.push(`attrs="${p.attrs}"`);
    if (p.bootable) fields.push('bootable');
    return `${String(p.number)} : ${fields.join(', ')}`;
  });
  return [...head, '', ...lines, ''].join('\n');
}

/** Commands that make a file system alike: type, UUID, label, features. */
export function mkfsCommands(fs: FileSystem, device: string): Command[] {
  const p = fs.parameters;
  switch (fs.type) {
    case 'ext2': case 'ext3': case 'ext4': {
      const args = ['-q', '-F', '-t', fs.type, '-U', fs.uuid, ...(fs.label === '' ? [] : ['-L', fs.label])];
      if (p['blockSize']) args.push('-b', p['blockSize']);
      if (p['inodeSize']) args.push('-I', p['inodeSize']);
      if (p['reservedPercent']) args.push('-m', p['reservedPercent']);
      if (p['inodes']) args.push('-N', p['inodes']);
      if (p['features']) args.push('-O', `none,${p['features']}`);
      const out: Command[] = [['mke2fs', ...args, device]];
      if (p['mountOptions'] && p['mountOptions'] !== 'user_xattr,acl') out.push(['tune2fs', '-o', p['mountOptions'], device]);
      return out;
    }
    case 'xfs': {
      const meta = ['crc', 'finobt', 'rmapbt', 'reflink', 'bigtime', 'inobtcount'].filter((k) => p[k] !== undefined).map((k) => `${k}=${p[k] as string}`);
      const inode = [`size=${p['inodeSize'] ?? '512'}`, ...['sparse', 'nrext64'].filter((k) => p[k] !== undefined).map((k) => `${k}=${p[k] as string}`)];
      return [['mkfs.xfs', '-q', '-f', ...(fs.label === '' ? [] : ['-L', fs.label]), '-b', `size=${p['blockSize'] ?? '4096'}`, '-i', inode.join(','), '-m', [...meta, `uuid=${fs.uuid}`].join(','), device]];
    }
    case 'vfat':
      return [['mkfs.vfat', '-F', p['fatBits'] ?? '32', ...(p['sectorsPerCluster'] ? ['-s', p['sectorsPerCluster']] : []), '-i', fs.uuid.replace('-', ''), ...(fs.label === '' ? [] : ['-n', fs.label]), device]];
    case 'f2fs':
      return [['mkfs.f2fs', '-f', '-q', ...(fs.label === '' ? [] : ['-l', fs.label]), '-U', fs.uuid, '-O', 'extra_attr,inode_checksum,sb_checksum,inode_crtime', device]];
    case 'jfs':
      return [['mkfs.jfs', '-q', ...(fs.label === '' ? [] : ['-L', fs.label]), device], ['jfs_tune', '-U', fs.uuid, device]];
    case 'reiserfs':
      return [['mkreiserfs', '-q', '-f', '-f', '-u', fs.uuid, ...(fs.label === '' ? [] : ['-l', fs.label]), device]];
    case 'exfat':
      return [['mkfs.exfat', ...(fs.label === '' ? [] : ['-L', fs.label]), device], ['exfatlabel', '-i', device, `0x${fs.uuid.replace('-', '')}`]];
    case 'btrfs': // made once for all of its subvolumes, by its layer
      return [];
  }
}

/** Command that makes a swap area with its UUID and label. */
export function mkswapCommand(swap: Swap, device: string): Command {
  return ['mkswap', '-U', swap.uuid, ...(swap.label === '' ? [] : ['-L', swap.label]), device];
}

/** What writes an image from standard input onto a device of at least its size. */
export function imageWriter(method: string, device: string): Command {
  if (method === 'ntfsclone') return ['ntfsclone', '--restore-image', '--overwrite', device, '-'];
  // Zeros are written too: nobody knows what the new disk holds.
  if (method === 'dd') return ['dd', `of=${device}`, 'bs=1M', 'iflag=fullblock', 'conv=fsync', 'status=none'];
  return ['partclone.restore', '--source', '-', '--output', device, '--logfile', '/dev/null'];
}

/** Programs that restoring this survey runs: they must be in the rescue system. */
export function neededPrograms({ disks, layers, fileSystems, swaps, images }: Pick<Survey, 'disks' | 'layers' | 'fileSystems' | 'swaps' | 'images'>): string[] {
  const all = [...fileSystems.flatMap((f) => mkfsCommands(f, '')), ...swaps.map((s) => mkswapCommand(s, '')), ...images.map((i) => imageWriter(i.method, ''))].map(([program]) => program);
  return [...new Set([...all, ...programsOfLayers(layers), ...(disks.some((d) => d.used && d.table !== undefined) ? ['sfdisk', 'partx'] : [])])];
}

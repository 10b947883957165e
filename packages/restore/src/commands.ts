import type { FileSystem, Partition, PartitionTable, Survey, Swap } from '@cdrec/survey';
import { programsOfLayers } from './layers.js';
import { quotaOptions, quotaProgram } from './quotas.js';

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

/** Commands that make an ext2/3/4 alike, with what tune2fs(8) had set. */
function extCommands(fs: FileSystem, device: string): Command[] {
  const p = fs.parameters;
  const args = ['-q', '-F', '-t', fs.type, '-U', fs.uuid, ...(fs.label === '' ? [] : ['-L', fs.label])];
  const given = (flag: string, value: string | undefined): string[] => (value === undefined || value === '' ? [] : [flag, value]);
  const extended = [['stride', p['stride']], ['stripe_width', p['stripeWidth']], ['mmp_update_interval', p['mmpInterval']]].flatMap(([k, v]) => (v === undefined ? [] : [`${String(k)}=${v}`]));
  args.push(...given('-b', p['blockSize']), ...given('-C', p['clusterSize']), ...given('-G', p['flexGroups']), ...given('-I', p['inodeSize']), ...given('-m', p['reservedPercent']), ...given('-N', p['inodes']), ...given('-J', p['journalMiB'] === undefined ? undefined : `size=${p['journalMiB']}`), ...given('-E', extended.join(',')));
  if (p['features']) args.push('-O', `none,${p['features']}`);
  const errors = { 'Remount read-only': 'remount-ro', Panic: 'panic' }[p['errors'] ?? ''];
  const tune = [
    ...(p['mountOptions'] === undefined || p['mountOptions'] === 'user_xattr,acl' ? [] : ['-o', p['mountOptions'] || '^user_xattr,^acl']), ...given('-e', errors), ...given('-c', p['maxMounts']), ...given('-i', p['checkInterval'] === undefined ? undefined : `${p['checkInterval']}s`),
    ...given('-u', p['reservedUid']), ...given('-g', p['reservedGid']), ...given('-E', [...(p['extendedOptions'] === undefined ? [] : [`mount_opts=${p['extendedOptions']}`]), ...(p['hash'] === undefined ? [] : [`hash_alg=${p['hash']}`])].join(',')),
  ];
  return [['mke2fs', ...args, device], ...(tune.length === 0 ? [] : [['tune2fs', ...tune, device] as const])];
}

/** mkfs.xfs refuses less than 300 MiB, a log of less than 64 MiB, or one group alone since 5.19, unless it is told so; older ones do not know the word. Once such a file system was made, and it must come back. */
const URGED = '"$@" 2> /dev/null || { p=$1; shift; exec "$p" --unsupported "$@"; }';
const SMALL_XFS = 400 << 20;
const SMALL_LOG = 64 << 20;
/** A command as a person knows it: what is run, without the shell that may run it twice. */
export const named = (command: Command): Command => (command[0] === 'bash' && command[2] === URGED ? command.slice(4) as unknown as Command : command);

/** Command that makes an xfs alike, with its geometry: mkfs.xfs(8) takes the stripe unit in bytes, its width in units; xfs_info says both in blocks. */
function xfsCommand(fs: FileSystem, device: string): Command {
  const p = fs.parameters;
  const block = p['blockSize'] ?? '4096';
  const list = (flag: string, values: readonly string[]): string[] => (values.length === 0 ? [] : [flag, values.join(',')]);
  const keys = (...names: string[]): string[] => names.filter((k) => p[k] !== undefined).map((k) => `${k}=${p[k] as string}`);
  const inode = [`size=${p['inodeSize'] ?? '512'}`, ...keys('sparse', 'nrext64', 'exchange'), ...(p['imaxpct'] === undefined ? [] : [`maxpct=${p['imaxpct']}`])];
  const unit = Number(p['stripeUnit'] ?? '0');
  const stripes = unit === 0 ? [] : [`su=${String(unit * Number(block))}`, `sw=${String(Math.max(1, Math.round(Number(p['stripeWidth'] ?? unit) / unit)))}`];
  const data = [...stripes, ...(p['agBytes'] === undefined ? [] : [`agsize=${p['agBytes']}`])];
  const log = [...(p['logBytes'] === undefined ? [] : [`size=${p['logBytes']}`]), ...(p['logUnitBytes'] === undefined ? [] : [`su=${p['logUnitBytes']}`])];
  // Sectors of 512 bytes are what mkfs.xfs takes where the disk has them.
  const sector = Number(p['sectorSize'] ?? '512') > 512 ? ['-s', `size=${p['sectorSize'] as string}`] : [];
  const naming = [...(p['dirBlockSize'] === undefined ? [] : [`size=${p['dirBlockSize']}`]), ...(p['asciiCi'] === '1' ? ['version=ci'] : []), ...keys('ftype', 'parent')];
  const meta = [...keys('crc', 'finobt', 'rmapbt', 'reflink', 'bigtime', 'inobtcount'), `uuid=${fs.uuid}`];
  const made: Command = ['mkfs.xfs', '-q', '-f', ...(fs.label === '' ? [] : ['-L', fs.label]), '-b', `size=${block}`, '-i', inode.join(','), ...sector, ...list('-d', data), ...list('-l', log), ...list('-n', naming), '-m', meta.join(','), device];
  return fs.bytes < SMALL_XFS || Number(p['logBytes'] ?? SMALL_LOG) < SMALL_LOG || Number(p['agBytes'] ?? '0') >= fs.bytes ? ['bash', '-c', URGED, 'bash', ...made] : made;
}

/** Commands that make a file system alike: type, UUID, label, features, tunables. */
export function mkfsCommands(fs: FileSystem, device: string): Command[] {
  const p = fs.parameters;
  // dosfstools and exfatprogs convert labels from the locale's characters, and give up at those of others: better a file system without one.
  const ascii = /^[ -~]+$/.test(fs.label);
  switch (fs.type) {
    case 'ext2': case 'ext3': case 'ext4':
      return extCommands(fs, device);
    case 'xfs':
      return [xfsCommand(fs, device)];
    case 'vfat':
      // -I: on a whole disk too.
      return [['mkfs.vfat', '-I', '-F', p['fatBits'] ?? '32', ...(p['sectorsPerCluster'] ? ['-s', p['sectorsPerCluster']] : []), '-i', fs.uuid.replace('-', ''), ...(ascii ? ['-n', fs.label] : []), device]];
    case 'f2fs':
      return [['mkfs.f2fs', '-f', '-q', ...(fs.label === '' ? [] : ['-l', fs.label]), '-U', fs.uuid, ...(p['encoding'] === undefined ? [] : ['-C', p['encoding']]), '-O', p['features'] ?? 'extra_attr,inode_checksum,sb_checksum,inode_crtime', device]];
    case 'jfs':
      return [['mkfs.jfs', '-q', ...(fs.label === '' ? [] : ['-L', fs.label]), device], ['jfs_tune', '-U', fs.uuid, device]];
    case 'reiserfs':
      return [['mkreiserfs', '-q', '-f', '-f', '-u', fs.uuid, ...(fs.label === '' ? [] : ['-l', fs.label]), device]];
    case 'exfat':
      return [['mkfs.exfat', ...(ascii ? ['-L', fs.label] : []), device], ['exfatlabel', '-i', device, `0x${fs.uuid.replace('-', '')}`]];
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
export function neededPrograms({ disks, layers, fileSystems, swaps, swapFiles, images }: Pick<Survey, 'disks' | 'layers' | 'fileSystems' | 'swaps' | 'swapFiles' | 'images'>): string[] {
  const all = [...fileSystems.flatMap((f) => mkfsCommands(f, '').map(named)), ...swaps.map((s) => mkswapCommand(s, '')), ...images.map((i) => imageWriter(i.method, ''))].map(([program]) => program);
  return [...new Set([...all, ...programsOfLayers(layers), ...fileSystems.filter((f) => quotaOptions(f) !== undefined).map((f) => quotaProgram(f.type)), ...(swapFiles.length > 0 ? ['mkswap', 'fallocate', 'dd', 'chattr'] : []), ...(disks.some((d) => d.used && d.table !== undefined) ? ['sfdisk', 'partx'] : [])])];
}

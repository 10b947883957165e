import type { DeviceImage, FileSystem, Survey } from '@cdrec/survey';
import { AGE_SUFFIX, compressStage, encryptStage, suffixOf, type ChainStage, type Compressor } from '@cdrec/tool';
import { rulesOf, type Rules } from './rules.js';
import { createArguments } from './tar-arguments.js';

/** How backups are made. */
export interface BackupOptions {
  readonly compress: Compressor;
  /** Compression level; the compressor's usual one for `undefined`. */
  readonly level?: number;
  /** Threads of the compressor; 0: one per processor. */
  readonly threads: number;
  /** Recipients of age; none: the archives are not encrypted. */
  readonly recipients: readonly string[];
  readonly rules: Rules;
  /** Save the headers of encrypted volumes. */
  readonly luksHeaders?: boolean;
  /** PATH in which programs are looked for. */
  readonly path: string;
}

/** One file system to be archived: what is known of it beforehand, and the programs that write it. */
export interface BackupItem {
  readonly meta: {
    readonly name: string; readonly kind: 'tar' | 'image' | 'flags' | 'index' | 'luks-header'; readonly method?: string; readonly compress: Compressor; readonly encrypt?: 'age';
    readonly mount: string; readonly device: string; readonly fsType: string; readonly fsUuid: string;
  };
  /** Bytes in use when the survey was made: what the progress is measured against. */
  readonly usedBytes: number;
  /** Arguments of tar; none for an image. */
  readonly arguments: readonly string[];
  /** What writes an image of the device to standard output. */
  readonly image?: ChainStage;
  /** Programs that the stream passes before it is stored: compressor, encryption. */
  readonly filters: readonly ChainStage[];
}

/** File name of an archive: device and mount point, readable by a person (`sda2._home.tar.zst`). */
export function archiveName(fs: Pick<FileSystem, 'device' | 'mount'>, compress: Compressor, encrypted: boolean): string {
  return `${fs.device.split('/').at(-1) as string}.${fs.mount.replaceAll('/', '_')}.tar${suffixOf(compress)}${encrypted ? AGE_SUFFIX : ''}`;
}

/** cryptsetup writes a header into a file only: one in memory, which is gone afterwards however it ends. */
const HEADER = 'd=$(mktemp -d -p /dev/shm) && trap \'rm -rf "$d"\' EXIT && cryptsetup luksHeaderBackup "$1" --header-backup-file "$d/h" && cat "$d/h"';

/** The program that writes an image of a device to standard output: blocks in use where it knows the file system. */
export function imageStage(image: Pick<DeviceImage, 'device' | 'method'>): ChainStage {
  if (image.method === 'ntfsclone') return { program: 'ntfsclone', args: ['--save-image', '--output', '-', image.device] };
  if (image.method === 'dd') return { program: 'dd', args: [`if=${image.device}`, 'bs=1M', 'status=none'] };
  return { program: image.method, args: ['--clone', '--source', image.device, '--output', '-', '--logfile', '/dev/null'] };
}

/** What will be archived, in mount order (parents before children). Pure: nothing is run. */
export function planBackup(survey: Survey, options: BackupOptions): BackupItem[] {
  const compressor = compressStage(options.compress, options.level, options.threads, options.path);
  const encrypt = options.recipients.length > 0;
  const filters = [...(compressor === undefined ? [] : [compressor]), ...(encrypt ? [encryptStage(options.recipients)] : [])];
  const images = survey.images.map((image): BackupItem => ({
    meta: {
      name: `${image.device.split('/').at(-1) as string}.${image.type === '' ? '' : `${image.type}.`}img${suffixOf(options.compress)}${encrypt ? AGE_SUFFIX : ''}`, kind: 'image', method: image.method, compress: options.compress, ...(encrypt ? { encrypt: 'age' as const } : {}),
      mount: '', device: image.device, fsType: image.type, fsUuid: image.uuid,
    },
    usedBytes: image.bytes, arguments: [], image: imageStage(image), filters,
  }));
  const headers = survey.layers.flatMap((l): BackupItem[] => (l.type !== 'luks' || options.luksHeaders !== true ? [] : [{
    meta: {
      name: `${l.on.split('/').at(-1) as string}.luks-header${suffixOf(options.compress)}${encrypt ? AGE_SUFFIX : ''}`, kind: 'luks-header', compress: options.compress, ...(encrypt ? { encrypt: 'age' as const } : {}),
      mount: '', device: l.on, fsType: 'crypto_LUKS', fsUuid: l.uuid,
    },
    usedBytes: 16 << 20, arguments: [], image: { program: 'bash', label: 'cryptsetup', args: ['-c', HEADER, 'bash', l.on] }, filters,
  }]));
  // Subvolumes of one device at /a/b and /a_b would have one name.
  const names = new Map<string, number>();
  const unique = (name: string): string => {
    const n = (names.get(name) ?? 0) + 1;
    names.set(name, n);
    return n === 1 ? name : name.replace(/\.tar(?=\.|$)/, `.${String(n)}.tar`);
  };
  return [...headers, ...[...survey.fileSystems].sort((a, b) => (a.mount < b.mount ? -1 : 1)).map((fs): BackupItem => ({
    meta: {
      name: unique(archiveName(fs, options.compress, encrypt)), kind: 'tar', compress: options.compress, ...(encrypt ? { encrypt: 'age' as const } : {}),
      mount: fs.mount, device: fs.device, fsType: fs.type, fsUuid: fs.uuid,
    },
    usedBytes: fs.usedBytes,
    arguments: createArguments(fs.type, rulesOf(fs.mount, options.rules)),
    filters,
  })), ...images];
}

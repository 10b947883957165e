import type { FileSystem, Survey } from '@cdrec/survey';
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
  /** PATH in which programs are looked for. */
  readonly path: string;
}

/** One file system to be archived: what is known of it beforehand, and the programs that write it. */
export interface BackupItem {
  readonly meta: {
    readonly name: string; readonly kind: 'tar'; readonly compress: Compressor; readonly encrypt?: 'age';
    readonly mount: string; readonly device: string; readonly fsType: string; readonly fsUuid: string;
  };
  /** Bytes in use when the survey was made: what the progress is measured against. */
  readonly usedBytes: number;
  /** Arguments of tar. */
  readonly arguments: readonly string[];
  /** Programs that the stream passes before it is stored: compressor, encryption. */
  readonly filters: readonly ChainStage[];
}

/** File name of an archive: device and mount point, readable by a person (`sda2._home.tar.zst`). */
export function archiveName(fs: Pick<FileSystem, 'device' | 'mount'>, compress: Compressor, encrypted: boolean): string {
  return `${fs.device.split('/').at(-1) as string}.${fs.mount.replaceAll('/', '_')}.tar${suffixOf(compress)}${encrypted ? AGE_SUFFIX : ''}`;
}

/** What will be archived, in mount order (parents before children). Pure: nothing is run. */
export function planBackup(survey: Survey, options: BackupOptions): BackupItem[] {
  const compressor = compressStage(options.compress, options.level, options.threads, options.path);
  const encrypt = options.recipients.length > 0;
  const filters = [...(compressor === undefined ? [] : [compressor]), ...(encrypt ? [encryptStage(options.recipients)] : [])];
  return [...survey.fileSystems].sort((a, b) => (a.mount < b.mount ? -1 : 1)).map((fs) => ({
    meta: {
      name: archiveName(fs, options.compress, encrypt), kind: 'tar', compress: options.compress, ...(encrypt ? { encrypt: 'age' as const } : {}),
      mount: fs.mount, device: fs.device, fsType: fs.type, fsUuid: fs.uuid,
    },
    usedBytes: fs.usedBytes,
    arguments: createArguments(fs.type, rulesOf(fs.mount, options.rules)),
    filters,
  }));
}

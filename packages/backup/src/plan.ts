import type { FileSystem, Survey } from '@cdrec/survey';
import { createArguments } from './tar-arguments.js';

/** How backups are made. */
export interface BackupOptions {
  readonly compress: 'zstd' | 'gzip' | 'none';
  readonly level: number;
  /** Absolute paths to leave out, in the sense of `excludeArguments`. */
  readonly exclude: readonly string[];
}

/** One file system to be archived: what is known of it beforehand, and the arguments for tar. */
export interface BackupItem {
  readonly meta: {
    readonly name: string; readonly kind: 'tar'; readonly compress: 'zstd' | 'gzip' | 'none';
    readonly mount: string; readonly device: string; readonly fsType: string; readonly fsUuid: string;
  };
  /** Bytes in use when the survey was made: what the progress is measured against. */
  readonly usedBytes: number;
  readonly tarArguments: readonly string[];
}

const SUFFIX = { zstd: '.tar.zst', gzip: '.tar.gz', none: '.tar' } as const;

/** File name of an archive: device and mount point, readable by a person (`sda2._home.tar.zst`). */
export function archiveName(fs: Pick<FileSystem, 'device' | 'mount'>, compress: BackupOptions['compress']): string {
  return `${fs.device.split('/').at(-1) as string}.${fs.mount.replaceAll('/', '_')}${SUFFIX[compress]}`;
}

/** What will be archived, in mount order (parents before children). Pure: nothing is run. */
export function planBackup(survey: Survey, options: BackupOptions): BackupItem[] {
  const compressor = { zstd: `zstd -q -${String(options.level)} -T0`, gzip: `gzip -n -${String(Math.min(options.level, 9))}`, none: '' }[options.compress];
  return [...survey.fileSystems].sort((a, b) => (a.mount < b.mount ? -1 : 1)).map((fs) => ({
    meta: { name: archiveName(fs, options.compress), kind: 'tar', compress: options.compress, mount: fs.mount, device: fs.device, fsType: fs.type, fsUuid: fs.uuid },
    usedBytes: fs.usedBytes,
    tarArguments: createArguments(fs.mount, fs.type, compressor, options.exclude),
  }));
}

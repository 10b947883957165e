import { CdrecError } from '@cdrec/tool';

/** What a tar run amounts to. */
export interface TarVerdict {
  /** Bytes of the uncompressed archive, from --totals. */
  readonly contentBytes: number;
  /** Files that could not be read, vanished or changed: the archive is complete but for these. */
  readonly exceptions: readonly string[];
  /** Remarks that lose nothing (sockets are made anew by their servers). */
  readonly notes: readonly string[];
}

const NOISE = /Exiting with failure status due to previous errors|Removing leading|^Total bytes/;

/**
 * Judges exit status and messages of GNU tar (info "tar", Return codes: 1 = some files differ, 2 = fatal; 2 is also
 * given for unreadable files, after which tar goes on).
 * @throws CdrecError TAR_FAILED when the archive is not complete
 */
export function judgeTar(status: number | undefined, stderr: string, what: string): TarVerdict {
  const lines = stderr.split('\n').map((l) => l.trim()).filter((l) => l !== '');
  const said = lines.map((l) => l.replace(/^(?:\S*\/)?tar: /, ''));
  const total = /^Total bytes (?:written|read): (\d+)/m.exec(stderr)?.[1];
  const fatal = said.find((l) => /not recoverable|exiting now|Child (?:returned status|died with signal)/.test(l));
  if (status === undefined || status > 2 || fatal !== undefined || total === undefined) {
    throw new CdrecError('TAR_FAILED', `tar failed on ${what} (status ${String(status)}): ${said.filter((l) => !NOISE.test(l)).slice(-5).join('; ') || 'no message'}`);
  }
  const notes = said.filter((l) => l.endsWith("socket ignored"));
  const exceptions = said.filter((l) => !l.endsWith("socket ignored") && !NOISE.test(l));
  if (status !== 0 && exceptions.length === 0) exceptions.push(`tar ended with status ${String(status)} on ${what} without naming a file`);
  return { contentBytes: Number(total), exceptions: status === 0 ? [] : exceptions, notes };
}

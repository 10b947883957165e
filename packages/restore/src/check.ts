import type { ChainStage } from '@cdrec/tool';
import { hasUnixMetadata } from '@cdrec/survey';
import { feed, type StoredAs } from './extract.js';

/** How restored files compare with the archive they came from. */
export interface Checked {
  /** Members of the archive that were compared. */
  readonly entries: number;
  /** Paths on the machine, each with what differs. */
  readonly differences: readonly string[];
}

/** What GNU tar says of a member that differs (src/compare.c), behind its name. */
const DIFFERS = /: (Contents differ|Size differs|Mod time differs|Mode differs|Uid differs|Gid differs|Symlink differs|File type differs|Device number differs|Not linked to .*|Archive contains .*|Multi-volume .*)$/;
/** FAT keeps neither owners nor modes, and times to two seconds. */
const UNIX_ONLY = /: (Mod time differs|Mode differs|Uid differs|Gid differs)$/;

const compareStage = (directory: string): ChainStage => ({
  // Status 1 says that files differ, 2 that the archive could not be read.
  program: 'bash', label: 'tar', args: ['-c', 'tar --compare --verbose --file=- --blocking-factor=128 --numeric-owner --quoting-style=escape --directory="$1"; [ $? -le 1 ]', 'bash', directory],
});

/**
 * Compares what lies in a directory with the archive it was unpacked from, by GNU tar: content, type, mode, owner, time, links,
 * device numbers. `mount`: where the directory belongs on the machine.
 * @throws CdrecError EXTRACT_FAILED; whatever the source throws
 */
export async function checkFiles(source: AsyncIterable<Uint8Array>, as: StoredAs, where: { readonly directory: string; readonly mount: string; readonly fsType: string; readonly what: string }): Promise<Checked> {
  let entries = 0;
  const differences: string[] = [];
  const prefix = where.mount === '/' ? '' : where.mount;
  const add = (line: string): void => {
    if (!hasUnixMetadata(where.fsType) && UNIX_ONLY.test(line)) return;
    differences.push(`${prefix}${line.replace(/^\.(?=\/)/, '')}`);
  };
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (DIFFERS.test(line)) add(line);
      else entries++;
    }
  };
  const said = await feed(source, as, compareStage(where.directory), where.what, (chunk) => { take(chunk.toString('latin1')); });
  for (const line of said.split('\n')) {
    const match = /^tar: (\.\/.*?): (?:Warning: )?(Cannot (?:stat|open|read(?:link)?).*)$/.exec(line);
    if (match !== null) add(`${match[1] as string}: ${match[2] as string}`);
  }
  return { entries, differences };
}

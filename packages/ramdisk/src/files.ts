import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { libraryClosure, type FileTree } from '@cdrec/closure';
import { CdrecError } from '@cdrec/tool';

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

function isElf(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4);
    return readSync(fd, head, 0, 4, 0) === 4 && head.equals(ELF);
  } finally {
    closeSync(fd);
  }
}

/** Regular files (and links to such) at a path and below it. */
function filesBelow(path: string): string[] {
  const real = realpathSync(path);
  const stat = lstatSync(real);
  if (stat.isFile()) return [path];
  if (!stat.isDirectory()) return [];
  return readdirSync(real, { withFileTypes: true }).flatMap((e) => {
    const full = join(path, e.name);
    return e.isDirectory() ? filesBelow(full) : (e.isFile() || e.isSymbolicLink()) && existsSync(full) && lstatSync(realpathSync(full)).isFile() ? [full] : [];
  });
}

/**
 * Adds files and directories of the host at their own places, with the libraries of the binaries among them. What the
 * rescue system has of its own (/etc/passwd...) stays as it is. Returns warnings: paths that are not there.
 * @throws CdrecError LIBRARY_MISSING, RESCUE_TOO_LARGE; RESCUE_FILES for a path that would take the kernel's file systems along
 */
export async function addFiles(tree: FileTree, paths: readonly string[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const path of paths) {
    if (/^\/(proc|sys|dev|run)?\/*$/.test(path) || /^\/(proc|sys|dev)\//.test(path)) throw new CdrecError('RESCUE_FILES', `rescue.files: ${path} cannot be taken along`, { hint: 'name files or directories of a disk' });
    if (!existsSync(path)) {
      warnings.push(`${path} (rescue.files) is not there`);
      continue;
    }
    const files = filesBelow(path);
    if (files.length === 0 && lstatSync(realpathSync(path)).isDirectory()) tree.addDir(path);
    for (const file of files) tree.addHostFile(file, 'files');
    const binaries = files.map((f) => realpathSync(f)).filter((f) => isElf(f));
    for (const library of await libraryClosure([...new Set(binaries)])) tree.addHostFile(library, 'libraries');
  }
  return warnings;
}

/**
 * Those of the paths that are there, each file or directory once: where /usr is merged, /lib and /usr/lib are one place, elsewhere
 * (Debian 11 and before, if it was ever upgraded) each has its own part. Of two names of one thing the last one counts.
 */
export function existing(paths: readonly string[]): string[] {
  return [...new Map(paths.filter((p) => existsSync(p)).map((p) => [realpathSync(p), p])).values()];
}

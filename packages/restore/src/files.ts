import { unquoteName } from '@cdrec/tool';
import { feed, type StoredAs } from './extract.js';

/** Whether an archive is a file system with its files: a tar stream, or a tree that an engine keeps. */
export const holdsFiles = (a: { readonly kind: string }): boolean => a.kind === 'tar' || a.kind === 'tree';

/** The archive of files that holds `path`: the one with the longest mount point above it. */
export function archiveOf<T extends { readonly kind: string; readonly mount: string }>(archives: readonly T[], path: string): T | undefined {
  const above = (mount: string): boolean => mount === '/' || path === mount || path.startsWith(`${mount}/`);
  return archives.filter((a) => holdsFiles(a) && above(a.mount)).sort((a, b) => b.mount.length - a.mount.length)[0];
}

/** A path of the machine as the member of an archive: `/home/x/y` in that of /home is `./x/y`. */
export function memberOf(mount: string, path: string): string {
  const rest = path.slice(mount === '/' ? 0 : mount.length).replace(/^\/+|\/+$/g, '');
  return rest === '' ? '.' : `./${rest}`;
}

/** The path on the machine of a member. */
export function pathOf(mount: string, member: string): string {
  const rest = member.replace(/^\.\/?/, '').replace(/\/$/, '');
  return rest === '' ? mount : `${mount === '/' ? '' : mount}/${rest}`;
}

/**
 * A pattern for paths as people type it: without a slash it is that of a name, else that of the whole path; `*` and `?`
 * match no slash, `**` does.
 */
export function matcher(pattern: string): (path: string) => boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*\*|\*|\?/g, (m) => (m === '**' ? '.*' : m === '*' ? '[^/]*' : '[^/]'));
  const expression = new RegExp(pattern.includes('/') ? `^${source}$` : `(^|/)${source}$`, 's');
  return (path) => expression.test(path);
}

/** Cuts what comes into lines and tells each, without its end. */
function eachLine(tell: (line: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    let at = 0;
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, at)) {
      tell(text.subarray(at, end));
      at = end + 1;
    }
    rest = Buffer.from(text.subarray(at));
  };
}

/**
 * Lists the members of a stored archive, which is read and verified to its end; names are told as they come. A name with a newline
 * comes as two.
 * @throws CdrecError EXTRACT_FAILED; whatever the source throws
 */
export async function listArchive(source: AsyncIterable<Uint8Array>, as: StoredAs, what: string, onMember: (name: string) => void): Promise<void> {
  await feed(source, as, { program: 'tar', args: ['--list', '--file=-', '--quoting-style=literal', '--blocking-factor=128'] }, what, eachLine((line) => { onMember(line.toString('utf8')); }));
}

/**
 * Lists the members of an archive from its index, an archive of `kind` `index`: the archive itself is not read.
 * @throws CdrecError EXTRACT_FAILED; whatever the source throws
 */
export async function listIndex(source: AsyncIterable<Uint8Array>, as: StoredAs, what: string, onMember: (name: string) => void): Promise<void> {
  await feed(source, as, { program: 'cat', args: [] }, what, eachLine((line) => { onMember(unquoteName(line).toString('utf8')); }));
}

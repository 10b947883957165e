import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expand } from './adapt.js';
import { REFERENCE_FILES } from './references.js';

/** A mounted subvolume of a btrfs by the number that it had, which a new file system gives in an order of its own. */
export interface NumberedSubvolume { readonly uuid: string; readonly label: string; readonly mount: string; readonly id: number; readonly path: string }

/** Mount options without numbers of subvolumes: with a path beside it the number goes (the kernel refuses a pair that does not belong together), alone it becomes the path. */
function byPath(options: string, of: (id: number) => NumberedSubvolume | undefined): string {
  const list = options.split(',');
  const number = list.find((o) => /^subvolid=(0x)?[0-9a-f]+$/i.test(o));
  const id = Number(number?.slice('subvolid='.length));
  // 0 and 5 are the top of any file system (btrfs(5)).
  if (number === undefined || id === 0 || id === 5) return options;
  if (list.some((o) => o.startsWith('subvol='))) return list.filter((o) => o !== number).join(',');
  const subvolume = of(id);
  return subvolume === undefined ? options : list.map((o) => (o === number ? `subvol=/${subvolume.path}` : o)).join(',');
}

/** Rewrites numbers of subvolumes in the text of an fstab. Pure. */
export function fstabByPath(text: string, subvolumes: readonly NumberedSubvolume[]): string {
  return text.split('\n').map((line) => line.replace(/^(\s*([^#\s]\S*)\s+(\S+)\s+btrfs\s+)(\S+)/, (_, head: string, source: string, mount: string, options: string) => {
    const own = subvolumes.filter((s) => source === `UUID=${s.uuid}` || source === `LABEL=${s.label}` || s.mount === mount);
    return head + byPath(options, (id) => [...own, ...subvolumes].find((s) => s.id === id));
  })).join('\n');
}

/** Rewrites numbers of subvolumes in kernel command lines (`rootflags=`). Pure. */
export function commandLineByPath(text: string, subvolumes: readonly NumberedSubvolume[]): string {
  const root = subvolumes.find((s) => s.mount === '/');
  return text.replace(/\brootflags=([\w=,@/.:+-]+)/g, (_, options: string) => `rootflags=${byPath(options, (id) => (root?.id === id ? root : undefined))}`);
}

/** Puts paths in the place of numbers of subvolumes in the restored system's files. Returns what was changed, a line each. */
export function rewriteSubvolumeIds(root: string, subvolumes: readonly NumberedSubvolume[]): string[] {
  const said: string[] = [];
  const rewrite = (path: string, change: (text: string) => string): void => {
    const text = readFileSync(join(root, path), 'latin1');
    const now = change(text);
    if (now === text) return;
    writeFileSync(join(root, path), now, 'latin1');
    said.push(`/${path}: subvolumes by their paths, for their numbers are others now`);
  };
  if (existsSync(join(root, 'etc/fstab'))) rewrite('etc/fstab', (text) => fstabByPath(text, subvolumes));
  for (const [glob, style] of REFERENCE_FILES) if (style === 'tag' && glob !== 'etc/fstab') for (const path of expand(root, glob)) rewrite(path, (text) => commandLineByPath(text, subvolumes));
  return said;
}

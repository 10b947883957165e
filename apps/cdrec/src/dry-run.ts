import { readdirSync } from 'node:fs';
import type { BackupItem } from '@cdrec/backup';
import { readBlockTree, readMounts, superblockOf, type BlockDevice, type Layer, type Survey } from '@cdrec/survey';
import { runTool, withinSeconds } from '@cdrec/tool';
import { rulesFor, type ArchivesRequest } from './archives.js';

/** Something that a build does not store, and why. `bytes` where it is known. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
  readonly bytes?: number;
}

/** What a build would do. Bytes are those in use; archives are smaller by compression and by what is left out. */
export interface DryRun {
  readonly archives: readonly { readonly name: string; readonly mount: string; readonly device: string; readonly fsType: string; readonly usedBytes: number }[];
  readonly leftOut: readonly LeftOut[];
}

/** File systems of the kernel that hold no data of the machine. */
const PSEUDO = new Set(['sysfs', 'proc', 'devtmpfs', 'devpts', 'tmpfs', 'ramfs', 'cgroup', 'cgroup2', 'securityfs', 'pstore', 'bpf', 'debugfs', 'tracefs', 'configfs', 'fusectl', 'mqueue', 'hugetlbfs', 'autofs', 'binfmt_misc', 'efivarfs', 'nsfs', 'rpc_pipefs', 'overlay', 'selinuxfs', 'sockfs', 'pipefs', 'cpuset']);

/** Bytes below the paths that a rule matches on its file system, unless counting them takes too long; undefined when it matches nothing. */
async function bytesOf(rule: string): Promise<{ bytes?: number } | undefined> {
  const parent = rule.replace(/\/[^/]*$/, '') || '/';
  const last = rule.slice(rule.lastIndexOf('/') + 1);
  const pattern = new RegExp(`^${last.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);
  let names: string[];
  try {
    names = readdirSync(parent).filter((n) => pattern.test(n)).map((n) => `${parent === '/' ? '' : parent}/${n}`);
  } catch {
    return undefined; // the parent is a pattern, or not there
  }
  if (names.length === 0) return undefined;
  const { stdout } = await runTool('bash', withinSeconds(60, 'du', '--summarize', '--one-file-system', '--block-size=1', '--total', '--files0-from=-'), { input: `${names.join('\0')}\0` });
  const total = /^(\d+)\ttotal$/m.exec(stdout)?.[1];
  return total === undefined ? {} : { bytes: Number(total) };
}

const all = (d: BlockDevice): BlockDevice[] => [d, ...d.children.flatMap(all)];

/** A device that holds something, and that no archive is made of. */
export interface Unsaved { readonly device: string; readonly type: string; readonly bytes: number }

/** What a layer lies on: its content is what the layer makes of it. */
const membersOf = (l: Layer): readonly string[] => (l.type === 'btrfs' ? l.devices : l.type === 'raid' ? l.members.map((m) => m.device) : l.type === 'vg' ? l.physical.map((p) => p.device) : [l.on]);

/** Devices with a known content that is not mounted, not swap, and not saved as an image: what is on them will not come back. */
export async function unsaved(survey: Survey): Promise<Unsaved[]> {
  const out: Unsaved[] = [];
  const mounted = new Set((await readMounts()).map((m) => m.number));
  const known = new Set([...survey.images.map((i) => i.device), ...survey.fileSystems.map((f) => f.device), ...survey.layers.flatMap(membersOf), ...survey.swaps.map((s) => s.device)]);
  for (const d of (await readBlockTree()).flatMap(all)) {
    if (d.bytes === 0 || d.children.length > 0 || mounted.has(d.number) || known.has(d.path) || /^\/dev\/(zram|ram|fd|sr)/.test(d.path) || out.some((o) => o.device === d.path)) continue;
    const { type } = await superblockOf(d.path);
    if (type !== '' && type !== 'swap' && type !== 'iso9660') out.push({ device: d.path, type, bytes: d.bytes });
  }
  return out;
}

/** Lists archives, and everything on this machine's disks and mounts that is in none of them. Writes nothing. */
export async function dryRun(survey: Survey, items: readonly BackupItem[], request: ArchivesRequest): Promise<DryRun> {
  const { backup } = request.config;
  const leftOut: LeftOut[] = [];
  const archived = (mount: string): boolean => items.some((i) => i.meta.mount === mount);
  for (const u of survey.unsupported) leftOut.push({ what: u.object, why: `${u.what}: ${u.reason}; allowed by backup.allow_unsupported` });
  for (const fs of survey.fileSystems) if (!archived(fs.mount)) leftOut.push({ what: fs.mount, why: 'not in backup.only_mounts: it is recreated empty', bytes: fs.usedBytes });
  const mounts = await readMounts();
  for (const m of mounts) {
    if (PSEUDO.has(m.type) || survey.fileSystems.some((f) => f.mount === m.target) || survey.unsupported.some((u) => u.object === m.target)) continue;
    const why = backup.exclude_mounts.includes(m.target) ? 'backup.exclude_mounts or --exclude-mount'
      : ['iso9660', 'udf', 'squashfs', 'erofs'].includes(m.type) ? `a read-only image (${m.type})`
      : !m.source.startsWith('/dev/') ? `not on a disk of this machine (${m.type}, ${m.source})` : m.root !== '/' ? `a part of ${m.source} that is mounted once more` : `a mounted image file, or mounted elsewhere too (${m.source})`;
    leftOut.push({ what: m.target, why, ...(m.bytes > 0 ? { bytes: m.usedBytes } : {}) });
  }
  for (const l of survey.layers) {
    if (l.type !== 'btrfs') continue;
    for (const v of l.subvolumes) {
      if (survey.fileSystems.some((f) => f.uuid === l.uuid && (f.subvolume === v.path || f.subvolume === ''))) continue;
      leftOut.push({ what: v.path, why: `subvolume on ${l.device}: ${v.snapshot ? 'a snapshot of another one' : v.readOnly ? 'read-only' : 'not mounted, and not seen below a mounted one'}` });
    }
  }
  for (const u of await unsaved(survey)) leftOut.push({ what: u.device, why: `${u.type}, not mounted`, bytes: u.bytes });
  for (const swap of survey.swaps) leftOut.push({ what: swap.device, why: 'swap area: made anew, with its UUID' });
  for (const file of survey.swapFiles) leftOut.push({ what: file.path, why: 'swap file: made anew, with its UUID', bytes: file.bytes });
  for (const rule of rulesFor(request, { swapFiles: [] }).exclude) {
    const matched = await bytesOf(rule);
    if (matched !== undefined) leftOut.push({ what: rule, why: backup.exclude.includes(rule) ? 'backup.exclude or --exclude' : rule.startsWith(`${request.out}/`) ? 'recovery sets themselves' : 'default (backup.default_excludes)', ...matched });
  }
  return { archives: items.map((i) => ({ name: i.meta.name, mount: i.meta.mount === '' ? (i.meta.kind === 'image' ? `image by ${i.meta.method as string}` : i.meta.kind) : i.meta.mount, device: i.meta.device, fsType: i.meta.fsType, usedBytes: i.usedBytes })), leftOut };
}

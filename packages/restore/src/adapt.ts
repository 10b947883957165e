import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { REFERENCE_FILES, rewriteGrubEnvironment, rewriteReferences, type Renamed } from './references.js';

/**
 * Rewrites what the restored system's files say of devices that have another name now. Returns what was changed, a line each.
 * Links are left alone: they may lead out of the system.
 */
export function rewriteSystem(root: string, renamed: readonly Renamed[]): string[] {
  const said: string[] = [];
  const replace = (path: string, result: { text: string; changes: string[] } | undefined): void => {
    if (result === undefined) said.push(`/${path} speaks of devices that have another name now, and has no room for the new ones`);
    else if (result.changes.length > 0) {
      writeFileSync(join(root, path), result.text, 'latin1');
      said.push(...result.changes.map((c) => `/${path}: ${c}`));
    }
  };
  for (const [glob, style] of REFERENCE_FILES) {
    for (const path of expand(root, glob)) replace(path, rewriteReferences(readFileSync(join(root, path), 'latin1'), renamed, style));
  }
  for (const path of ['boot/grub/grubenv', 'boot/grub2/grubenv'].filter((p) => isFile(join(root, p)))) replace(path, rewriteGrubEnvironment(readFileSync(join(root, path), 'latin1'), renamed));
  return said;
}

/** Where LVM has the disks that it may look at (lvmdevices(8)), by ids that other disks do not have. */
const LVM_DEVICES = 'etc/lvm/devices/system.devices';

/**
 * Moves LVM's list of allowed disks out of the way: those of now are others, and a volume group on a disk that is not listed is not found.
 * Without the list LVM looks at all disks. Returns what was done, a line each.
 */
export function forgetLvmDevices(root: string): string[] {
  if (!isFile(join(root, LVM_DEVICES))) return [];
  renameSync(join(root, LVM_DEVICES), join(root, `${LVM_DEVICES}.before-restore`));
  return [`/${LVM_DEVICES}: it named disks that are others now, and lies beside as system.devices.before-restore: LVM looks at all disks (vgimportdevices --all makes it anew)`];
}

/**
 * cloud-init (cloud-init.io, "Instance identity") takes a machine with another instance id for a new one: it makes new host keys of SSH, and sets host name, users and
 * network as the cloud says. Returns a remark where the restored system would do that, or undefined.
 */
export function cloudRemark(root: string): string | undefined {
  const id = join(root, 'var/lib/cloud/data/instance-id');
  if (!isFile(id) || existsSync(join(root, 'etc/cloud/cloud-init.disabled')) || readFileSync(id, 'utf8').trim() === 'iid-datasource-none') return undefined;
  return 'cloud-init runs in the restored system: as another instance of a cloud it gets new SSH host keys, and host name, users and network of that instance; to keep what was restored, make the file etc/cloud/cloud-init.disabled in it before it starts';
}

/** Adds a line to fstab(5) for a mount point that it does not know. Returns what was done. */
export function appendFstab(root: string, line: string): string[] {
  const path = join(root, 'etc/fstab');
  const text = isFile(path) ? readFileSync(path, 'latin1') : '';
  if (text.split('\n').some((l) => l.trim().split(/\s+/)[1] === line.split(' ')[1] && !/^\s*#/.test(l))) return [];
  writeFileSync(path, `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${line}\n`, 'latin1');
  return [`/etc/fstab: ${line.split(' ')[1] ?? ''} is new`];
}

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Files of a glob with at most one `*` in a directory or name. */
export function expand(root: string, glob: string): string[] {
  const [directory, name] = [glob.slice(0, glob.lastIndexOf('/')), basename(glob)];
  const directories = directory.endsWith('/*') ? list(join(root, directory.slice(0, -2))).map((n) => `${directory.slice(0, -2)}/${n}`) : [directory];
  const names = (d: string): string[] => (name.startsWith('*') ? list(join(root, d)).filter((n) => n.endsWith(name.slice(1))) : [name]);
  return directories.flatMap((d) => names(d).map((n) => `${d}/${n}`)).filter((p) => isFile(join(root, p)));
}

function list(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

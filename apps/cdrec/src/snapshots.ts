import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupItem } from '@cdrec/backup';
import type { Survey } from '@cdrec/survey';
import { CdrecError, runTool } from '@cdrec/tool';
import { formatBytes, type Terminal } from './terminal.js';

/** Name of a subvolume or volume that exists only while a backup is made. */
const NAME = 'cdrec-snapshot';

/** File systems as they were at one moment. */
export interface Snapshots {
  /** Where a file system's moment is to be seen; `undefined`: it has no snapshot. */
  view(mount: string): string | undefined;
  /** Proof that a snapshot was not overrun by the changes of its origin. @throws CdrecError SNAPSHOT_FULL */
  check(mount: string): Promise<void>;
  /** Removes all of them. Returns what could not be removed. */
  release(): Promise<string[]>;
}

interface Taken { readonly mount: string; readonly view: string; readonly release: () => Promise<unknown>; readonly check?: () => Promise<void> }

/**
 * Takes snapshots of all file systems that can have them: subvolumes of btrfs, and logical volumes (thin ones in their
 * pool, others in the free space of their group, at most a fifth of the volume each). Each is removed by `release`.
 * @throws CdrecError SNAPSHOT_EXISTS, TOOL_FAILED (no free space, say); then none of them is left
 */
export async function takeSnapshots(items: readonly BackupItem[], survey: Survey, terminal: Terminal): Promise<Snapshots> {
  const taken: Taken[] = [];
  const release = async (): Promise<string[]> => {
    const left: string[] = [];
    for (const t of taken.splice(0).reverse()) await t.release().catch((error: unknown) => left.push(`the snapshot of ${t.mount} could not be removed: ${error instanceof Error ? error.message : String(error)}`));
    return left;
  };
  try {
    for (const { meta } of items) {
      if (meta.kind !== 'tar') continue;
      const snapshot = meta.fsType === 'btrfs' ? await ofSubvolume(meta.mount) : await ofVolume(meta, survey);
      if (snapshot === undefined) terminal.say(`  ${meta.mount}: no snapshot is possible on ${meta.device}; it is read as it changes`);
      else taken.push(snapshot);
    }
  } catch (error) {
    for (const text of await release()) terminal.say(text);
    throw error;
  }
  const of = (mount: string): Taken | undefined => taken.find((t) => t.mount === mount);
  return { view: (mount) => of(mount)?.view, check: async (mount) => { await of(mount)?.check?.(); }, release };
}

async function ofSubvolume(mount: string): Promise<Taken> {
  const view = join(mount, `.${NAME}`);
  if (existsSync(view)) throw new CdrecError('SNAPSHOT_EXISTS', `${view} exists: it is left from an interrupted build`, { hint: `remove it: btrfs subvolume delete ${view}` });
  await runTool('btrfs', ['subvolume', 'snapshot', '-r', mount, view]);
  return { mount, view, release: () => runTool('btrfs', ['subvolume', 'delete', view]) };
}

async function ofVolume(meta: BackupItem['meta'], survey: Survey): Promise<Taken | undefined> {
  const group = survey.layers.find((l) => l.type === 'vg' && l.volumes.some((v) => v.device === meta.device));
  const volume = group?.type === 'vg' ? group.volumes.find((v) => v.device === meta.device) : undefined;
  if (group?.type !== 'vg' || volume === undefined) return undefined;
  const name = `${NAME}-${volume.name}`;
  const own = `${group.name}/${name}`;
  if ((await runTool('lvm', ['lvs', own], { ok: [0, 5] })).status === 0) throw new CdrecError('SNAPSHOT_EXISTS', `the volume ${own} exists: it is left from an interrupted build`, { hint: `remove it: lvremove ${own}` });
  if (volume.kind === 'thin') await runTool('lvm', ['lvcreate', '-q', '-y', '--snapshot', '--setactivationskip', 'n', '--name', name, `${group.name}/${volume.name}`]);
  else {
    const free = Number((await runTool('lvm', ['vgs', '--noheadings', '--nosuffix', '--units', 'b', '-o', 'vg_free', group.name])).stdout);
    const size = Math.floor(Math.min(free / 2, volume.bytes / 5) / group.extentBytes) * group.extentBytes;
    if (size === 0) throw new CdrecError('SNAPSHOT_ROOM', `the volume group ${group.name} has no free space for a snapshot of ${volume.name} (${formatBytes(free)} free)`, { hint: 'enlarge the group, or build without backup.snapshot' });
    await runTool('lvm', ['lvcreate', '-q', '-y', '--snapshot', '--size', `${String(size)}b`, '--name', name, `${group.name}/${volume.name}`]);
  }
  const remove = (): Promise<unknown> => runTool('lvm', ['lvremove', '-q', '-f', own]);
  const view = mkdtempSync(join(tmpdir(), 'cdrec-view-'));
  mkdirSync(view, { recursive: true });
  try {
    // xfs refuses a second file system of the same UUID; the snapshot is mounted nowhere else.
    await runTool('mount', ['-t', meta.fsType, '-o', `ro${meta.fsType === 'xfs' ? ',nouuid' : ''}`, `/dev/${own}`, view]);
  } catch (error) {
    rmSync(view, { recursive: true });
    await remove();
    throw error;
  }
  return {
    mount: meta.mount, view,
    release: async () => {
      await runTool('umount', [view]);
      rmdirSync(view);
      await remove();
    },
    ...(volume.kind === 'thin' ? {} : {
      check: async () => {
        const percent = Number((await runTool('lvm', ['lvs', '--noheadings', '-o', 'snap_percent', own])).stdout);
        if (!(percent < 100)) throw new CdrecError('SNAPSHOT_FULL', `the snapshot of ${meta.mount} was overrun: more changed meanwhile than it had room for`, { hint: `leave more space free in the volume group ${group.name}` });
      },
    }),
  };
}

import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBlockTree, type BlockDevice } from '@cdrec/survey';
import { CdrecError, runTool, type ChainStage } from '@cdrec/tool';
import { forgetBtrfs } from './btrfs-alone.js';
import type { Command } from './commands.js';
import type { LayerStep } from './layers.js';

/**
 * device-mapper makes its nodes itself: the rules of the rescue system's udev need not be complete, and nothing waits for
 * them (libdevmapper, DM_DISABLE_UDEV).
 */
const OWN_NODES = { DM_DISABLE_UDEV: '1', LVM_SUPPRESS_FD_WARNINGS: '1' };

/** Runs the commands of a layer and waits for its node, so many tenths of a second. @throws CdrecError TOOL_FAILED, PASSPHRASE_MISSING, DEVICE_MISSING */
export async function runLayer(layer: LayerStep, commands: readonly Command[], options: { readonly passphrase?: (volume: string) => Promise<string> }, tenths = 50): Promise<void> {
  let input: string | undefined;
  if (layer.passphrase !== undefined) {
    input = await options.passphrase?.(layer.passphrase);
    if (input === undefined) throw new CdrecError('PASSPHRASE_MISSING', `the encrypted volume ${layer.passphrase} needs a passphrase`, { hint: 'give it with --luks-key FILE, or run this on a terminal' });
  }
  for (const [program, ...args] of commands) await runTool(program, args, { env: OWN_NODES, ...(input === undefined ? {} : { input }) });
  for (let tries = 0; tries < tenths && !existsSync(layer.node); tries++) await sleep(100);
  if (!existsSync(layer.node)) throw new CdrecError('DEVICE_MISSING', `${layer.node} did not appear after ${commands.map(([p]) => p).join(', ')}`);
}

/** What restores a LUKS header from standard input: cryptsetup reads it from a file only, here one in memory. */
export function headerWriter(device: string): ChainStage {
  return { program: 'bash', label: 'cryptsetup', args: ['-c', 'd=$(mktemp -d -p /dev/shm 2> /dev/null || mktemp -d) && trap \'rm -rf "$d"\' EXIT && cat > "$d/h" && cryptsetup luksHeaderRestore --batch-mode --header-backup-file "$d/h" "$1"', 'bash', device] };
}

/** The name that LVM gave a volume, /dev/GROUP/VOLUME: it would find a group of that name again where it left a directory. */
function removeLink(path: string): void {
  // Hyphens of the names are doubled in that of the node (lvm(8)).
  const [, group, volume] = /^\/dev\/mapper\/((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(path) ?? [];
  if (group === undefined || volume === undefined) return;
  const directory = join('/dev', group.replaceAll('--', '-'));
  const link = join(directory, volume.replaceAll('--', '-'));
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true && !existsSync(link)) rmSync(link);
  if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
}

/** Everything that the kernel holds on a disk (arrays assembled by themselves, open volumes) is let go, the topmost first. */
export async function releaseDisk(disk: string): Promise<void> {
  const tree = await readBlockTree();
  const release = async (device: BlockDevice): Promise<void> => {
    for (const child of device.children) await release(child);
    if (/^(lvm|crypt|dm|mpath)$/.test(device.type)) {
      await runTool('dmsetup', ['remove', '--retry', device.path], { env: OWN_NODES, ok: [0, 1] });
      removeLink(device.path);
    }
    else if (/^(raid\d+|linear|md)$/.test(device.type)) await runTool('mdadm', ['--stop', device.path], { ok: [0, 1] });
  };
  for (const device of tree) if (device.path === disk) await release(device);
  await forgetBtrfs();
}

/** Makes subvolumes below a mounted top of a btrfs, and sets the default one. */
export async function makeSubvolumes(step: { readonly paths: readonly string[]; readonly standard: string }, top: string): Promise<void> {
  for (const path of step.paths) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    if (!existsSync(join(top, path))) await runTool('btrfs', ['subvolume', 'create', join(top, path)]);
  }
  if (step.standard === '') return;
  const { stdout } = await runTool('btrfs', ['subvolume', 'list', top]);
  const id = stdout.split('\n').map((l) => /^ID (\d+) .* path (.*)$/.exec(l)).find((m) => m?.[2] === step.standard)?.[1];
  if (id !== undefined) await runTool('btrfs', ['subvolume', 'set-default', id, top]);
}

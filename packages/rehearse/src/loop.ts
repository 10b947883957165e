import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool } from '@cdrec/tool';

/** A disk image as a loop device with its partitions. */
export interface AttachedImage extends AsyncDisposable {
  readonly device: string;
  /** Node of a partition; 0 is the whole disk. */
  partition(number: number): string;
}

/**
 * Takes the partitions off a loop device. Who looks at all disks at this moment (blkid, udev, another program's survey) may have one
 * open: it is tried again. What stays would be in the way of the next image on this device, with its old place and size.
 */
async function dropPartitions(device: string): Promise<void> {
  const name = basename(device);
  const some = (): boolean => readdirSync(`/sys/class/block/${name}`).some((n) => n.startsWith(`${name}p`));
  for (let tries = 0; tries < 40 && some(); tries++) {
    if (tries > 0) await sleep(250);
    await runTool('partx', ['--delete', device], { ok: [0, 1] });
  }
}

/** Attaches an image; partitions by BLKPG (partx), because the kernel may have no parser for the table. */
export async function attachImage(image: string, readonly = false): Promise<AttachedImage> {
  const device = (await runTool('losetup', ['--find', '--show', ...(readonly ? ['--read-only'] : []), image])).stdout.trim();
  await dropPartitions(device); // of somebody who was killed
  await runTool('partx', ['--add', device], { ok: [0, 1] }); // 1: no table yet
  return {
    device,
    partition: (n) => (n === 0 ? device : `${device}p${String(n)}`),
    [Symbol.asyncDispose]: async () => {
      await dropPartitions(device);
      await runTool('losetup', ['--detach', device]);
    },
  };
}

/** Waits for a device node. */
export async function waitForNode(path: string): Promise<void> {
  for (let i = 0; i < 50 && !existsSync(path); i++) await sleep(100);
}

/** Mounts in order, runs `work`, unmounts in reverse order. Each mount is the argument list of mount(8), target last. */
export async function withMounts<T>(mounts: readonly (readonly string[])[], work: () => Promise<T>): Promise<T> {
  const done: string[] = [];
  try {
    for (const args of mounts) {
      const target = args.at(-1) as string;
      mkdirSync(target, { recursive: true });
      await runTool('mount', args);
      done.push(target);
    }
    return await work();
  } finally {
    for (const target of done.reverse()) {
      let { status } = await runTool('umount', [target], { ok: [0, 1, 32] });
      for (let i = 0; status !== 0 && i < 20; i++) {
        await sleep(250);
        ({ status } = await runTool('umount', [target], { ok: [0, 1, 32] }));
      }
      if (status !== 0) await runTool('umount', ['--lazy', target]);
    }
  }
}

/** Attaches an image and mounts some of its partitions read-only below `directory` while `work` runs. */
export async function mountedImage<T>(image: string, parts: readonly { number: number; type: string; mount: string }[], directory: string, work: () => Promise<T>): Promise<T> {
  await using loop = await attachImage(image);
  const options = (type: string): string => (type === 'xfs' ? 'ro,norecovery,nouuid' : 'ro,noload');
  return await withMounts(parts.map((p) => ['-t', p.type, '-o', options(p.type), loop.partition(p.number), `${directory}${p.mount === '/' ? '' : p.mount}`]), work);
}

/**
 * Removes a directory of work with all below. What a killed run left mounted in it is unmounted first: a bound /dev must not be emptied.
 * @throws CdrecError TOOL_FAILED when something cannot be unmounted; nothing is removed then
 */
export async function removeWork(directory: string): Promise<void> {
  const below = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((l) => (l.split(' ')[1] ?? '').replace(/\\040/g, ' ')).filter((t) => t.startsWith(`${directory}/`));
  for (const target of below.reverse()) await runTool('umount', [target]);
  rmSync(directory, { recursive: true, force: true });
}

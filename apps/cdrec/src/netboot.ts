import { chmodSync, closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { floppyImage, netbootFiles, NET_RESCUE, type FloppySize } from '@cdrec/bootimage';
import { cpioFrame } from '@cdrec/initrd';
import { packImage } from '@cdrec/ramdisk';
import { CdrecError } from '@cdrec/tool';
import { prepareDirectory } from './build.js';
import { claim } from './claim.js';
import { collectRescue, type RescueParts, type RescueRequest } from './rescue-parts.js';
import { interruptSignal, type Terminal } from './terminal.js';

/** A file that was made, with its size in bytes. */
export interface MadeFile { readonly path: string; readonly bytes: number }

/** Runs `work` with the parts of a rescue system; nothing is left at `partial` when it fails. The roads of a medium do not matter here. */
export async function withRescue<T>({ config, ...rest }: RescueRequest, terminal: Terminal, partial: (parts: RescueParts) => string, work: (parts: RescueParts, signal: AbortSignal) => Promise<T>): Promise<T> {
  const request: RescueRequest = { ...rest, config: { ...config, boot: { ...config.boot, bios: 'isolinux' } } };
  await prepareDirectory(request.out);
  const interrupt = interruptSignal('what was begun is removed');
  let begun: string | undefined;
  let release: (() => void) | undefined;
  try {
    const parts = await collectRescue(request, terminal, interrupt.signal);
    interrupt.signal.throwIfAborted();
    const place = partial(parts);
    release = claim(place);
    begun = place; // ours only now
    return await work(parts, interrupt.signal);
  } finally {
    interrupt.stop();
    if (begun !== undefined) rmSync(begun, { recursive: true, force: true });
    release?.();
  }
}

/** Packs rd-base between the head and the tail of a cpio archive, so that it is written once. */
export async function writeRescueCpio(file: string, parts: RescueParts, request: RescueRequest): Promise<void> {
  const { image } = parts;
  const seconds = Math.floor(request.date / 1000);
  const name = `cdrec/rd-base.${image}`;
  const offset = cpioFrame(name, 0, seconds).head.length;
  writeFileSync(file, '', { mode: 0o600 });
  await packImage(parts.rescue.tree.entries(), image, file, request.date, availableParallelism(), offset);
  const bytes = statSync(file).size - offset;
  const { head, tail } = cpioFrame(name, bytes, seconds);
  const fd = openSync(file, 'r+');
  try {
    writeSync(fd, head, 0, head.length, 0);
    writeSync(fd, tail, 0, tail.length, offset + bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * `cdrec build --output pxe`: a tree for a TFTP or HTTP server with kernel, initrd, rd-base and menus for PXELINUX, iPXE
 * and GRUB. Servers run as anybody, so its files can be read by all; there is nothing secret in them.
 */
export function buildNetTree(request: RescueRequest, terminal: Terminal): Promise<MadeFile[]> {
  const places = (label: string): { final: string; partial: string } => ({ final: join(request.out, label), partial: join(request.out, `.${label}.partial`) });
  return withRescue(request, terminal, (parts) => places(parts.label).partial, async (parts, signal) => {
    const { final, partial } = places(parts.label);
    if (existsSync(final) && !request.overwrite) throw new CdrecError('OUTPUT_EXISTS', `${final} exists already`, { hint: 'choose another --out or --label, or allow --overwrite' });
    rmSync(partial, { recursive: true, force: true });
    const { boot, survey } = parts;
    const files = netbootFiles(boot.parts, boot.menu, boot.kernel, boot.initrd);
    const place = (path: string): string => {
      const target = join(partial, path);
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      return target;
    };
    for (const file of files) {
      if (file.source === undefined) writeFileSync(place(file.path), file.data as Buffer);
      else copyFileSync(file.source, place(file.path));
    }
    await writeRescueCpio(place(NET_RESCUE), parts, request);
    signal.throwIfAborted();
    writeFileSync(place('cdrec/survey.json'), JSON.stringify(survey, null, 1));
    const all = [...files.map((f) => f.path), NET_RESCUE, 'cdrec/survey.json'];
    for (const path of all) chmodSync(join(partial, path), 0o644);
    chmodSync(partial, 0o755);
    rmSync(final, { recursive: true, force: true });
    renameSync(partial, final);
    return all.map((path) => ({ path: join(final, path), bytes: statSync(join(final, path)).size }));
  });
}

/** `cdrec build --output floppy`: the image of a boot floppy, to be written on a real one (`dd of=/dev/fd0`). */
export function buildFloppy(request: RescueRequest, terminal: Terminal): Promise<MadeFile[]> {
  const { boot } = request.config;
  const size = (boot.bios.startsWith('floppy-') ? boot.bios.slice('floppy-'.length) : '1.44') as FloppySize;
  const places = (label: string): { final: string; partial: string } => ({ final: join(request.out, `${label}_floppy.img`), partial: join(request.out, `.${label}_floppy.img.partial`) });
  return withRescue(request, terminal, (parts) => places(parts.label).partial, async (parts) => {
    const { final, partial } = places(parts.label);
    if (existsSync(final) && !request.overwrite) throw new CdrecError('OUTPUT_EXISTS', `${final} exists already`, { hint: 'choose another --out or --label, or allow --overwrite' });
    const { syslinux, memtest, missing } = parts.boot.parts;
    if (syslinux === undefined) throw new CdrecError('BOOT_MISSING', 'SYSLINUX or mtools is missing', { hint: missing.find((m) => m.part === 'syslinux')?.hint ?? '' });
    const rescue = boot.floppy === 'rescue';
    const image = await floppyImage(syslinux, size, { menu: parts.boot.menu, kernel: rescue ? parts.boot.kernel : undefined, initrd: rescue ? parts.boot.initrd : undefined, memtest, date: request.date, work: request.out });
    writeFileSync(partial, image, { mode: 0o600, flush: true });
    renameSync(partial, final);
    return [{ path: final, bytes: image.length }];
  });
}

/** `cdrec build --output tree`: the rescue root as a directory, to be looked at and changed; `--tree` makes sets with it. */
export function buildTree(request: RescueRequest, terminal: Terminal): Promise<MadeFile[]> {
  const places = (label: string): { final: string; partial: string } => ({ final: join(request.out, `${label}-tree`), partial: join(request.out, `.${label}.partial`) });
  return withRescue(request, terminal, (parts) => places(parts.label).partial, (parts) => {
    const { final, partial } = places(parts.label);
    if (existsSync(final)) throw new CdrecError('OUTPUT_EXISTS', `${final} exists already`, { hint: 'it may hold your changes: choose another --out or --label, or remove it' });
    mkdirSync(partial, { mode: 0o700 });
    parts.rescue.tree.writeTo(partial);
    renameSync(partial, final);
    return Promise.resolve([{ path: final, bytes: parts.rescue.tree.bytes }]);
  });
}

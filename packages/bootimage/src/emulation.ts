import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';
import { buildFatImage, FLOPPIES, type FatFile, type FatGeometry } from './fat/image.js';
import { syslinuxMenu, type MenuOptions, type SyslinuxPlaces } from './menus.js';
import type { BootParts } from './parts.js';

export type FloppySize = keyof typeof FLOPPIES;

/** What an emulated floppy or disk carries. `undefined` parts are left out. */
export interface EmulatedContent {
  readonly menu: MenuOptions;
  readonly kernel: string | undefined;
  readonly initrd: Buffer | undefined;
  readonly memtest: string | undefined;
  /** Milliseconds since 1970, for all time stamps. */
  readonly date: number;
  /** Directory for temporary files. */
  readonly work: string;
}

/** SYSLINUX adds ldlinux.sys (60 KiB) and ldlinux.c32 (115 KiB) by itself; its own copy of the latter replaces ours. */
const LDLINUX = 64 * 1024;

function filesOf(syslinux: NonNullable<BootParts['syslinux']>, c: EmulatedContent): FatFile[] {
  const rescue = c.kernel !== undefined && c.initrd !== undefined;
  const places: SyslinuxPlaces = { kernel: 'VMLINUZ', initrd: 'INITRD.GZ', memtest: 'MEMTEST', rescue, local: 'LOCALBOOT 0x80' };
  return [
    ...syslinux.modules.map((m) => ({ path: (m.split('/').at(-1) as string).toUpperCase(), data: readFileSync(m) })),
    { path: 'SYSLINUX.CFG', data: Buffer.from(syslinuxMenu({ ...c.menu, memtest: c.memtest !== undefined }, places)) },
    ...(c.memtest === undefined ? [] : [{ path: 'MEMTEST', data: readFileSync(c.memtest) }]),
    ...(rescue ? [{ path: 'VMLINUZ', data: readFileSync(c.kernel) }, { path: 'INITRD.GZ', data: c.initrd }] : []),
  ];
}

/** Installs SYSLINUX into the FAT file system at `offset` of an image. */
async function installSyslinux(program: string, image: Buffer, offset: number, c: EmulatedContent): Promise<Buffer> {
  const dir = mkdtempSync(join(c.work, '.cdrec-syslinux-'));
  try {
    const file = join(dir, 'boot.img');
    writeFileSync(file, image, { mode: 0o600 });
    // mtools, by which SYSLINUX copies its files, takes its time stamps from SOURCE_DATE_EPOCH.
    await runTool(program, ['--install', ...(offset === 0 ? [] : ['--offset', String(offset)]), file], { env: { SOURCE_DATE_EPOCH: String(Math.floor(c.date / 1000)), MTOOLS_SKIP_CHECK: '1', TMPDIR: dir } });
    return readFileSync(file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * A bootable floppy with SYSLINUX: for El Torito floppy emulation, or for a real floppy.
 * @throws CdrecError BOOT_TOO_LARGE with the exact excess in bytes when the content does not fit, TOOL_FAILED
 */
export async function floppyImage(syslinux: NonNullable<BootParts['syslinux']>, size: FloppySize, content: EmulatedContent): Promise<Buffer> {
  const files = filesOf(syslinux, content);
  try {
    return await installSyslinux(syslinux.program, buildFatImage(files, 'CDREC', content.date, FLOPPIES[size], LDLINUX), 0, content);
  } catch (error) {
    if (!(error instanceof CdrecError) || error.code !== 'BOOT_TOO_LARGE' || content.kernel === undefined) throw error;
    throw new CdrecError('BOOT_TOO_LARGE', `a ${size} MB floppy cannot hold kernel (${String(statSync(content.kernel).size)} bytes) and initrd (${String(content.initrd?.length ?? 0)} bytes): ${error.message}`, {
      hint: 'set boot.bios = "hard-disk", which holds any kernel, or "isolinux"; or boot.floppy = "memtest" for a floppy with the memory test only', cause: error,
    });
  }
}

/** Sectors of a cylinder of 255 heads with 63 sectors. */
const HEADS = 255;
const TRACK = 63;
const CYLINDER = HEADS * TRACK;

/**
 * A disk image with one FAT16 partition and SYSLINUX, for El Torito hard-disk emulation. BIOSes take the geometry of
 * the disk from where its partition ends: the image has whole cylinders, the partition begins at 0/1/1 and ends with the
 * last cylinder.
 * @throws CdrecError BOOT_TOO_LARGE, TOOL_FAILED
 */
export async function hardDiskImage(syslinux: NonNullable<BootParts['syslinux']>, content: EmulatedContent): Promise<Buffer> {
  const files = filesOf(syslinux, content);
  const bytes = files.reduce((n, f) => n + f.data.length + 4096, LDLINUX);
  const sectorsPerCluster = bytes < 28 << 20 ? 1 : 8;
  // Two sectors of 512 bytes per 256 clusters in each FAT, boot sector and root directory: 2 % and 64 KiB are enough.
  const cylinders = Math.max(2, Math.ceil((bytes * 1.02 + 65_536 + TRACK * 512) / 512 / CYLINDER));
  if (cylinders > 1024) throw new CdrecError('BOOT_TOO_LARGE', 'kernel and initrd are too large for an emulated disk of 1024 cylinders');
  const sectors = cylinders * CYLINDER;
  const geometry: FatGeometry = { bits: 16, sectors: sectors - TRACK, sectorsPerCluster, rootEntries: 512, media: 0xf8, sectorsPerTrack: TRACK, heads: HEADS, hidden: TRACK, drive: 0x80 };
  const disk = Buffer.alloc(sectors * 512);
  readFileSync(syslinux.mbr).copy(disk, 0, 0, 440);
  const end = cylinders - 1;
  disk.set([0x80, 1, 1, 0, 0x06, HEADS - 1, TRACK | ((end >> 2) & 0xc0), end & 0xff], 446);
  disk.writeUInt32LE(TRACK, 454);
  disk.writeUInt32LE(sectors - TRACK, 458);
  disk.writeUInt16LE(0xaa55, 510);
  buildFatImage(files, 'CDREC', content.date, geometry, LDLINUX).copy(disk, TRACK * 512);
  return installSyslinux(syslinux.program, disk, TRACK * 512, content);
}

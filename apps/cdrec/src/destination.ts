import { statfsSync, statSync } from 'node:fs';
import { readMounts, type Survey } from '@cdrec/survey';
import { CdrecError, runTool } from '@cdrec/tool';
import { formatBytes, type Terminal } from './terminal.js';

/** The least that compressed archives need of the bytes in use: below it there is no hope. */
const LEAST = 0.25;

/** FAT of any kind (statfs(2), MSDOS_SUPER_MAGIC): its files have sizes of 32 bits. exFAT is another one, without that limit. */
const FAT = 0x4d44;
const FAT_FILE = 2 ** 32 - 1;

/** The most bytes that one file can have in a directory, where its file system has a limit that backups reach; else undefined. */
export function largestFile(directory: string, type = statfsSync(directory).type): number | undefined {
  return type === FAT ? FAT_FILE : undefined;
}

/** Whole disks below a device node, itself if it is one. */
async function disksOf(device: string): Promise<string[]> {
  const { stdout } = await runTool('lsblk', ['--noheadings', '--inverse', '--list', '--output', 'PATH,TYPE', device], { ok: [0, 1, 32] });
  return stdout.split('\n').map((l) => l.trim().split(/\s+/)).filter(([, type]) => type === 'disk' || type === 'loop').map(([path]) => path as string);
}

/**
 * Checks a directory that is to hold the archives (mode path): mounted from elsewhere, not on a disk that is backed up
 * (it would be lost with it), with room. `usedBytes` is what is to be archived.
 * @throws CdrecError OUTPUT_SAME_DISK, OUTPUT_ROOM
 */
export async function checkDestination(out: string, survey: Survey, usedBytes: number, compressed: boolean, allowSameDisk: boolean, terminal: Terminal): Promise<void> {
  const { dev } = statSync(out);
  const mount = (await readMounts()).filter((m) => out === m.target || out.startsWith(m.target === '/' ? '/' : `${m.target}/`)).sort((a, b) => a.target.length - b.target.length).at(-1);
  const source = mount?.source.replace(/\[.*\]$/, '') ?? '';
  const own = survey.fileSystems.find((f) => statSync(f.mount, { throwIfNoEntry: false })?.dev === dev);
  const disks = source.startsWith('/dev/') ? await disksOf(source) : [];
  const shared = own?.disk ?? disks.find((d) => survey.disks.some((s) => s.used && s.device === d));
  if (shared !== undefined && !allowSameDisk) {
    throw new CdrecError('OUTPUT_SAME_DISK', `${out} lies on ${own === undefined ? `${source}, on ${shared}` : `the file system ${own.mount}`}, which is backed up: the backup would be lost with it`, { hint: 'mount another disk, NFS or SMB there, or say --same-disk' });
  }
  const fs = statfsSync(out);
  const free = fs.bavail * fs.bsize;
  if (free < usedBytes * (compressed ? LEAST : 1)) throw new CdrecError('OUTPUT_ROOM', `${out} has ${formatBytes(free)} free; the file systems hold ${formatBytes(usedBytes)}`, { hint: 'choose another --out, or leave something out' });
  if (free < usedBytes) terminal.say(`  warning: ${out} has ${formatBytes(free)} free for ${formatBytes(usedBytes)}: it is enough only if they compress well`);
}

/**
 * A check to be made while archives are written: the directory is still the one it was, and not the empty mount point
 * of a disk or share that went away. @throws CdrecError OUTPUT_LOST (from the returned function)
 */
export function watchDestination(out: string): () => void {
  const { dev, ino } = statSync(out);
  return () => {
    const now = statSync(out, { throwIfNoEntry: false });
    if (now?.dev !== dev || now.ino !== ino) throw new CdrecError('OUTPUT_LOST', `${out} is not mounted any more`, { hint: 'mount it again and repeat the build: what was written is not complete' });
  };
}

import { createHash } from 'node:crypto';
import { closeSync, cpSync, existsSync, fsyncSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { FirmwareEntry } from '@cdrec/survey';
import { CdrecError, runTool } from '@cdrec/tool';
import { enterFirmware } from './nvram.js';
import { timeOf } from './journal.js';
import type { Step } from './plan.js';

const inSystem = (root: string, names: readonly string[]): string | undefined =>
  names.find((n) => ['usr/sbin', 'usr/bin', 'sbin'].some((d) => existsSync(join(root, d, n))));

/**
 * Runs the restored system's own grub-install for BIOS and proves that the boot sector is there. Files of /boot/grub
 * that come out unchanged get their old time stamps back, so the restored tree stays true; `notes` keeps these over an interruption.
 * @throws CdrecError BOOT_LOADER_FAILED
 */
export async function installGrubBios(step: Extract<Step, { kind: 'grub-bios' }>, root: string, notes: Notes): Promise<void> {
  const program = inSystem(root, ['grub-install', 'grub2-install']);
  if (program === undefined) throw new CdrecError('BOOT_LOADER_FAILED', 'the restored system has no grub-install', { hint: 'install a boot loader by hand: chroot to the restored system' });
  const directory = join(root, step.directory);
  const saved = mkdtempSync(join(tmpdir(), 'cdrec-grub-'));
  try {
    const before = notes.noted();
    if (before === undefined) {
      if (existsSync(directory)) await runTool('cp', ['--archive', `${directory}/.`, saved]);
      await notes.note(JSON.stringify(stamps(saved)));
    }
    // In a partition its core image is found by the numbers of its blocks, which grub-install does not like.
    await runTool('chroot', [root, program, '--target=i386-pc', ...(step.partition === true ? ['--force'] : []), step.disk]);
    if (before === undefined) await keepTimes(saved, directory);
    else await giveTimes(before, directory);
  } finally {
    rmSync(saved, { recursive: true, force: true });
  }
  const sector = Buffer.alloc(446);
  const fd = openSync(step.disk, 'r');
  try {
    readSync(fd, sector, 0, 446, 0);
  } finally {
    closeSync(fd);
  }
  if (!sector.includes('GRUB')) throw new CdrecError('BOOT_LOADER_FAILED', `grub-install reported success, but the first sector of ${step.disk} is not GRUB's`);
}

/** What a step notes of itself in the journal before it changes something, and what an interrupted run of it had noted. */
export interface Notes {
  note(text: string): Promise<void>;
  noted(): string | undefined;
}

/** A file's content (of a directory its names) as a digest, and its time stamp, as touch(1) takes it. */
type Stamp = readonly [name: string, digest: string, time: string];

const digestOf = (path: string): string => createHash('sha256').update(lstatSync(path).isDirectory() ? readdirSync(path).sort().join('\0') : readFileSync(path)).digest('hex');

function stamps(directory: string): Stamp[] {
  return [directory, ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort().map((n) => join(directory, n))].flatMap((path): Stamp[] => {
    const s = lstatSync(path);
    return s.isDirectory() || s.isFile() ? [[relative(directory, path), digestOf(path), timeOf(path)]] : [];
  });
}

/** Gives what is as it was before an interrupted run its time stamps back: directories last. */
async function giveTimes(noted: string, directory: string): Promise<void> {
  const list = (JSON.parse(noted) as Stamp[]).map(([name, digest, time]) => ({ path: join(directory, name), digest, time })).filter((s) => existsSync(s.path) && digestOf(s.path) === s.digest);
  const files = list.filter((s) => !lstatSync(s.path).isDirectory());
  for (const s of [...files, ...list.filter((x) => !files.includes(x)).reverse()]) await runTool('touch', ['--no-create', `--date=${s.time}`, s.path]);
}

/** Gives files and directories that did not change their old time stamps back, to the nanosecond (which utimes cannot). */
async function keepTimes(saved: string, directory: string): Promise<void> {
  const files: string[] = [];
  const directories: string[] = [];
  const walk = (path: string): void => {
    const old = lstatSync(path);
    const name = relative(saved, path);
    const now = join(directory, name);
    if (old.isDirectory()) {
      const names = readdirSync(path).sort();
      for (const child of names) walk(join(path, child));
      if (existsSync(now) && names.join('\0') === readdirSync(now).sort().join('\0')) directories.push(name);
    } else if (old.isFile() && existsSync(now) && readFileSync(path).equals(readFileSync(now))) files.push(`./${name}`);
  };
  walk(saved);
  for (let at = 0; at < files.length; at += 500) {
    await runTool('cp', ['--attributes-only', '--preserve=timestamps', '--parents', `--target-directory=${directory}`, ...files.slice(at, at + 500)], { cwd: saved });
  }
  for (const name of directories) await runTool('touch', ['--no-create', `--reference=${join(saved, name)}`, join(directory, name)]);
}

/** Writes what a table's sector holds besides the table: code that no installer makes anew, the mark of a protective MBR. */
export function writeBootSector({ disk, bootCode, active }: Pick<Extract<Step, { kind: 'table' }>, 'disk' | 'bootCode' | 'active'>): void {
  if (bootCode === undefined && active !== true) return;
  const fd = openSync(disk, 'r+');
  try {
    if (bootCode !== undefined) writeSync(fd, Buffer.from(bootCode, 'base64'), 0, undefined, 0);
    if (active === true) writeSync(fd, Buffer.from([0x80]), 0, 1, 446);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Runs the restored system's own extlinux, whose second stage knows where it lies on the disk; the first is in the sector before the
 * table (`writeBootSector`). Returns the files that it makes anew.
 * @throws CdrecError BOOT_LOADER_FAILED
 */
export async function installExtlinux({ directory }: Extract<Step, { kind: 'extlinux' }>, root: string): Promise<string[]> {
  if (inSystem(root, ['extlinux']) === undefined) throw new CdrecError('BOOT_LOADER_FAILED', `the machine started by EXTLINUX in ${directory}, but the restored system has no extlinux program`, { hint: 'chroot to the restored system and install it, or GRUB (apt install extlinux, say), then go on; or skip this step' });
  await runTool('chroot', [root, 'extlinux', '--install', directory]);
  return ['ldlinux.sys', 'ldlinux.c32'].map((name) => `${directory}/${name}`);
}

/**
 * Sees to it that UEFI finds the restored system: the files of the ESP are there from the archive; the removable-media
 * path is filled when it is empty (shim and GRUB, another loader or a unified kernel image copied, or grub-install); the firmware
 * gets the machine's entries where they can be written. A kernel that is started with arguments has no other way. Returns remarks
 * that are no failure.
 * @throws CdrecError BOOT_LOADER_FAILED
 */
export async function ensureEfi(step: Extract<Step, { kind: 'efi' }>, root: string, firmware: boolean): Promise<string[]> {
  const esp = join(root, step.mount);
  const fallback = join(esp, 'EFI/BOOT/BOOTX64.EFI');
  if (step.fresh === true) await installGrubEfi(root, step.mount);
  const programs = listPrograms(esp);
  const own = programs.find((p) => /shimx64\.efi$/i.test(p)) ?? programs.find((p) => /(grubx64|systemd-bootx64|bootx64)\.efi$/i.test(p)) ?? unifiedImage(esp, programs, step.entries);
  const entries = step.entries.filter((e) => hasFile(esp, e.file));
  if (!existsSync(fallback) && own !== undefined) {
    mkdirSync(dirname(fallback), { recursive: true });
    cpSync(own, fallback);
    const grub = join(dirname(own), 'grubx64.efi');
    if (/shim/i.test(own) && existsSync(grub)) cpSync(grub, join(dirname(fallback), 'grubx64.efi'));
  } else if (!existsSync(fallback)) {
    const program = inSystem(root, ['grub-install', 'grub2-install']);
    if (entries.length > 0 && (program === undefined || !['grub', 'grub2'].some((d) => existsSync(join(root, 'boot', d, 'grub.cfg'))))) {
      const failed = firmware ? await enterFirmware(step, entries) : 'this rescue system was not started by UEFI';
      if (failed === undefined) return [];
      throw new CdrecError('BOOT_LOADER_FAILED', `the machine starts by entries of its firmware alone (${entries.map((e) => `${e.label}: ${e.file} ${e.arguments}`.trim()).join('; ')}), which cannot be written: ${failed}`, { hint: 'start the rescue medium by UEFI and give the same command again: it goes on from here; or skip this step and make the entry by hand' });
    }
    if (program === undefined) throw new CdrecError('BOOT_LOADER_FAILED', `no UEFI program lies in ${step.mount}, and the restored system has no grub-install`);
    await runTool('chroot', [root, program, '--target=x86_64-efi', `--efi-directory=${step.mount}`, '--removable', '--no-nvram']);
  }
  if (!existsSync(fallback)) throw new CdrecError('BOOT_LOADER_FAILED', `${step.mount}/EFI/BOOT/BOOTX64.EFI could not be made`);
  if (!firmware) return ['the firmware entry was not written (not booted by UEFI here); the machine starts by the removable-media path'];
  const failed = await enterFirmware(step, entries.length > 0 ? entries : [{ label: step.label, file: `\\${relative(esp, own ?? fallback).replaceAll('/', '\\')}`, arguments: '' }]);
  return failed === undefined ? [] : [`the firmware entry could not be written (${failed}); the machine starts by the removable-media path`];
}

/** GRUB into a new ESP, under the name of its distribution: signed, and behind shim, where these are installed (grub-install(8)). @throws CdrecError BOOT_LOADER_FAILED */
async function installGrubEfi(root: string, mount: string): Promise<void> {
  const program = inSystem(root, ['grub-install', 'grub2-install']);
  if (program === undefined || !['usr/lib/grub/x86_64-efi', 'usr/lib/grub2/x86_64-efi', 'usr/share/grub2/x86_64-efi'].some((d) => existsSync(join(root, d)))) {
    throw new CdrecError('BOOT_LOADER_FAILED', 'the restored system has no GRUB for UEFI', { hint: 'chroot to it and install one (apt install grub-efi-amd64-bin, say), then try again; or leave this step out: it starts by BIOS' });
  }
  await runTool('chroot', [root, program, '--target=x86_64-efi', `--efi-directory=${mount}`, '--no-nvram']);
}

/** A kernel with everything in it, which needs no arguments: what the firmware started, else the newest one in EFI/Linux (Unified Kernel Image, UAPI specification 5). */
function unifiedImage(esp: string, programs: readonly string[], entries: readonly FirmwareEntry[]): string | undefined {
  const started = entries.filter((e) => e.arguments === '').map((e) => e.file.replaceAll('\\', '/').replace(/^\/+/, '').toLowerCase());
  const images = programs.filter((p) => /\/EFI\/Linux\//i.test(p)).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return programs.find((p) => started.includes(relative(esp, p).toLowerCase())) ?? images[0];
}

function listPrograms(esp: string): string[] {
  const out: string[] = [];
  const walk = (dir: string): void => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      if (e.isDirectory()) walk(join(dir, e.name));
      else if (/\.efi$/i.test(e.name)) out.push(join(dir, e.name));
    }
  };
  if (existsSync(join(esp, 'EFI'))) walk(join(esp, 'EFI'));
  return out.sort((a, b) => Number(/\/boot\//i.test(a)) - Number(/\/boot\//i.test(b)) || (a < b ? -1 : 1));
}

/** Whether an ESP holds a file; FAT knows no case. */
function hasFile(esp: string, file: string): boolean {
  let at = esp;
  for (const part of file.split('\\').filter((p) => p !== '')) {
    const found = existsSync(at) ? readdirSync(at).find((n) => n.toLowerCase() === part.toLowerCase()) : undefined;
    if (found === undefined) return false;
    at = join(at, found);
  }
  return true;
}

/**
 * Runs the restored system's own lilo. Where it is gone GRUB takes its place, if the system has it. Returns remarks, and the files that are made anew.
 * @throws CdrecError BOOT_LOADER_FAILED
 */
export async function installLilo(step: Extract<Step, { kind: 'lilo' }>, root: string, notes: Notes): Promise<{ said: string[]; made: string[] }> {
  if (inSystem(root, ['lilo']) !== undefined) {
    await runTool('chroot', [root, 'lilo', '-b', step.disk]);
    return { said: [], made: [liloMap(root)] };
  }
  if (inSystem(root, ['grub-install', 'grub2-install']) === undefined) {
    throw new CdrecError('BOOT_LOADER_FAILED', 'the machine started by LILO, but the restored system has neither lilo nor grub-install', { hint: 'chroot to the restored system and install GRUB (apt install grub-pc, say), then go on; or skip this step' });
  }
  await installGrubBios({ id: step.id, kind: 'grub-bios', disk: step.disk, directory: '/boot/grub', fileSystems: step.fileSystems }, root, notes);
  const mkconfig = inSystem(root, ['grub-mkconfig', 'grub2-mkconfig']);
  if (mkconfig !== undefined) await runTool('chroot', [root, mkconfig, '-o', '/boot/grub/grub.cfg']);
  return { said: ['the restored system has no lilo any more: GRUB was installed in its place'], made: ['/boot/grub/grub.cfg'] };
}

/** The file in which LILO keeps where the blocks of kernels and initramfs lie (lilo.conf(5), map=). */
function liloMap(root: string): string {
  const file = join(root, 'etc/lilo.conf');
  return (existsSync(file) ? /^\s*map\s*=\s*"?([^"\s]+)/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined) ?? '/boot/map';
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBootParts, isSignedPe, prepareBoot } from '@cdrec/bootimage';
import { addModules, builtinNames, FileTree, moduleNames, modulesWithoutFirmware, namesOf } from '@cdrec/closure';
import type { Config } from '@cdrec/config';
import { buildInitrd } from '@cdrec/initrd';
import { authorizedKeys, MODULE_DIRECTORIES, readKeymap } from '@cdrec/ramdisk';
import { kernelLacks, modulesOfDisk, readKernelConfig, staleFstab, type Kernel, type Survey } from '@cdrec/survey';
import { isLabel } from '@cdrec/volumes';
import { formatBytes, searchPath } from '../terminal.js';
import { wrong, type Add } from './check.js';

/** GRUB and old firmware get into trouble with larger first stages; ReaR's users met it at 462 MiB. */
const LARGE_INITRD = 256 * 2 ** 20;

/** Which boot roads the medium will have: makes them in a temporary directory, so that what would fail at the build fails here. */
export async function checkBoot(config: Config, kernel: Kernel, secureBoot: boolean, modulesInUse: readonly string[], add: Add): Promise<void> {
  const { boot, rescue } = config;
  const path = searchPath();
  const parts = findBootParts(path);
  const hint = (part: string): string => parts.missing.find((m) => m.part === part)?.hint ?? '';
  const lacks = (part: string): readonly string[] | undefined => parts.missing.find((m) => m.part === part)?.programs;
  const wanted = boot.bios === 'isolinux' ? 'isolinux' : boot.bios === 'grub' ? 'grubBios' : boot.bios === 'none' ? undefined : 'syslinux';
  if (wanted === undefined) add('boot.bios', 'WARN', 'the medium will not boot by BIOS: boot.bios = "none"', 'leave it, if all your machines have UEFI');
  else if (parts[wanted] === undefined) add('boot.bios', 'FAIL', `the medium would not boot by BIOS: ${parts.missing.find((m) => m.part === wanted)?.what ?? wanted} is missing`, hint(wanted), lacks(wanted));
  else add('boot.bios', 'PASS', `BIOS: ${boot.bios}`);
  const kernelSigned = isSignedPe(kernel.image);
  if (boot.uefi === 'none') add('boot.uefi', 'WARN', 'the medium will not boot by UEFI: boot.uefi = "none"', 'leave it, if all your machines have a BIOS');
  else if (parts.signed !== undefined && kernelSigned && boot.uefi !== 'unsigned') add('boot.uefi', 'PASS', `UEFI: signed by the distribution (${parts.signed.shim})`);
  else if (parts.grub === undefined) add('boot.uefi', 'FAIL', 'the medium would not boot by UEFI: GRUB is incomplete', hint('grub'), lacks('grub'));
  else add('boot.uefi', 'PASS', `UEFI: own GRUB (${parts.grub.directory})`);
  if (boot.uefi !== 'none') {
    const why = parts.signed === undefined ? 'shim and a signed GRUB are not installed' : !kernelSigned ? `${kernel.image} is not signed` : boot.uefi === 'unsigned' ? 'boot.uefi = "unsigned"' : undefined;
    if (why === undefined) add('boot.secure-boot', 'PASS', `the medium will boot with Secure Boot${secureBoot ? ', as this machine does' : ''}`);
    else add('boot.secure-boot', secureBoot ? 'FAIL' : 'WARN', `the medium will not boot with Secure Boot${secureBoot ? ', which this machine enforces' : ''}: ${why}`, parts.signed === undefined ? hint('signed') : 'take a kernel of the distribution; boot.uefi = "auto"', parts.signed === undefined && boot.uefi !== 'unsigned' ? lacks('signed') : undefined);
  }
  if (parts.memtest === undefined) add('boot.memtest', 'WARN', 'there will be no memory test on the medium', hint('memtest'), lacks('memtest'));
  else add('boot.memtest', 'PASS', 'memory test: memtest86+');
  const work = mkdtempSync(join(tmpdir(), 'cdrec-test-'));
  try {
    const initrd = await buildInitrd({ modules: kernel.modules, modulesInUse, addModules: rescue.add_modules, excludeModules: rescue.exclude_modules, image: rescue.image, path, date: 0 });
    const large = initrd.length > LARGE_INITRD;
    add('boot.initrd', large ? 'WARN' : 'PASS', `the first stage has ${formatBytes(initrd.length)}`, ...(large ? ['boot loaders may not be able to load it: see which modules are so large'] : []));
    await prepareBoot({
      parts, bios: boot.bios, uefi: boot.uefi, floppy: boot.floppy, menu: { setId: '00000000-0000-4000-8000-000000000000', label: 'TEST', host: '', append: '', serial: rescue.serial, timeout: 1 },
      kernel: kernel.image, initrd, secureBoot, osId: '', date: 0, work,
    });
    add('boot.images', 'PASS', 'all boot images can be made');
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('boot.images', 'FAIL', message, remedy);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Whether the kernel has what a rescue system needs, and the rescue system what this machine's disks and cards need. */
export async function checkKernel(config: Config, kernel: Kernel, survey: Survey, add: Add): Promise<void> {
  const there = moduleNames(kernel.modules);
  const options = readKernelConfig(kernel.version);
  if (options === undefined) add('kernel.config', 'WARN', `the configuration of kernel ${kernel.version} was not found: it is not known whether it can run a rescue system`, 'boot the medium once to see');
  else {
    const lacks = kernelLacks(options, there, config.rescue.image);
    for (const l of lacks) add(`kernel.config.${l.option}`, 'FAIL', `kernel ${kernel.version} ${l.module === undefined ? `was built without CONFIG_${l.option}` : `has CONFIG_${l.option} as module ${l.module}, which is not on the disk`}: ${l.why}`, 'choose another kernel with --kernel');
    if (lacks.length === 0) add('kernel.config', 'PASS', 'the kernel has everything that a rescue system needs');
  }
  const builtin = builtinNames(kernel.modules);
  const rescue = namesOf(addModules(new FileTree(), kernel.modules, { names: [...survey.modules, ...config.rescue.add_modules], directories: MODULE_DIRECTORIES, all: config.rescue.modules === 'all', exclude: config.rescue.exclude_modules }));
  const covered = (module: string): boolean => rescue.has(module.replaceAll('-', '_')) || builtin.has(module.replaceAll('-', '_'));
  for (const disk of survey.disks.filter((d) => d.used)) {
    const missing = modulesOfDisk(disk.device).filter((m) => !covered(m));
    if (missing.length > 0) add(`driver.${disk.device}`, 'FAIL', `${disk.device} needs the driver ${missing.join(', ')}, which the rescue system will not have: ${missing.some((m) => config.rescue.exclude_modules.some((x) => x.replaceAll('-', '_') === m.replaceAll('-', '_'))) ? 'rescue.exclude_modules names it' : `kernel ${kernel.version} does not have it`}`, 'choose the kernel that runs now, or install its modules; take it out of rescue.exclude_modules');
    else add(`driver.${disk.device}`, 'PASS', `drivers of ${disk.device}: ${modulesOfDisk(disk.device).join(', ') || 'built into the kernel'}`);
  }
  for (const card of survey.network) if (card.driver !== '' && !covered(card.driver)) add(`driver.${card.name}`, 'WARN', `network card ${card.name} needs the driver ${card.driver}, which the rescue system will not have`, 'set rescue.modules = "all"');
  const lost = survey.modules.filter((m) => !there.has(m) && !builtin.has(m));
  if (lost.length > 0) add('modules.lost', 'WARN', `modules that run now are not on the disk for kernel ${kernel.version}: ${lost.join(', ')}`, 'reboot into the installed kernel, or build the modules for it');
  const bare = await modulesWithoutFirmware(kernel.modules, survey.modules);
  for (const b of bare) add(`firmware.${b.module}`, 'WARN', `the driver ${b.module} names firmware, and none of it is on this machine: ${b.firmware.slice(0, 3).join(', ')}${b.firmware.length > 3 ? '...' : ''}`, 'install the firmware package of your distribution, if the device needs it');
  if (bare.length === 0) add('firmware', 'PASS', 'drivers in use find their firmware');
}

/** Configuration that a build would stumble over, and a machine that would not start again as it is. */
export async function checkMachine(config: Config, label: string | undefined, add: Add): Promise<void> {
  const name = label ?? (config.output.label === '' ? undefined : config.output.label);
  if (name !== undefined) add('label', isLabel(name) ? 'PASS' : 'FAIL', isLabel(name) ? `label ${name}` : `the label "${name}" has ${String(name.length)} characters: ISO 9660 has room for 28 and the number of the volume`, ...(isLabel(name) ? [] : ['take 1 to 28 characters of A-Z a-z 0-9 _ . -']));
  try {
    authorizedKeys(config.rescue.ssh_keys);
    if (config.rescue.ssh_keys.length > 0) add('ssh', 'PASS', 'SSH by key in the rescue system');
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('ssh', 'FAIL', message, remedy);
  }
  try {
    const keymap = await readKeymap(config.rescue.keymap, searchPath());
    add('keymap', 'PASS', keymap === undefined ? 'keyboard: US, as the kernel has it' : 'the keyboard map is there');
  } catch (error) {
    const { message, remedy } = wrong(error);
    add('keymap', config.rescue.keymap === 'auto' ? 'WARN' : 'FAIL', message, remedy);
  }
  const stale = await staleFstab();
  for (const s of stale) add(`fstab.${s.mount}`, s.optional ? 'WARN' : 'FAIL', `/etc/fstab names ${s.source} for ${s.mount}, and no device here answers to it: ${s.optional ? 'it is optional' : 'the machine will not start as it should'}`, 'correct /etc/fstab: a restored machine would have the same trouble');
  if (stale.length === 0) add('fstab', 'PASS', 'everything that /etc/fstab names is there');
}

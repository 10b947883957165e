import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fleetFiles, GENERIC_PLACE, NET_RESCUE, placeOfMachine, type FleetMachine } from '@cdrec/bootimage';
import type { Survey } from '@cdrec/survey';
import { withRescue, writeRescueCpio, type MadeFile } from './netboot.js';
import type { RescueRequest } from './rescue-parts.js';
import { macsOf } from './repository-build.js';
import type { Terminal } from './terminal.js';

function serialNumber(): string {
  try {
    return readFileSync('/sys/class/dmi/id/product_serial', 'utf8').trim();
  } catch {
    return ''; // no SMBIOS, or not for us
  }
}

/** How a boot server knows this machine. */
function machineOf(survey: Survey): FleetMachine {
  return { host: survey.host.name, macs: macsOf(survey), serial: serialNumber() };
}

/**
 * `cdrec build --output pxe --to TREE`: adds this machine to the tree of a boot server, or, `generic`, a rescue system for every machine of
 * the repository. Others in the tree stay as they are; a menu appears only when its image is whole.
 */
export function addToTree(request: RescueRequest & { readonly to: string; readonly generic: boolean }, terminal: Terminal): Promise<MadeFile[]> {
  const { to, generic, config } = request;
  const host = (survey: Survey): string => (generic ? '' : survey.host.name);
  const wide = generic ? { ...config, rescue: { ...config.rescue, modules: 'all' as const, network: 'dhcp' as const } } : config;
  mkdirSync(to, { recursive: true, mode: 0o755 });
  const partialOf = (name: string): string => join(to, `.${name === '' ? 'generic' : name}.partial`);
  return withRescue({ ...request, config: wide, out: to }, terminal, (parts) => partialOf(host(parts.survey)), async (parts, signal) => {
    const { survey, boot } = parts;
    const partial = partialOf(host(survey));
    const place = generic ? GENERIC_PLACE : placeOfMachine(survey.host.name);
    const final = join(to, place);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(join(partial, 'boot'), { recursive: true, mode: 0o755 });
    mkdirSync(dirname(join(partial, NET_RESCUE)), { recursive: true, mode: 0o755 });
    copyFileSync(boot.kernel, join(partial, 'boot/vmlinuz'));
    writeFileSync(join(partial, 'boot/initrd.gz'), boot.initrd);
    await writeRescueCpio(join(partial, NET_RESCUE), parts, { ...request, config: wide });
    signal.throwIfAborted();
    const images = ['boot/vmlinuz', 'boot/initrd.gz', NET_RESCUE];
    // Servers run as anybody: secrets of the repository are encrypted, nothing else in it is secret.
    for (const file of images) chmodSync(join(partial, file), 0o644);
    chmodSync(partial, 0o755);
    mkdirSync(dirname(final), { recursive: true, mode: 0o755 });
    const old = `${partial}.old`;
    rmSync(old, { recursive: true, force: true });
    if (existsSync(final)) renameSync(final, old);
    renameSync(partial, final);
    rmSync(old, { recursive: true, force: true });
    const menu = generic ? { ...boot.menu, host: 'any machine of the repository' } : boot.menu;
    const files = fleetFiles(boot.parts, menu, generic ? undefined : machineOf(survey));
    for (const file of files) {
      const target = join(to, file.path);
      if (file.keep === true && existsSync(target)) continue;
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      const beside = join(dirname(target), `.${file.path.replaceAll('/', '_')}.partial`);
      if (file.source === undefined) writeFileSync(beside, file.data as Buffer);
      else copyFileSync(file.source, beside);
      chmodSync(beside, 0o644);
      renameSync(beside, target);
    }
    return [...images.map((p) => join(place, p)), ...files.map((f) => f.path)].map((path) => ({ path: join(to, path), bytes: statSync(join(to, path)).size }));
  });
}

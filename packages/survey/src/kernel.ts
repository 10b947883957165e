import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CdrecError } from '@cdrec/tool';
import type { Kernel } from './schema.js';

/** Places of a kernel's image, by distribution. */
const imagesOf = (version: string): string[] => [
  `/boot/vmlinuz-${version}`,
  `/usr/lib/modules/${version}/vmlinuz`,
  `/lib/modules/${version}/vmlinuz`,
  `/boot/kernel-${version}`,
];

/** Kernels that are complete on this machine: image and modules. */
export function listKernels(): Kernel[] {
  const modules = '/lib/modules';
  if (!existsSync(modules)) return [];
  return readdirSync(modules).sort().flatMap((version) => {
    const image = imagesOf(version).find((path) => existsSync(path));
    return image === undefined || !existsSync(join(modules, version, 'modules.dep')) ? [] : [{ version, image, modules: join(modules, version) }];
  });
}

/**
 * The kernel of the given version.
 * @throws CdrecError KERNEL_NOT_FOUND when its image or modules are missing, naming those that are there.
 */
export function findKernel(version: string): Kernel {
  const all = listKernels();
  const found = all.find((k) => k.version === version);
  if (found !== undefined) return found;
  const others = all.map((k) => k.version).join(', ');
  throw new CdrecError('KERNEL_NOT_FOUND', `kernel ${version} is not complete on this machine: its image in /boot or its modules in /lib/modules are missing`, {
    hint: others === '' ? 'install a kernel package with its modules' : `choose another one with --kernel (there are: ${others}), or reboot into an installed one`,
  });
}

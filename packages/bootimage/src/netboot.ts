import { CdrecError } from '@cdrec/tool';
import { grubMenu, ipxeMenu, ON_MEDIUM, syslinuxMenu, type MenuOptions } from './menus.js';
import type { BootParts } from './parts.js';

/** A file of a TFTP/HTTP tree: its path in it, and its bytes or the host file that it is copied from. */
export interface NetFile {
  readonly path: string;
  readonly data?: Buffer;
  readonly source?: string;
}

/** Name of rd-base in the tree: a cpio archive that boot loaders hand to the kernel as a second initrd. */
export const NET_RESCUE = 'cdrec/rd-base.img';

/** The loaders, if there is one for booting by network. @throws CdrecError BOOT_MISSING */
export function requireNetLoader(parts: BootParts): BootParts {
  if (parts.pxelinux === undefined && parts.signed?.netGrub === undefined) throw new CdrecError('BOOT_MISSING', 'no loader for booting by network is installed', { hint: parts.missing.filter((m) => m.part === 'pxelinux' || m.part === 'signed').map((m) => m.hint).join('; ') });
  return parts;
}

/**
 * The files of a network boot tree, except rd-base: kernel, initrd, PXELINUX (BIOS), iPXE script, GRUB with shim
 * (UEFI), each with its menu. All paths in the menus are relative to where the loader was fetched from, so the tree can lie
 * below any directory of the server - except for GRUB, which knows only its prefix: `/grub`.
 * @throws CdrecError BOOT_MISSING when no loader for network boot is installed
 */
export function netbootFiles(parts: BootParts, menu: MenuOptions, kernel: string, initrd: Buffer): NetFile[] {
  const { pxelinux, signed } = requireNetLoader(parts);
  const files: NetFile[] = [
    { path: 'boot/vmlinuz', source: kernel },
    { path: 'boot/initrd.gz', data: initrd },
    { path: 'boot.ipxe', data: Buffer.from(ipxeMenu(menu)) },
  ];
  const withTest = parts.memtest !== undefined;
  if (withTest) files.push({ path: 'boot/memtest', source: parts.memtest });
  if (pxelinux !== undefined) {
    files.push({ path: 'pxelinux.0', source: pxelinux.bin }, ...pxelinux.modules.map((m) => ({ path: m.split('/').at(-1) as string, source: m })));
    files.push({ path: 'pxelinux.cfg/default', data: Buffer.from(syslinuxMenu({ ...menu, memtest: withTest }, { ...ON_MEDIUM, kernel: 'boot/vmlinuz', initrd: `boot/initrd.gz,${NET_RESCUE}`, memtest: 'boot/memtest', local: 'LOCALBOOT 0' })) });
  }
  if (signed?.netGrub !== undefined) {
    files.push({ path: 'bootx64.efi', source: signed.shim }, { path: 'grubx64.efi', source: signed.netGrub });
    const config = grubMenu(menu, { kernel: '/boot/vmlinuz', initrd: ['/boot/initrd.gz', `/${NET_RESCUE}`], memtest: undefined, memtestEfi: undefined, extra: [], alone: true });
    files.push({ path: 'grub/grub.cfg', data: Buffer.from(config) });
  }
  return files;
}

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, installHint } from '@cdrec/tool';
import { isSignedPe } from './pe.js';

/** The distribution's boot chain for Secure Boot: shim, signed by Microsoft, and the GRUB that it trusts. */
export interface SignedLoader {
  readonly shim: string;
  readonly grub: string;
  /** GRUB for network boot. */
  readonly netGrub: string | undefined;
  /** MokManager, which enrols keys of the machine's owner. */
  readonly mokManager: string | undefined;
}

/** Boot loader files found on the host; `undefined` where a part is not installed. */
export interface BootParts {
  readonly isolinux: { readonly bin: string; readonly mbr: string; readonly modules: readonly string[] } | undefined;
  /** For floppy and hard-disk emulation. */
  readonly syslinux: { readonly program: string; readonly mbr: string; readonly modules: readonly string[] } | undefined;
  readonly pxelinux: { readonly bin: string; readonly modules: readonly string[] } | undefined;
  readonly grubBios: { readonly mkimage: string; readonly directory: string } | undefined;
  readonly grub: { readonly mkimage: string; readonly directory: string } | undefined;
  readonly signed: SignedLoader | undefined;
  readonly memtest: string | undefined;
  readonly memtestEfi: string | undefined;
  /** What is missing, in words, with the way to get it. */
  readonly missing: readonly MissingPart[];
}
export interface MissingPart {
  readonly part: 'isolinux' | 'syslinux' | 'pxelinux' | 'grubBios' | 'grub' | 'signed' | 'memtest';
  readonly what: string;
  readonly hint: string;
  /** Names by which `packagesFor` of @cdrec/tool knows the packages that bring it. */
  readonly programs?: readonly string[];
}

const first = (paths: readonly string[]): string | undefined => paths.find((p) => existsSync(p));
const MENU_MODULES = ['ldlinux.c32', 'menu.c32', 'libutil.c32'];
const SYSLINUX_DIRECTORIES = ['/usr/lib/syslinux/modules/bios', '/usr/share/syslinux', '/usr/lib/syslinux/bios'];

/** Where distributions put signed loaders; first Debian and Ubuntu, then openSUSE. Fedora and its kin have them on the ESP. */
function findSigned(): SignedLoader | undefined {
  const candidates: SignedLoader[] = [];
  const add = (shim: string | undefined, grub: string | undefined, net: string | undefined, mok: string | undefined): void => {
    if (shim !== undefined && grub !== undefined) candidates.push({ shim, grub, netGrub: net, mokManager: mok });
  };
  const grubDir = '/usr/lib/grub/x86_64-efi-signed';
  add(first(['/usr/lib/shim/shimx64.efi.signed', '/usr/lib/shim/shimx64.efi.signed.latest']), first([`${grubDir}/gcdx64.efi.signed`]), first([`${grubDir}/grubnetx64.efi.signed`]), first(['/usr/lib/shim/mmx64.efi.signed', '/usr/lib/shim/mmx64.efi']));
  add(first(['/usr/share/efi/x86_64/shim.efi']), first(['/usr/share/efi/x86_64/grub.efi']), undefined, first(['/usr/share/efi/x86_64/MokManager.efi']));
  for (const esp of ['/boot/efi/EFI', '/efi/EFI', '/boot/EFI']) {
    if (!existsSync(esp)) continue;
    for (const vendor of readdirSync(esp).sort()) {
      const at = join(esp, vendor);
      add(first([`${at}/shimx64.efi`, `${at}/shim.efi`]), first([`${at}/gcdx64.efi`, `${at}/grubx64.efi`, `${at}/grub.efi`]), undefined, first([`${at}/mmx64.efi`, `${at}/MokManager.efi`]));
    }
  }
  return candidates.find((c) => isSignedPe(c.shim) && isSignedPe(c.grub));
}

/** Looks for boot loaders and memtest86+ where the distributions put them. `path` is a PATH string. */
export function findBootParts(path: string): BootParts {
  const missing: MissingPart[] = [];
  const need = (part: MissingPart['part'], what: string, ...programs: string[]): undefined => { missing.push({ part, what, hint: programs.map(installHint).join('; '), programs }); };
  const bin = first(['/usr/lib/ISOLINUX/isolinux.bin', '/usr/share/syslinux/isolinux.bin', '/usr/lib/syslinux/bios/isolinux.bin']);
  const mbr = first(['/usr/lib/ISOLINUX/isohdpfx.bin', '/usr/share/syslinux/isohdpfx.bin', '/usr/lib/syslinux/bios/isohdpfx.bin']);
  const dir = SYSLINUX_DIRECTORIES.find((d) => MENU_MODULES.every((m) => existsSync(join(d, m))));
  const modules = MENU_MODULES.map((m) => join(dir ?? '', m));
  if (bin === undefined || mbr === undefined || dir === undefined) need('isolinux', 'ISOLINUX (isolinux.bin, isohdpfx.bin, menu.c32) for booting by BIOS', 'isolinux.bin', 'ldlinux.c32');
  const syslinux = findProgram('syslinux', path);
  const diskMbr = first(['/usr/lib/syslinux/mbr/mbr.bin', '/usr/share/syslinux/mbr.bin', '/usr/lib/syslinux/bios/mbr.bin']);
  if (syslinux === undefined || diskMbr === undefined || dir === undefined || findProgram('mcopy', path) === undefined) need('syslinux', 'SYSLINUX and mtools for floppy and hard-disk emulation', 'syslinux', 'mtools');
  const pxelinux = first(['/usr/lib/PXELINUX/lpxelinux.0', '/usr/share/syslinux/lpxelinux.0', '/usr/lib/syslinux/bios/lpxelinux.0', '/usr/lib/PXELINUX/pxelinux.0']);
  if (pxelinux === undefined || dir === undefined) need('pxelinux', 'PXELINUX for booting by network', 'pxelinux.0');
  const mkimage = findProgram('grub-mkimage', path) ?? findProgram('grub2-mkimage', path);
  const grubModules = (platform: string): string | undefined => ['/usr/lib/grub', '/usr/share/grub2', '/usr/lib/grub2', '/usr/share/grub'].map((d) => join(d, platform)).find((d) => existsSync(join(d, 'iso9660.mod')));
  const efi = grubModules('x86_64-efi');
  const bios = grubModules('i386-pc');
  if (mkimage === undefined || efi === undefined) need('grub', 'GRUB (grub-mkimage and its x86_64-efi modules) for booting by UEFI', ...(mkimage === undefined ? ['grub-mkimage'] : []), ...(efi === undefined ? ['x86_64-efi modules'] : []));
  if (mkimage === undefined || bios === undefined) need('grubBios', 'GRUB (grub-mkimage and its i386-pc modules) for booting by BIOS', ...(mkimage === undefined ? ['grub-mkimage'] : []), ...(bios === undefined ? ['i386-pc modules'] : []));
  const signed = findSigned();
  if (signed === undefined) need('signed', 'shim and GRUB signed by the distribution, for Secure Boot', 'shim');
  const memtest = first(['/boot/memtest86+x64.bin', '/boot/mt86+x64', '/boot/memtest86+.bin', '/boot/memtest86+/memtest.bin', '/usr/lib/memtest86+/memtest86+.bin', '/usr/share/memtest86+/memtest.bin']);
  if (memtest === undefined) need('memtest', 'memtest86+, the memory test', 'memtest86+');
  return {
    isolinux: bin === undefined || mbr === undefined || dir === undefined ? undefined : { bin, mbr, modules },
    syslinux: missing.some((m) => m.part === 'syslinux') ? undefined : { program: syslinux as string, mbr: diskMbr as string, modules },
    pxelinux: pxelinux === undefined || dir === undefined ? undefined : { bin: pxelinux, modules },
    grub: mkimage === undefined || efi === undefined ? undefined : { mkimage, directory: efi },
    grubBios: mkimage === undefined || bios === undefined ? undefined : { mkimage, directory: bios },
    signed, memtest,
    memtestEfi: first(['/boot/memtest86+x64.efi', '/boot/mt86+x64', '/boot/memtest86+/memtest.efi', '/usr/lib/memtest86+/memtest86+.efi', '/usr/share/memtest86+/memtest.efi']),
    missing,
  };
}

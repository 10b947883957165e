import { grubMenu, ipxeMenu, ON_MEDIUM, syslinuxMenu, type MenuOptions } from './menus.js';
import { NET_RESCUE, requireNetLoader, type NetFile } from './netboot.js';
import type { BootParts } from './parts.js';

/** By what a boot server knows a machine. */
export interface FleetMachine {
  readonly host: string;
  /** `aa:bb:cc:dd:ee:ff`, lower case. */
  readonly macs: readonly string[];
  /** Serial number of the machine (SMBIOS); empty: not known. */
  readonly serial: string;
}

/** Where the images of a tree lie: each machine has its own, the generic one is for any. */
export const placeOfMachine = (host: string): string => `machines/${host}`;
export const GENERIC_PLACE = 'generic';

/** iPXE asks for what it knows of the machine, the most exact first. */
const IPXE = `#!ipxe
chain --autofree mac-\${mac:hexhyp}.ipxe || chain --autofree serial-\${serial}.ipxe || chain --autofree host-\${hostname}.ipxe || chain --autofree generic.ipxe || goto unknown
:unknown
echo This boot server does not know the machine \${mac}, and has no generic rescue system.
prompt --timeout 30000
exit
`;
const GRUB = `if [ -s "/grub/mac-\${net_default_mac}.cfg" ]; then
  configfile "/grub/mac-\${net_default_mac}.cfg"
elif [ -s /grub/generic.cfg ]; then
  configfile /grub/generic.cfg
fi
echo "This boot server does not know the machine \${net_default_mac}, and has no generic rescue system."
sleep --interruptible 30
`;
/** Only until a generic rescue system takes its place. */
const UNKNOWN = 'SAY This boot server does not know this machine, and has no generic rescue system.\nDEFAULT local\nPROMPT 1\nTIMEOUT 300\nLABEL local\n  LOCALBOOT 0\n';

/** A file of the tree; `keep`: one that is there stays. */
export interface FleetFile extends NetFile { readonly keep?: boolean }

/**
 * What a machine (or, without one, the generic rescue system) adds to a boot server's tree: loaders, their first menus, and the menus
 * by which it is known. Images lie below `placeOfMachine` or `GENERIC_PLACE`. All machines write the same shared files.
 * @throws CdrecError BOOT_MISSING when no loader for network boot is installed
 */
export function fleetFiles(parts: BootParts, menu: MenuOptions, machine: FleetMachine | undefined): FleetFile[] {
  const { pxelinux, signed } = requireNetLoader(parts);
  const place = machine === undefined ? GENERIC_PLACE : placeOfMachine(machine.host);
  const text = (path: string, data: string): FleetFile => ({ path, data: Buffer.from(data) });
  const files: FleetFile[] = [text('boot.ipxe', IPXE)];
  const ipxe = ipxeMenu(menu, `${place}/`);
  const dashed = (mac: string): string => mac.replaceAll(':', '-');
  const known = machine === undefined ? ['generic'] : [...machine.macs.map((m) => `mac-${dashed(m)}`), ...(/^[\w.-]+$/.test(machine.serial) ? [`serial-${machine.serial}`] : []), `host-${machine.host}`];
  files.push(...known.map((name) => text(`${name}.ipxe`, ipxe)));
  if (pxelinux !== undefined) {
    const config = syslinuxMenu({ ...menu, memtest: false }, { ...ON_MEDIUM, kernel: `${place}/boot/vmlinuz`, initrd: `${place}/boot/initrd.gz,${place}/${NET_RESCUE}`, memtest: '', local: 'LOCALBOOT 0' });
    files.push({ path: 'pxelinux.0', source: pxelinux.bin }, ...pxelinux.modules.map((m) => ({ path: m.split('/').at(-1) as string, source: m })));
    if (machine === undefined) files.push(text('pxelinux.cfg/default', config));
    // 01: ARP type of Ethernet (SYSLINUX, pxelinux.txt).
    else files.push(...machine.macs.map((m) => text(`pxelinux.cfg/01-${dashed(m)}`, config)), { ...text('pxelinux.cfg/default', UNKNOWN), keep: true });
  }
  if (signed?.netGrub !== undefined) {
    const config = grubMenu(menu, { kernel: `/${place}/boot/vmlinuz`, initrd: [`/${place}/boot/initrd.gz`, `/${place}/${NET_RESCUE}`], memtest: undefined, memtestEfi: undefined, extra: [], alone: true });
    files.push({ path: 'bootx64.efi', source: signed.shim }, { path: 'grubx64.efi', source: signed.netGrub }, text('grub/grub.cfg', GRUB));
    files.push(...(machine === undefined ? [text('grub/generic.cfg', config)] : machine.macs.map((m) => text(`grub/mac-${m}.cfg`, config))));
  }
  return files;
}

/** What the menus must know. */
export interface MenuOptions {
  readonly setId: string;
  readonly label: string;
  readonly host: string;
  /** Added to the rescue kernel's command line. */
  readonly append: string;
  readonly memtest: boolean;
  /** Seconds until the default entry starts. */
  readonly timeout: number;
}

/** Name of the file by which boot loader and initrd recognise volume 1 of a set. */
export const markerFile = (setId: string): string => `cdrec/id/${setId}`;

interface Entry { readonly id: string; readonly text: string; readonly extra: string }

/** Rescue entries in menu order. The last console of the command line is /dev/console. */
const RESCUE: readonly Entry[] = [
  { id: 'rescue', text: 'Rescue system (screen and serial console)', extra: 'console=ttyS0,115200 console=tty0' },
  { id: 'serial', text: 'Rescue system, serial console only', extra: 'console=ttyS0,115200' },
  { id: 'restore', text: 'Restore this machine without questions', extra: 'console=ttyS0,115200 console=tty0 cdrec.auto=restore' },
];

const commandLine = (o: MenuOptions, extra: string): string => ['cdrec.set=' + o.setId, 'loglevel=5', 'panic=60', extra, o.append].filter((s) => s !== '').join(' ');

/** isolinux.cfg: text menu on screen and serial line. */
export function isolinuxMenu(o: MenuOptions): string {
  const entries = RESCUE.map((e, i) => `LABEL ${e.id}
  MENU LABEL ^${String(i + 1)}) ${e.text}
  KERNEL /boot/vmlinuz
  INITRD /boot/initrd.gz
  APPEND ${commandLine(o, e.extra)}
`);
  const memtest = o.memtest ? [`LABEL memtest\n  MENU LABEL ^5) Memory test (memtest86+)\n  LINUX /boot/memtest\n  APPEND console=ttyS0,115200\n`] : [];
  return `SERIAL 0 115200
DEFAULT menu.c32
PROMPT 0
TIMEOUT ${String(o.timeout * 10)}
MENU TITLE cdrec: ${o.label} of ${o.host}
ONTIMEOUT rescue
${entries.join('\n')}
LABEL hd
  MENU LABEL ^4) Boot from the first hard disk
  LOCALBOOT 0x80

${memtest.join('\n')}`;
}

/** grub.cfg of the UEFI road. */
export function grubMenu(o: MenuOptions): string {
  const entries = RESCUE.map((e, i) => `menuentry "${String(i + 1)}) ${e.text}" --id ${e.id} --hotkey ${String(i + 1)} {
  linux /boot/vmlinuz ${commandLine(o, e.extra)}
  initrd /boot/initrd.gz
}`);
  return `if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
set default=0
set timeout=${String(o.timeout)}
echo "cdrec: ${o.label} of ${o.host}"
${entries.join('\n')}
menuentry "4) Boot from the first hard disk" --id hd --hotkey 4 {
  exit
}
`;
}

/** What the menus must know. */
export interface MenuOptions {
  readonly setId: string;
  readonly label: string;
  readonly host: string;
  /** Added to the rescue kernel's command line. */
  readonly append: string;
  /** Serial line beside the screen (`ttyS0,115200`); empty: none. */
  readonly serial: string;
  /** Memory tests on the medium: for BIOS, for UEFI. */
  readonly memtest: boolean;
  readonly memtestEfi: boolean;
  /** Seconds until the default entry starts. */
  readonly timeout: number;
}

/** Name of the file by which boot loader and initrd recognise volume 1 of a set. */
export const markerFile = (setId: string): string => `cdrec/id/${setId}`;

interface Entry { readonly id: string; readonly text: string; readonly extra: string }

/** Rescue entries in menu order. The last console of the command line is /dev/console. */
function rescueEntries(serial: string): Entry[] {
  const line = serial === '' ? '' : `console=${serial} `;
  return [
    { id: 'rescue', text: serial === '' ? 'Rescue system' : 'Rescue system (screen and serial console)', extra: `${line}console=tty0` },
    ...(serial === '' ? [] : [{ id: 'serial', text: 'Rescue system, serial console only', extra: line.trim() }]),
    { id: 'restore', text: 'Restore this machine without questions', extra: `${line}console=tty0 cdrec.auto=restore` },
  ];
}

const commandLine = (o: MenuOptions, ...extra: string[]): string => ['cdrec.set=' + o.setId, 'loglevel=4', 'panic=60', ...extra, o.append].filter((s) => s !== '').join(' ');

/** Number and speed of a serial line that boot loaders can speak to, or undefined. */
function serialUnit(serial: string): { unit: number; speed: number } | undefined {
  const match = /^ttyS(\d)(?:,(\d+))?/.exec(serial);
  return match === null ? undefined : { unit: Number(match[1]), speed: Number(match[2] ?? 115200) };
}

/** Where a loader of the SYSLINUX family finds things. */
export interface SyslinuxPlaces {
  readonly kernel: string;
  /** Comma-separated files. */
  readonly initrd: string;
  readonly memtest: string;
  /** Rescue entries, or only the memory test. */
  readonly rescue: boolean;
  /** How the first hard disk is started: `LOCALBOOT 0x80`, for PXELINUX `LOCALBOOT 0`. */
  readonly local: string;
}

export const ON_MEDIUM: SyslinuxPlaces = { kernel: '/boot/vmlinuz', initrd: '/boot/initrd.gz', memtest: '/boot/memtest', rescue: true, local: 'LOCALBOOT 0x80' };

/** Configuration for ISOLINUX, SYSLINUX and PXELINUX: text menu on screen and serial line. */
export function syslinuxMenu(o: MenuOptions, places: SyslinuxPlaces = ON_MEDIUM): string {
  const serial = serialUnit(o.serial);
  const rescue = places.rescue ? rescueEntries(o.serial).map((e) => ({ id: e.id, text: e.text, lines: [`KERNEL ${places.kernel}`, `INITRD ${places.initrd}`, `APPEND ${commandLine(o, e.extra)}`] })) : [];
  const memtest = o.memtest ? [{ id: 'memtest', text: 'Memory test (memtest86+)', lines: [`LINUX ${places.memtest}`, ...(serial === undefined ? [] : [`APPEND console=ttyS${String(serial.unit)},${String(serial.speed)}`])] }] : [];
  const hd = { id: 'hd', text: 'Boot from the first hard disk', lines: [places.local] };
  const entries = places.rescue ? [...rescue, hd, ...memtest] : [...memtest, hd]; // Enter takes the first one
  const start = places.rescue ? 'rescue' : o.memtest ? 'memtest' : 'hd';
  return `${serial === undefined ? '' : `SERIAL ${String(serial.unit)} ${String(serial.speed)}\n`}DEFAULT menu.c32
PROMPT 0
TIMEOUT ${String(o.timeout * 10)}
MENU TITLE cdrec: ${o.label} of ${o.host}
ONTIMEOUT ${start}
${entries.map((e, i) => `LABEL ${e.id}\n  MENU LABEL ^${String(i + 1)}) ${e.text}\n${e.lines.map((l) => `  ${l}\n`).join('')}`).join('\n')}`;
}

/** What is different in a GRUB menu. */
export interface GrubPlaces {
  readonly kernel: string;
  readonly initrd: readonly string[];
  /** Memory test for BIOS and for UEFI; undefined: none. */
  readonly memtest: string | undefined;
  readonly memtestEfi: string | undefined;
  /** Further words of the command line. */
  readonly extra: readonly string[];
  /** Whether the menu is the first one: then it sets the terminals, too. */
  readonly alone: boolean;
}

export const grubOnMedium = (o: MenuOptions): GrubPlaces => ({ kernel: '/boot/vmlinuz', initrd: ['/boot/initrd.gz'], memtest: o.memtest ? '/boot/memtest' : undefined, memtestEfi: o.memtestEfi ? '/boot/memtest.efi' : undefined, extra: [], alone: true });

/** grub.cfg for BIOS and UEFI. With Secure Boot the memory test, which nobody signs, is not offered. */
export function grubMenu(o: MenuOptions, places: GrubPlaces = grubOnMedium(o)): string {
  const serial = serialUnit(o.serial);
  const rescue = rescueEntries(o.serial);
  const terminal = places.alone && serial !== undefined ? `if serial --unit=${String(serial.unit)} --speed=${String(serial.speed)}; then
  terminal_input console serial
  terminal_output console serial
fi
` : '';
  const head = `${terminal}set default=0
set timeout=${String(o.timeout)}
echo "cdrec: ${o.label} of ${o.host}"
`;
  const entries = rescue.map((e, i) => `menuentry "${String(i + 1)}) ${e.text}" --id ${e.id} --hotkey ${String(i + 1)} {
  echo "Loading the kernel ..."
  linux ${places.kernel} ${commandLine(o, e.extra, ...places.extra)}
  echo "Loading the first stage ..."
  initrd ${places.initrd.join(' ')}
}`);
  const hd = String(rescue.length + 1);
  const test = String(rescue.length + 2);
  const memory = (file: string): string => `  menuentry "${test}) Memory test (memtest86+)" --id memtest --hotkey ${test} {
    linux ${file}${serial === undefined ? '' : ` console=ttyS${String(serial.unit)},${String(serial.speed)}`}
  }
`;
  return `${head}${entries.join('\n')}
menuentry "${hd}) Boot from the first hard disk" --id hd --hotkey ${hd} {
  if [ "$grub_platform" = pc ]; then
    set root=(hd0)
    chainloader +1
  else
    exit
  fi
}
${places.memtest === undefined ? '' : `if [ "$grub_platform" = pc ]; then\n${memory(places.memtest)}fi\n`}${places.memtestEfi === undefined ? '' : `if [ "$grub_platform" = efi -a "$shim_lock" != y ]; then\n${memory(places.memtestEfi)}fi\n`}`;
}

/** /boot/grub/loopback.cfg: for GRUB on a disk that starts an ISO file (\`loopback\`), with its path in $iso_path. */
export const loopbackMenu = (o: MenuOptions): string => grubMenu(o, { ...grubOnMedium(o), extra: ['cdrec.iso=${iso_path}'], alone: false });

/** The configuration inside of a GRUB image: find the medium by the set's marker file, go on there. */
export const grubStub = (setId: string): string => `search --no-floppy --file --set=root /${markerFile(setId)}
set prefix=($root)/boot/grub
configfile ($root)/boot/grub/grub.cfg
`;

/** iPXE script; kernel and initrds lie below `place` (`machines/web1/`), seen from where the script lies. */
export function ipxeMenu(o: MenuOptions, place = ''): string {
  const rescue = rescueEntries(o.serial);
  return `#!ipxe
:start
menu cdrec: ${o.label} of ${o.host}
${rescue.map((e, i) => `item --key ${String(i + 1)} ${e.id} ${String(i + 1)}) ${e.text}`).join('\n')}
item --key x exit x) Boot from the next device
choose --default rescue --timeout ${String(o.timeout * 1000)} target || goto exit
goto \${target}
${rescue.map((e) => `:${e.id}
kernel ${place}boot/vmlinuz initrd=initrd.gz initrd=rd-base.img ${commandLine(o, e.extra)} || goto failed
initrd --name initrd.gz ${place}boot/initrd.gz || goto failed
initrd --name rd-base.img ${place}cdrec/rd-base.img || goto failed
boot || goto failed`).join('\n')}
:failed
echo Loading failed; a key returns to the menu.
prompt
goto start
:exit
exit
`;
}

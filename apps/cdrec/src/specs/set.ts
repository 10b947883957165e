import { lazy, type CommandSpec } from '../cli/spec.js';
import { CONFIG, JSON_OUT, REPOSITORY, TAPE, VOLUMES } from './shared.js';

export const verify: CommandSpec = {
  name: 'verify', summary: 'read all volumes of a set and compare every checksum; in any order, from files, directories or devices',
  description: ['What is missing or damaged is named: volume, file, and what is wrong with it. With --rehearsal, the report of a rehearsal is checked instead.'],
  arguments: [VOLUMES],
  options: [TAPE, ...REPOSITORY, JSON_OUT, { flags: '--rehearsal <directory>', text: 'check the report of a rehearsal: its signature (--key), and that it speaks of these very volumes', value: 'directory' }, { flags: '--key <file>', text: 'public Ed25519 key (PEM) of who signed the report', value: 'file' }],
  examples: [['verify /backup/*.iso', 'a set of ISO files'], ['verify', 'the discs in the drives'], ['verify --rehearsal report --key key.pub /backup/*.iso', 'is this report genuine, and of these volumes?']],
  exit: { 0: 'complete and undamaged', 1: 'something is missing, damaged or forged' },
  run: lazy(async () => (await import('../commands/verify.js')).verify),
};

export const inspect: CommandSpec = {
  name: 'inspect', summary: 'show what a set holds, and whether its volumes keep the rules of their format; other ISO images too',
  description: ['Findings on the format name the clause of the standard (ECMA-119, SUSP, RRIP, Joliet, El Torito, UDF) that is broken.'],
  arguments: [VOLUMES],
  options: [{ flags: '--json', text: 'set.json of the last volume (or what was found out of other images) on standard output' }, { flags: '--content', text: 'also read all files and compare them with the checksums that the image carries' }, { flags: '--notes', text: 'also list breaches that common writers make and no known reader minds' }],
  examples: [['inspect /backup/*.iso', 'machine, disks, archives, volumes'], ['inspect debian-12.iso', 'any ISO image']],
  exit: { 0: 'no errors of format', 3: 'a volume breaks rules of its format' },
  run: lazy(async () => (await import('../commands/inspect.js')).inspect),
};

export const burn: CommandSpec = {
  name: 'burn', summary: 'write ISO images onto a USB stick or onto discs, read them back and compare',
  description: ['Whatever is mounted or otherwise in use is refused. Before a stick is overwritten, its model, size and content are shown and its name is asked for.'],
  arguments: [{ name: '<image...>', text: 'ISO files; volume 1 boots', value: 'image' }],
  options: [
    { flags: '--usb <device>', text: 'the whole stick: /dev/sdX, or a link below /dev/disk/by-id', value: 'device' }, { flags: '--disc <drive>', text: 'burner: /dev/sr0; a disc for each image, asked for until every one is right', value: 'device' },
    { flags: '--erase', text: 'blank rewritable discs without a question' }, { ...CONFIG, text: 'configuration file (output.burn_program, output.burn_speed)' },
    { flags: '--overwrite <device>', text: 'the same device once more, instead of the question; needed for disks that are not removable or carry a volume', value: 'device' }, JSON_OUT,
  ],
  examples: [['burn --usb /dev/sdX /backup/CDrec-2026.11.24_1.iso', 'a stick that boots'], ['burn --disc /dev/sr0 /backup/*.iso', 'a disc for each volume']],
  exit: { 0: 'written and compared' },
  run: lazy(async () => (await import('../commands/burn.js')).burn),
};

export const bootEntry: CommandSpec = {
  name: 'boot-entry', summary: 'make a GRUB menu entry that starts the rescue system from an ISO file on this machine\'s disk',
  description: ['Without --install the entry is printed. The disk with the file cannot be restored from it: use the entry to repair, or for another disk.'],
  arguments: [{ name: '<image>', text: 'volume 1 of a set', value: 'image' }],
  options: [{ flags: '--install', text: 'put it into custom.cfg of this machine\'s GRUB, in the place of an older one' }],
  examples: [['boot-entry /srv/CDrec-2026.11.24_1.iso', 'look at the entry'], ['boot-entry --install /srv/CDrec-2026.11.24_1.iso', 'put it into the menu']], exit: {},
  files: [['/boot/grub/custom.cfg', 'where the entry goes']],
  run: lazy(async () => (await import('../commands/boot-entry.js')).bootEntry),
};

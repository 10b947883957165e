import { lazy, type CommandSpec, type OptionSpec } from '../cli/spec.js';
import { REPOSITORY, TAPE, VOLUMES } from './shared.js';

const PLAN: readonly OptionSpec[] = [
  TAPE, ...REPOSITORY,
  { flags: '--grow', text: 'use all of larger disks: partitions, volumes and their file systems grow in proportion (smaller disks are always made do with, down to what is used)' },
  { flags: '--fixed <name>', text: 'keeps its size: a mount point, GROUP/VOLUME, or a device; default: restore.fixed of the configuration', repeat: true },
  { flags: '--weight <name=number>', text: 'share of what is gained on larger disks; without a weight nothing else grows', repeat: true },
  { flags: '--empty <mount point>', text: 'file system that comes back without its files, and needs no room for them: they stay in the set (restore-fs), and volumes that hold nothing else may be missing', repeat: true },
  { flags: '--table <[source=]kind>', text: 'partition table of the new disk: gpt or mbr; default: the kind it had, GPT where a disk that grows is too large for an MBR', repeat: true, value: ['gpt', 'mbr'] },
  { flags: '--firmware <kind>', text: 'how the restored system is to start: bios or uefi; default: as this machine was started. A system that started by BIOS alone gets an EFI system partition for uefi, on a GPT, and then starts by both', value: ['bios', 'uefi'] },
  { flags: '--nic <old=new>', text: 'which network card takes the place of which: its old name, and the name or MAC address of the one that is here; found by itself where it is clear (the same address or slot, or one of each); none: the network of the restored system stays as it is', repeat: true },
  { flags: '--json', text: 'the plan as JSON on standard output' },
];
const DISKS: readonly OptionSpec[] = [
  { flags: '--disk <source=target>', text: 'which disk takes the place of which; just a target if the machine had one disk; several go onto one where they name the same', repeat: true, value: 'device' },
  { flags: '--without <source>', text: 'disk of the machine that nothing takes the place of: arrays run degraded', repeat: true, value: 'device' },
];
const RUN: readonly OptionSpec[] = [
  { flags: '--yes', text: 'do not ask; only for plans that are not ambiguous' },
  { flags: '--auto', text: 'like --yes, after a visible countdown' },
  { flags: '--dry-run', text: 'only show the plan' },
  { flags: '--step', text: 'ask before every step: do it, or leave it out' },
  { flags: '--skip <step>', text: 'leave a step of the plan out, by its number or id', repeat: true },
  { flags: '--from <step>', text: 'begin with this step: those before it were done by hand' },
  { flags: '--restart', text: 'begin anew, although an interrupted restore of this set is on the disk' },
  { flags: '--luks-key <[name=]file>', text: 'file with the passphrase of encrypted volumes, or of the one named; default: ask', repeat: true, value: 'file' },
  { flags: '--check', text: 'compare every restored file with its archive at the end' },
  { flags: '--hook <file>', text: 'command (bash) that is run when all is restored, before --check, with the restored system mounted at $CDREC_ROOT', value: 'file' },
  { flags: '--skip-verify', text: 'do not read the archives before the first write' },
  { flags: '--journal <file>', text: 'where finished steps are noted', default: '/run/cdrec/journal.jsonl', value: 'file' },
  { flags: '--work <directory>', text: 'where file systems are mounted meanwhile', default: '/mnt/local', value: 'directory' },
];
const EXIT = { 0: 'restored', 1: 'failed: run it again, finished steps are not repeated', 3: 'restored, but files listed were missing from the backup, or steps were left out' } as const;
const FILES = [['/run/cdrec/journal.jsonl', 'journal of the steps that are done'], ['/.cdrec-restore.jsonl', 'the same on the restored system, while it is restored'], ['/etc/recovery/survey.json', 'in the rescue system: what the machine was']] as const;

export const plan: CommandSpec = {
  name: 'plan', summary: 'show what a restore would do; writes nothing',
  description: ['The plan names every disk that would be overwritten by model, serial number and size, with a map of before and after, and every step. It is what restore shows before it asks.'],
  arguments: [VOLUMES], options: [...PLAN, ...DISKS], examples: [['plan', 'on the machine that is to be restored'], ['plan /backup/*.iso --disk /dev/sdb --grow', 'what it would look like on another disk']],
  exit: { 1: 'it could not be planned: a disk is too small or missing, a volume is missing' },
  run: lazy(async () => (await import('../commands/restore.js')).plan),
};

export const restore: CommandSpec = {
  name: 'restore', alias: 'start-restore', summary: 'restore the whole machine: verify the set, show the plan, ask, do it',
  description: [
    'Archives are read and compared before the first write; nothing is written before you agree. A disk that carries the set or is mounted is refused. After a failure or a power cut, the same command goes on where it stopped.',
    'In the rescue system the command is also called start-restore. On a terminal, a step that fails is followed by a question: look at it in a shell, try it again, leave it out, or stop.',
  ],
  arguments: [VOLUMES], options: [...PLAN, ...DISKS, ...RUN],
  examples: [['restore', 'in the rescue system: search the set, show the plan, ask'], ['restore --disk /dev/sda=/dev/nvme0n1 --grow', 'onto a larger disk, all of it used'], ['restore --repository rest:https://backup:8000/ --host web1', 'from a repository, without a medium of the machine'], ['restore --yes --check', 'without questions, and compare every file afterwards']],
  exit: EXIT, files: FILES,
  run: lazy(async () => (await import('../commands/restore.js')).restore),
};

export const cloneDsk: CommandSpec = {
  name: 'clone-dsk', summary: 'bring one disk of the machine onto another one, of any size',
  description: ['Only what lies on the source comes back; arrays that have members on other disks run degraded. --step asks before every step.'],
  arguments: [{ name: '<source>', text: 'disk of the machine, as the survey calls it (/dev/sda)', value: 'device' }, { name: '<target>', text: 'disk of this machine that is overwritten', value: 'device' }, VOLUMES], options: [...PLAN, ...RUN],
  examples: [['clone-dsk /dev/sda /dev/nvme0n1 --table gpt --weight /home=1', 'onto a larger disk with GPT; /home alone grows']],
  exit: EXIT, files: FILES,
  run: lazy(async () => (await import('../commands/restore.js')).cloneDisk),
};

export const restoreFs: CommandSpec = {
  name: 'restore-fs', summary: 'one file system, or single files, out of a set: into a directory or a prepared partition',
  description: ['Only the volumes that the file system lies on must be there; for --list and --find the one where its archive ends, which has its index. Sets of mkCDrec 1.x are read, too.'],
  arguments: [VOLUMES],
  options: [
    { flags: '--list', text: 'list the files (with --fs or --path: only those)' },
    { flags: '--find <pattern>', text: 'list files by name ("fstab", "*.conf") or path ("/etc/**"); * and ? match no slash, ** does' },
    { flags: '--path <path>', text: 'take this file, or directory with all below', repeat: true },
    { flags: '--fs <mount point>', text: 'take this whole file system' },
    { flags: '--to <directory or device>', text: 'where it is unpacked: files keep their path below a directory; a file system becomes what an empty directory or a device holds', value: 'file' },
    { flags: '--mkfs <type>', text: 'make a new file system on the device first, of this type (another one than it was, if you like)', value: ['ext4', 'xfs', 'btrfs', 'ext3', 'ext2', 'f2fs', 'jfs', 'reiserfs', 'vfat', 'exfat'] },
    { flags: '--yes', text: 'do not ask before a device is overwritten' }, TAPE, ...REPOSITORY,
  ],
  examples: [['restore-fs set/*.iso --find "*.conf"', 'where was it?'], ['restore-fs set/*.iso --path /etc/ssh --to /tmp/old', 'single files, with owner and mode'], ['restore-fs set/*.iso --fs /home --to /dev/sdb1 --mkfs xfs', 'a file system, onto another type']],
  exit: { 0: 'unpacked', 3: 'unpacked, but files listed were missing from the backup' },
  run: lazy(async () => (await import('../commands/restore-fs.js')).restoreFs),
};

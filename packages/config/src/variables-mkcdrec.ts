// Every variable of Config.sh of mkCDrec 1.2 (2011).
import { compressor, isYes, names, paths, sizeOf, split, text } from './carry.js';
import type { Carried, Variable } from './variables.js';

type Carry = NonNullable<Variable['carry']>;
const v = (name: string, byDefault: string, place: string, why: string, carry?: Carry): Variable => ({ source: 'mkcdrec', name, default: byDefault, place, why, ...(carry === undefined ? {} : { carry }) });
/** Gone: no successor, whatever its value. */
const gone = (name: string, byDefault: string, why: string): Variable => v(name, byDefault, '', why);
const hand = (why: string): Carry => (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: why });

const densities: Readonly<Record<string, string>> = { ED: 'floppy-2.88', HD: 'floppy-1.44', H1722: 'floppy-1.44' };

/** Modules that somebody listed; `@` meant "without looking for dependencies". Long default lists are the broad set. */
const modules = (words: readonly string[]): Carried => {
  const list = split(words).map((w) => w.replace(/^@/, ''));
  return list.length === 0 ? { same: 'it is empty' } : { set: { 'rescue.add_modules': list } };
};

/** Hexadecimal tape densities of Config.sh's own table. */
const tapeCapacity: Readonly<Record<string, string>> = { '0x24': '4G', '0x25': '12G', '0x26': '20G', '0x19': '10G', '0x1a': '20G', '0x1b': '35G', '0x41': '40G' };

/** TSM, Data Protector, NetWorker, Bacula: the client that restores is called by a command. */
const client = (name: string, product: string, byDefault: string): Variable[] => [
  v(`${name}_RESTORE`, byDefault, 'restore.command', `${product}: backup.engine = "command" calls its client (docs/external-engines.md), which goes into the rescue system by rescue.files and rescue.programs`, (words) => (isYes(words) ? { hand: `${product}: backup.engine = "command", and its client in rescue.files and rescue.programs (docs/external-engines.md)` } : { same: 'it was off' })),
  v(`${name}_ROOT_DIR`, '', 'rescue.files', `directory of the client of ${product}`, (words) => paths('rescue.files', words)),
  v(`${name}_FILES`, '', 'rescue.files', `files of the client of ${product}`, (words) => paths('rescue.files', words)),
];

export const MKCDREC: readonly Variable[] = [
  v('VERBOSE', 'n', '--debug', 'cdrec says what it does; --debug shows the stack of errors'),
  v('USECOLOR', 'y', 'NO_COLOR', 'there are no colours that could be in the way'),
  v('BOOTARCH', 'x86', 'cdrec survey', 'found out: x86-64 is what cdrec knows', (words) => (/^x86(_64)?$/.test(words[0] ?? '') ? { same: 'found out by itself' } : { hand: `${words[0] ?? ''} is not x86-64: cdrec cannot make its media` })),
  v('HEAVY_VERIFY', 'y', 'cdrec test', 'a build checks what it needs each time; "cdrec test" shows all of it'),
  v('RAMDISK_SIZE', '128 (MB)', 'rescue.max_size', 'limit of the unpacked rescue system; the default is 1G, mkCDrec\'s would be too small', (words) => (Number(words[0]) > 1024 ? sizeOf('rescue.max_size', words, 2 ** 20) : { same: `${words[0] ?? ''} MB would be too small; the limit is 1G` })),
  gone('ISOFS_DIR', '/var/tmp/backup', 'there is no staging directory: tar\'s stream goes straight into the volume'),
  v('CDREC_ISO_DIR', '/var/tmp/isodir', 'output.directory', 'where volumes are written', (words) => text('output.directory', words)),
  v('LINUX_KERNEL', '(found)', 'rescue.kernel', 'a kernel is named by its version, its image is found by it', (words) => {
    const version = /vmlinuz-(.+)$/.exec(words[0] ?? '')?.[1];
    return words.length === 0 ? { same: 'the running kernel' } : version === undefined ? { hand: `no version in ${words[0] as string}: give rescue.kernel` } : { set: { 'rescue.kernel': version } };
  }),
  v('LINUX_VERSION', '(found)', 'rescue.kernel', 'version of the kernel', (words) => text('rescue.kernel', words)),
  gone('ELILO_DIR', '/boot/efi/efi/redhat', 'IA-64 is not supported'),
  v('KERNEL_APPEND', 'ramdisk_blocksize=1024 selinux=0', 'rescue.kernel_append', 'command line of the rescue kernel', (words) => {
    const list = split(words).filter((w) => !/^(ramdisk_\w+=|selinux=0)/.test(w));
    return list.length === 0 ? { same: 'what it says is not needed any more' } : { set: { 'rescue.kernel_append': list.join(' ') } };
  }),
  v('CMP_PROG', 'gzip', 'backup.compress', 'zstd, gzip, bzip2, xz, none', (words) => compressor(words[0] ?? '')),
  v('CMP_PROG_OPT', '-9cv', 'backup.level', 'a level from the options', (words, all) => {
    const level = /-[a-z]*([1-9])/.exec(words.join(' '))?.[1];
    const program = all.get('CMP_PROG')?.[0] ?? 'gzip';
    if (level === undefined || !('set' in compressor(program))) return { same: 'no level of a compressor that cdrec has' };
    return { set: { 'backup.level': Number(level) } };
  }),
  v('CIPHER', 'none', 'backup.encrypt, backup.passphrase', 'age: authenticated, keys never in arguments', (words) => (words.length === 0 || words[0] === 'none' ? { same: 'no encryption' } : { hand: `${words[0] as string}: make a key with age-keygen and set backup.encrypt = ["age1..."], or backup.passphrase = true` })),
  v('ENC_PROG_PASSWD_FILE', '$HOME/.secret', 'backup.encrypt', 'no secret lies on the machine: it encrypts with a public key', (_words, all) => ((all.get('CIPHER')?.[0] ?? 'none') === 'none' ? { same: 'no encryption' } : { drop: 'no secret lies on the machine: it encrypts with a public key' })),
  v('PreExec', '', 'backup.pre_exec', 'command before the backups', (words) => text('backup.pre_exec', words)),
  v('PostExec', '', 'backup.post_exec', 'command after the backups, also when they failed', (words) => text('backup.post_exec', words)),
  gone('PROMPT_BOOT_FLOPPY', '0', '"cdrec build --output floppy" makes the image of a boot floppy'),
  gone('INITRD_FS', 'ramfs', 'the initrd is a cpio archive'),
  v('ROOT_FS', 'ramfs', 'rescue.image', 'squashfs, tar.zst, tar.gz'),
  gone('INITRDSIZE', '16384 (KB)', 'a cpio archive has no fixed size'),
  v('BACKUP_LOOP', '0', 'backup.include', 'file systems in files are saved with their files', (words) => (isYes(words) ? { hand: 'loop mounts are saved as the files that they are: mount points of their own are not archived' } : { same: 'they are saved as the files that they are' })),
  v('BOOT_FLOPPY_DENSITY', 'ED', 'boot.bios', 'only with FORCE_SYSLINUX', (words, all) => {
    if (!isYes(all.get('FORCE_SYSLINUX') ?? [])) return { same: 'ISOLINUX boots without an emulated floppy' };
    const ours = densities[words[0] ?? ''];
    return ours === undefined ? { hand: `${words[0] ?? ''}: there are floppy-1.2, floppy-1.44, floppy-2.88` } : { set: { 'boot.bios': ours } };
  }),
  gone('CHECK_BAD_BLOCKS', '', 'disks replace bad blocks themselves; run badblocks in the rescue system'),
  v('ADD_PERL', 'false', 'rescue.programs, rescue.files', 'a further program and its modules', (words) => (isYes(words) ? { set: { 'rescue.programs': ['perl'], 'rescue.files': ['/usr/share/perl'] }, remark: 'add further directories of modules to rescue.files' } : { same: 'it was off' })),
  v('TAPE_DEV', '/dev/nst0', 'output.tapes', 'drives, one after another', (words) => names('output.tapes', words)),
  gone('MT', '/bin/mt', 'mt is found on PATH'),
  v('TapeDensity', '0x25', 'output.tape_capacity', 'a drive says its own end; a capacity is needed only to stop earlier', (words) => {
    const size = tapeCapacity[(words[0] ?? '').toLowerCase()];
    return size === undefined ? { hand: `density ${words[0] ?? ''}: set output.tape_capacity if a tape must end before the drive says so` } : { same: `the drive tells its own end (density ${words[0] as string}: ${size})` };
  }),
  v('REMOTE_COMMAND', 'ssh', 'output.tapes', 'HOST:/dev/nst0 goes by SSH', (words) => ((words[0] ?? '').endsWith("rsh") ? { drop: 'rsh is not used: HOST:/dev/nst0 goes by SSH' } : { same: 'SSH' })),
  v('EXCLUDE_LIST', 'squid, /tmp...', 'backup.exclude', 'the same meaning: /x drops x, /x/* keeps x empty', (words) => paths('backup.exclude', words)),
  v('ONLY_INCLUDE_LISTED_FS', '', 'backup.only_mounts', 'with INCLUDE_FS_LIST', (words, all) => (isYes(words) && split(all.get('INCLUDE_FS_LIST') ?? []).length === 0 ? { hand: 'INCLUDE_FS_LIST is empty: set backup.only_mounts' } : { same: 'see INCLUDE_FS_LIST' })),
  v('INCLUDE_FS_LIST', '', 'backup.only_mounts', 'mount points of the file systems that are backed up', (words, all) => (isYes(all.get('ONLY_INCLUDE_LISTED_FS') ?? []) ? paths('backup.only_mounts', words, 'mount point') : { same: 'ONLY_INCLUDE_LISTED_FS is not set' })),
  gone('MKISOFS', 'mkisofs', 'cdrec writes ISO 9660 itself'),
  gone('ISOVFY', 'isovfy', '"cdrec inspect" checks images'),
  v('ISOLINUX', '(found)', 'boot.bios', 'found by itself: "cdrec test" says where'),
  gone('MEMDISK', '(found)', 'nothing needs MEMDISK'),
  v('SYSLINUXPATH', '(found)', 'boot.bios', 'found by itself: "cdrec test" says where'),
  v('FORCE_SYSLINUX', 'false', 'boot.bios', 'floppy emulation although ISOLINUX is there', (words, all) => (isYes(words) ? { set: { 'boot.bios': densities[all.get('BOOT_FLOPPY_DENSITY')?.[0] ?? 'ED'] ?? 'floppy-2.88' } } : { same: 'ISOLINUX' })),
  v('BURNCDR', 'n', 'output.burn', 'burn volumes as soon as they are complete', (words, all) => (isYes(words) ? { set: { 'output.burn': device(all.get('SCSIDEVICE')) } } : { same: 'ISO files are kept' })),
  v('DVD_Drive', '0', 'output.burn_program, output.volume_size', 'discs of any size, burned by growisofs or xorriso', (words) => (isYes(words) ? { set: { 'output.burn_program': 'growisofs', 'output.volume_size': 'dvd' } } : { same: 'it was off' })),
  v('CDRECORD', 'cdrecord', 'output.burn_program', 'auto, xorriso, growisofs, wodim', (words) => ((words[0] ?? '').includes('wodim') ? { set: { 'output.burn_program': 'wodim' } } : { same: 'the program is chosen by what is installed' })),
  v('CDRECORDOPT', '', 'output.burn_speed', 'options of the burning program are cdrec\'s own', hand('options of cdrecord are not passed on: see output.burn_speed')),
  v('SCSIDEVICE', '', 'output.burn', 'a drive is named by its device', (words, all) => (isYes(all.get('BURNCDR') ?? []) ? { set: { 'output.burn': device(words) } } : { same: 'BURNCDR is off' })),
  v('WRITERSPEED', '4', 'output.burn_speed', 'speed of burning; 0: the drive decides', (words) => (/^\d+$/.test(words[0] ?? '') ? { set: { 'output.burn_speed': Number(words[0]) } } : { hand: `"${words.join(' ')}" is not a number` })),
  v('BLANK_CDRW', 'y', 'output.burn_erase', 'blank rewritable discs', (words) => (isYes(words) ? { set: { 'output.burn_erase': true } } : { same: 'asked for' })),
  v('CD_EJECT', 'y', 'cdrec burn', 'a disc that is done is ejected'),
  v('MAXCDSIZE', '670000 (KB)', 'output.volume_size', 'cd, dvd, dvd-dl, bd, bd-dl, or a size', (words) => sizeOf('output.volume_size', words, 1024)),
  v('SERIAL', '', 'rescue.serial', 'serial console beside the screen', (words, all) => (words.length === 0 ? { same: 'ttyS0,115200 is spoken to besides the screen' } : { set: { 'rescue.serial': `${(words[0] as string).replace(/^\/dev\//, '')},${all.get('BAUDRATE')?.[0] ?? '9600'}` } })),
  v('BAUDRATE', '9600', 'rescue.serial', 'with SERIAL', (_words, all) => (split(all.get('SERIAL') ?? []).length > 0 ? { same: 'see SERIAL' } : { same: 'without SERIAL it has no meaning' })),
  v('FORCE_DHCP_SUPPORT', 'Y', 'rescue.network', 'dhcp, static, off', (words) => (words.length === 0 || isYes(words) ? { same: 'DHCP is the default' } : { set: { 'rescue.network': 'static' } })),
  v('FIXED_SIZE', '', 'restore.fixed', 'what keeps its size on other disks', (words) => names('restore.fixed', words)),
  v('INITRD_MODULES', '(long list)', 'rescue.add_modules', 'drivers that find a medium are in the initrd, the machine\'s own too', modules),
  v('SCSI_MODULES', '(long list)', 'rescue.add_modules', 'all drivers of disks are there; further ones by name', modules),
  v('NETWORK_MODULES', '(long list)', 'rescue.add_modules', 'all drivers of network cards are there; further ones by name', modules),
  v('USB_MODULES', '(long list)', 'rescue.add_modules', 'all drivers of USB hosts and storage are there; further ones by name', modules),
  v('OTHER_MODULES', '(long list)', 'rescue.add_modules', 'further modules by name', modules),
  v('EXCLUDE_MODULES', '', 'rescue.exclude_modules', 'without the driver of a SAN, a rescue system cannot harm its disks', (words) => names('rescue.exclude_modules', split(words).map((w) => w.replace(/^@/, '')))),
  v('MKDIR_LIST', '(long list)', 'rescue.files', 'the rescue system has the directories that it needs; further ones by rescue.files'),
  v('ETC_FILES', '(long list)', 'rescue.files', 'further files of the rescue system', (words) => {
    const list = split(words).map((w) => (w.startsWith('/') ? w : `/etc/${w}`)).filter((w) => !/\/(passwd|shadow|group|gshadow)-?$/.test(w) && !/[*?[]/.test(w));
    return list.length === 0 ? { same: 'it is empty' } : { set: { 'rescue.files': list }, remark: 'what exists of them; /etc/passwd and /etc/shadow stay out' };
  }),
  v('BINARIES', '(long list)', 'rescue.programs', 'further programs of the rescue system, with their libraries', (words) => names('rescue.programs', split(words).map((w) => w.replace(/^.*\//, '')))),
  gone('LINKS', '(long list)', 'links are taken over with the programs they belong to'),
  gone('MAN_PAGES', '(long list)', '"cdrec COMMAND --help" works in the rescue system'),
  gone('INIT_FLAVOR', 'dialog', 'there is one menu, which works on a serial line too'),
  ...client('TSM', 'IBM TSM', ''), ...client('DP', 'HP Data Protector', 'y'), ...client('NSR', 'Legato NetWorker', ''),
  v('DP_DATALIST_NAME', '', 'rescue.post_exec', 'name of a Data Protector datalist', hand('give it to the command in rescue.post_exec')),
  v('BACULA_RESTORE', '', 'restore.command', 'Bacula: backup.engine = "command" calls its client (docs/external-engines.md), which goes into the rescue system by rescue.files and rescue.programs', (words) => (isYes(words) ? { hand: 'Bacula: backup.engine = "command", and its client in rescue.files and rescue.programs (docs/external-engines.md)' } : { same: 'it was off' })),
  v('BACULA_DIR', '', 'rescue.files', 'directory of Bacula\'s client', (words) => paths('rescue.files', words)),
  v('AUTODR', 'n', 'rescue.kernel_append', 'cdrec.auto=restore restores without questions, if the plan is unambiguous', (words) => (isYes(words) ? { set: { 'rescue.kernel_append': 'cdrec.auto=restore' } } : { same: 'it was off' })),
  gone('Disable_SELinux_during_backup', 'true', 'SELinux stays as it is: its labels are saved with the files'),
  v('DEBUG', '', '--dry-run', 'cdrec build --dry-run lists what would be saved and writes nothing'),
  v('MKCDREC_MODULES', '', 'rescue.ssh_keys, rescue.network', 'plug-ins: SSH, network, udev are there', (words) => (split(words).some((w) => /^sshd?$/.test(w)) ? { hand: 'SSH by key: set rescue.ssh_keys = ["/root/.ssh/id_ed25519.pub"]' } : { same: 'network, udev and USB are there' })),
  gone('LOCALFS', '/mnt/local', 'internal: the restored system is mounted at $CDREC_ROOT'),
  gone('TMP_DIR', '/tmp', 'temporary files lie in the output directory, with names that cannot be guessed'),
  gone('LOG', 'mkcdrec.log', 'cdrec says everything on standard error; the set has its own report'),
  gone('DEVFS', '0', 'Linux has had no devfs since 2006'),
];

/** mkCDrec named drives by bus, target and unit: `0,0,0`. */
function device(words: readonly string[] | undefined): string {
  return words?.find((w) => w.startsWith('/dev/')) ?? '/dev/sr0';
}

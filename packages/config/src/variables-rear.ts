// The variables of ReaR 2.7 (default.conf) that its users set, and why the others are not needed. What is missing here
// is told as "not known" when it is imported.
import { compressor, isYes, names, paths, sizeOf, split, text } from './carry.js';
import type { Carried, Variable } from './variables.js';

type Carry = NonNullable<Variable['carry']>;
const v = (name: string, byDefault: string, place: string, why: string, carry?: Carry): Variable => ({ source: 'rear', name, default: byDefault, place, why, ...(carry === undefined ? {} : { carry }) });
const gone = (why: string, ...all: string[]): Variable[] => all.map((name) => v(name, '', '', why));
const same = (place: string, why: string, ...all: string[]): Variable[] => all.map((name) => v(name, '', place, why));
const byHand = (place: string, why: string, ...all: string[]): Variable[] => all.map((name) => v(name, '', place, why, (words) => (words.length === 0 || /^(no|n|false|0)$/i.test(words[0] as string) ? { same: 'it is empty or off' } : { hand: why })));

/** Where OUTPUT_URL and BACKUP_URL point to. */
function url(words: readonly string[], all: ReadonlyMap<string, readonly string[]>): Carried {
  const [, scheme, rest] = /^(\w+):\/\/(.*)$/.exec(words[0] ?? '') ?? [];
  switch (scheme) {
    case undefined: return words.length === 0 ? { same: 'it is empty' } : { hand: `${words[0] as string} is no URL` };
    case 'null': return { same: 'the rescue ISO stays in output.directory' };
    case 'file': return { set: { 'output.directory': rest } };
    case 'iso': return { set: { 'output.mode': 'iso' } };
    case 'tape': return { set: { 'output.mode': 'tape', 'output.tapes': [rest as string] } };
    case 'nfs': case 'cifs': case 'sshfs': {
      const where = scheme === 'nfs' ? (rest as string).replace('/', ':/') : scheme === 'cifs' ? `//${rest as string}` : (rest as string).replace('/', ':/');
      return { set: { 'output.mode': isBackup(all) ? 'path' : 'rescue', 'output.directory': '/mnt/backup' }, remark: `mount it first, in /etc/fstab: ${where} on /mnt/backup (${scheme}); cdrec refuses while nothing is mounted there` };
    }
    case 'usb': return { hand: `write volume 1 onto the stick: cdrec burn --usb ${rest as string} ISO` };
    default: return { hand: `${scheme}: mount it, or copy the volumes there in backup.post_exec; then set output.directory` };
  }
}
const isBackup = (all: ReadonlyMap<string, readonly string[]>): boolean => /^(NETFS|RSYNC)$/.test(all.get('BACKUP')?.[0] ?? '');
const EXTERNAL = /^(REQUESTRESTORE|BAREOS|BACULA|DP|FDRUPSTREAM|GALAXY\d*|NBU|TSM|NSR|AVA|SESAM|NBKDC|CDM|RBME|VEEAM|PPDM|NFS4SERVER|EXTERNAL)$/;

export const REAR: readonly Variable[] = [
  v('OUTPUT', 'ISO', 'output.mode, --output', 'ISO, USB, PXE, tape', (words) => {
    switch (words[0]) {
      case 'ISO': return { same: 'volumes are ISO images' };
      case 'USB': return { hand: 'every volume boots from a stick too: cdrec burn --usb /dev/sdX ISO' };
      case 'PXE': return { hand: 'cdrec build --output pxe --out TREE' };
      case 'OBDR': return { hand: 'tape without OBDR: output.mode = "tape"; the rescue ISO lies beside' };
      default: return { hand: `OUTPUT=${words[0] ?? ''}: volumes are ISO images that boot from disc and stick` };
    }
  }),
  v('BACKUP', 'REQUESTRESTORE', 'output.mode', 'tar archives in volumes, on tape or in a directory', (words) => {
    const kind = words[0] ?? '';
    if (kind === 'NETFS' || kind === 'RSYNC') return { same: 'archives are made with the set; where: see BACKUP_URL' };
    if (kind === 'BLOCKCLONE') return { hand: 'name the devices: backup.images = ["/dev/sdb1"]' };
    if (EXTERNAL.test(kind)) return { set: { 'output.mode': 'rescue' }, remark: `the backups stay with ${kind}: let restore.command call its client (docs/external-engines.md), and put it into rescue.programs and rescue.files` };
    return { hand: `BACKUP=${kind} has no successor here` };
  }),
  v('OUTPUT_URL', '', 'output.directory', 'a directory; network places are mounted', url),
  v('BACKUP_URL', '', 'output.directory, output.mode', 'a directory; network places are mounted', url),
  v('ISO_DIR', '', 'output.directory', 'where volumes are written', (words) => text('output.directory', words)),
  v('ISO_PREFIX', 'rear-$HOSTNAME', 'output.label', 'label of the set, and the name of its files', (words) => (/^[\w.-]{1,28}$/.test(words[0] ?? '') ? { set: { 'output.label': words[0] }, remark: 'a label without a date: --overwrite replaces the last set' } : { hand: 'a label has 1 to 28 characters of A-Z a-z 0-9 _ . -' })),
  v('ISO_VOLID', 'REAR-ISO', 'output.label', 'label of the set', (words) => (/^[\w.-]{1,28}$/.test(words[0] ?? '') ? { set: { 'output.label': words[0] } } : { hand: 'a label has 1 to 28 characters of A-Z a-z 0-9 _ . -' })),
  v('ISO_MAX_SIZE', '', 'output.volume_size', 'size of a volume', (words) => sizeOf('output.volume_size', words, 2 ** 20)),
  v('ISO_DEFAULT', 'boothd', 'rescue.kernel_append', 'what the menu starts', (words) => (words[0] === 'automatic' ? { set: { 'rescue.kernel_append': 'cdrec.auto=restore' } } : { same: 'the menu has local disk and rescue system' })),
  v('ISO_RECOVER_MODE', '', 'rescue.kernel_append', 'unattended restore', (words) => (words[0] === 'unattended' ? { set: { 'rescue.kernel_append': 'cdrec.auto=restore' } } : { same: 'it was off' })),
  v('BACKUP_PROG', 'tar', 'tar', 'GNU tar', (words) => (words[0] === 'tar' ? { same: 'GNU tar' } : { hand: `${words[0] ?? ''}: archives are made by GNU tar` })),
  v('BACKUP_PROG_COMPRESS_OPTIONS', '--gzip', 'backup.compress', 'zstd, gzip, bzip2, xz, none', (words) => compressor(words[0] ?? '')),
  v('BACKUP_PROG_EXCLUDE', '/tmp/* /dev/shm/*...', 'backup.exclude', 'the same meaning: /x drops x, /x/* keeps x empty', (words) => paths('backup.exclude', words.filter((w) => !w.startsWith("$")))),
  v('BACKUP_PROG_INCLUDE', '', 'backup.include', 'paths that are saved', (words) => paths('backup.include', words)),
  v('BACKUP_ONLY_INCLUDE', 'no', 'backup.only_mounts', 'only what is listed', (words) => (isYes(words) ? { hand: 'list the file systems in backup.only_mounts, or paths in backup.include' } : { same: 'it was off' })),
  v('BACKUP_ONLY_EXCLUDE', 'no', 'backup.default_excludes', 'only what is listed is left out', (words) => (isYes(words) ? { set: { 'backup.default_excludes': false } } : { same: 'it was off' })),
  v('BACKUP_PROG_CRYPT_ENABLED', 'false', 'backup.encrypt, backup.passphrase', 'age: authenticated, keys never in arguments', (words) => (isYes(words) ? { hand: 'make a key with age-keygen and set backup.encrypt = ["age1..."], or backup.passphrase = true' } : { same: 'no encryption' })),
  v('EXCLUDE_MOUNTPOINTS', '', 'backup.exclude_mounts', 'file systems that do not belong to the machine', (words) => paths('backup.exclude_mounts', words, 'mount point')),
  v('EXCLUDE_BACKUP', '', 'backup.exclude_mounts', 'file systems that are not saved', (words) => paths('backup.exclude_mounts', words.map((w) => w.replace(/^fs:/, '')), 'mount point')),
  v('EXCLUDE_RECREATE', '', 'backup.exclude_mounts', 'what is not made again', (words) => paths('backup.exclude_mounts', words.map((w) => w.replace(/^fs:/, '')), 'mount point')),
  v('EXCLUDE_COMPONENTS', '', 'backup.allow_unsupported', 'what is left out knowingly', (words) => { const list = split(words).map((w) => w.replace(/^\w+:(?=\/dev)/, '')); return list.length === 0 ? { same: 'it is empty' } : { set: { 'backup.allow_unsupported': list } }; }),
  v('MODULES', 'all_modules', 'rescue.modules', 'the kernel modules of the rescue system', (words) => (words[0] === 'all_modules' ? { set: { 'rescue.modules': 'all' } } : words[0] === 'no_modules' || words[0] === 'loaded_modules' ? { same: 'the broad default set' } : names('rescue.add_modules', words))),
  v('MODULES_LOAD', '', 'rescue.add_modules', 'further modules; udev loads what the hardware asks for', (words) => names('rescue.add_modules', words)),
  v('EXCLUDE_MODULES', '', 'rescue.exclude_modules', 'modules that the rescue system must not have', (words) => names('rescue.exclude_modules', words)),
  v('COPY_AS_IS', '', 'rescue.files', 'further files and directories', (words) => { const list = split(words).filter((w) => !/[*?[]/.test(w)); return paths('rescue.files', list); }),
  v('PROGS', '', 'rescue.programs', 'further programs', (words) => names('rescue.programs', split(words).map((w) => w.replace(/^.*\//, '')))),
  v('REQUIRED_PROGS', '', 'rescue.programs', 'further programs: a build stops when one is missing', (words) => names('rescue.programs', split(words).map((w) => w.replace(/^.*\//, '')))),
  v('KERNEL_CMDLINE', '', 'rescue.kernel_append', 'command line of the rescue kernel', (words) => text('rescue.kernel_append', words)),
  v('KERNEL_FILE', '', 'rescue.kernel', 'a kernel is named by its version', (words) => { const version = /vmlinuz-(.+)$/.exec(words[0] ?? '')?.[1]; return version === undefined ? { hand: 'give rescue.kernel = "VERSION"' } : { set: { 'rescue.kernel': version } }; }),
  v('KEYMAP', '', 'rescue.keymap', 'keyboard map of the console', (words) => text('rescue.keymap', words)),
  v('PRE_BACKUP_SCRIPT', '', 'backup.pre_exec', 'command before the backups', (words) => text('backup.pre_exec', words)),
  v('POST_BACKUP_SCRIPT', '', 'backup.post_exec', 'command after the backups', (words) => text('backup.post_exec', words)),
  v('PRE_RECOVERY_SCRIPT', '', 'rescue.pre_exec', 'command before the first prompt', (words) => text('rescue.pre_exec', words)),
  v('PRE_RECOVERY_COMMANDS', '', 'rescue.pre_exec', 'commands before the first prompt', (words) => text('rescue.pre_exec', words.length === 0 ? [] : [words.join('\n')])),
  v('POST_RECOVERY_SCRIPT', '', 'rescue.post_exec', 'command after a restore; $TARGET_FS_ROOT is $CDREC_ROOT', (words) => text('rescue.post_exec', [words.join(' ').replaceAll('$TARGET_FS_ROOT', '$CDREC_ROOT')])),
  v('POST_RECOVERY_COMMANDS', '', 'rescue.post_exec', 'commands after a restore; $TARGET_FS_ROOT is $CDREC_ROOT', (words) => text('rescue.post_exec', words.length === 0 ? [] : [words.join('\n').replaceAll('$TARGET_FS_ROOT', '$CDREC_ROOT')])),
  v('USE_DHCLIENT', '', 'rescue.network', 'network by DHCP', (words) => (isYes(words) ? { set: { 'rescue.network': 'dhcp' } } : { same: 'DHCP is the default; rescue.network says otherwise' })),
  v('USE_STATIC_NETWORKING', '', 'rescue.network', 'the addresses of this machine', (words) => (isYes(words) ? { set: { 'rescue.network': 'static' } } : { same: 'it was off' })),
  v('SERIAL_CONSOLE_DEVICES', '', 'rescue.serial', 'serial console', (words) => (words.length === 0 ? { same: 'it is empty' } : { set: { 'rescue.serial': (words[0] as string).replace('/dev/', '') } })),
  v('USE_SERIAL_CONSOLE', '', 'rescue.serial', 'ttyS0,115200 is spoken to besides the screen', (words) => (/^(no|n|0|false)$/i.test(words[0] ?? '') ? { set: { 'rescue.serial': '' } } : { same: 'ttyS0,115200 is spoken to besides the screen' })),
  v('SSH_ROOT_PASSWORD', '', 'rescue.ssh_keys', 'SSH by key only', (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: 'the rescue system knows no passwords: set rescue.ssh_keys = ["/root/.ssh/id_ed25519.pub"]' })),
  v('TTY_ROOT_PASSWORD', '', '', 'who stands before the console is root', (words) => (words.length === 0 ? { same: 'it is empty' } : { drop: 'the console of the rescue system asks for no password: who stands before it has the disks' })),
  v('BACKUP_TYPE', '', '', 'every set is whole', (words) => (words.length === 0 ? { same: 'every set is whole' } : { drop: `${words[0] as string} archives lose what was deleted in between: every set is whole` })),
  v('ONLY_INCLUDE_VG', '', 'backup.allow_unsupported', 'volume groups that belong to the machine', (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: 'what is mounted belongs to the machine; leave file systems out with backup.exclude_mounts' })),
  v('EXCLUDE_VG', '', 'backup.exclude_mounts', 'volume groups that do not belong to the machine', (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: 'name the mount points of its file systems in backup.exclude_mounts' })),
  v('EXCLUDE_MD', '', 'backup.exclude_mounts', 'arrays that do not belong to the machine', (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: 'name the mount points of their file systems in backup.exclude_mounts' })),
  v('RESULT_MAILTO', '', 'cdrec install-timer', 'what became of a build', (words) => (words.length === 0 ? { same: 'it is empty' } : { hand: 'systemd tells: OnFailure= of cdrec-refresh.service; "cdrec status --json" for monitoring' })),
  ...byHand('rescue.ssh_keys', 'the rescue system has the keys that rescue.ssh_keys names, and no others', 'SSH_FILES', 'SSH_UNPROTECTED_PRIVATE_KEYS'),
  ...byHand('--disk OLD=NEW', 'disks are assigned at the restore: start-restore --disk OLD=NEW; the plan is shown first', 'MIGRATION_MODE', 'DISKS_TO_BE_WIPED', 'WRITE_PROTECTED_IDS', 'WRITE_PROTECTED_FS_LABEL_PATTERNS', 'WRITE_PROTECTED_ID_TYPES', 'EXCLUDE_DEVICE_MAPPING'),
  ...byHand('restore.fixed, restore.weights', 'sizes on other disks: restore.fixed, restore.weights, start-restore --grow', 'AUTORESIZE_PARTITIONS', 'AUTORESIZE_EXCLUDE_PARTITIONS', 'AUTOSHRINK_DISK_SIZE_LIMIT_PERCENTAGE', 'AUTOINCREASE_DISK_SIZE_THRESHOLD_PERCENTAGE'),
  ...byHand('boot.uefi', 'shim and GRUB of the distribution are found: boot.uefi = "auto"', 'SECURE_BOOT_BOOTLOADER', 'UEFI_BOOTLOADER'),
  ...byHand('cdrec boot-entry', 'the rescue system in the menu of the disk: cdrec boot-entry --install ISO', 'GRUB_RESCUE'),
  ...byHand('cdrec build --output pxe', 'the tree for a boot server: cdrec build --output pxe --out TREE', 'PXE_TFTP_PATH', 'PXE_TFTP_URL', 'PXE_HTTP_URL', 'PXE_CONFIG_URL', 'PXE_CONFIG_PATH', 'PXE_RECOVER_MODE'),
  ...byHand('cdrec burn --usb', 'a stick is written by: cdrec burn --usb DEVICE ISO', 'USB_DEVICE', 'USB_RETAIN_BACKUP_NR', 'USB_DEVICE_FILESYSTEM', 'USB_SUFFIX'),
  ...byHand('cdrec clean', 'old sets are removed by cdrec clean, and by the timer', 'NETFS_KEEP_OLD_BACKUP_COPY', 'KEEP_OLD_OUTPUT_COPY'),
  ...byHand('', 'mount it in /etc/fstab with these options', 'BACKUP_OPTIONS', 'OUTPUT_OPTIONS', 'BACKUP_MOUNTCMD', 'BACKUP_UMOUNTCMD', 'OUTPUT_MOUNTCMD', 'OUTPUT_UMOUNTCMD'),
  ...byHand('', 'it is a shell script of the user\'s own: see rescue.pre_exec, rescue.post_exec', 'NETWORKING_PREPARATION_COMMANDS', 'NETWORKING_SETUP_COMMANDS'),
  ...same('automatic', 'disks that carry no file system of the machine are left out by themselves', 'AUTOEXCLUDE_DISKS', 'AUTOEXCLUDE_MULTIPATH', 'AUTOEXCLUDE_AUTOFS', 'AUTOEXCLUDE_PATH', 'AUTOEXCLUDE_USB_PATH'),
  ...same('always', 'every piece has its SHA-256, checked before a restore writes', 'BACKUP_INTEGRITY_CHECK', 'EXCLUDE_MD5SUM_VERIFICATION'),
  ...same('always', 'ACLs, capabilities, labels and all other attributes are saved', 'BACKUP_SELINUX_DISABLE', 'NETFS_RESTORE_CAPABILITIES', 'BACKUP_PROG_OPTIONS', 'BACKUP_PROG_OPTIONS_CREATE_ARCHIVE', 'BACKUP_PROG_OPTIONS_RESTORE_ARCHIVE'),
  ...same('automatic', 'the boot loader is found on the disks', 'BOOTLOADER', 'GRUB2_INSTALL_DEVICES', 'USING_UEFI_BOOTLOADER', 'EFI_STUB', 'GRUB2_MODULES_UEFI', 'GRUB2_MODULES_UEFI_LOAD', 'EFIBOOTMGR_CREATE_ENTRIES'),
  ...same('automatic', 'the initramfs is made again when the hardware asks for it', 'REBUILD_INITRAMFS'),
  ...same('automatic', 'the rescue system has what the machine\'s layout needs', 'FIRMWARE_FILES', 'LIBS', 'INCLUDE_LVM', 'CLONE_USERS', 'CLONE_GROUPS', 'CLONE_ALL_USERS_GROUPS', 'USE_RESOLV_CONF', 'TIMESYNC', 'WAIT_SECS'),
  ...same('automatic', 'what is too old is said by "cdrec status"', 'CHECK_CONFIG_FILES', 'FULLBACKUP_OUTDATED_DAYS'),
  ...gone('a build has no directory of temporary files', 'TMPDIR', 'KEEP_BUILD_DIR'),
  ...gone('an image has no limit of 2 or 4 GiB for a file: ISO 9660 level 3', 'ISO_FILE_SIZE_LIMIT'),
  ...gone('cdrec writes ISO 9660 and its boot loaders itself', 'ISO_MKISOFS_BIN', 'ISO_MKISOFS_OPTS', 'ISO_ISOLINUX_BIN', 'ISO_FILES', 'USB_FILES'),
  ...gone('the rescue system is a squashfs, the initrd a small cpio archive', 'REAR_INITRD_COMPRESSION', 'REAR_INITRD_OVERLAY', 'REAR_INITRD_FIRMWARE_FILES'),
  ...gone('questions can be answered by flags; none waits without end', 'USER_INPUT_TIMEOUT', 'USER_INPUT_INTERRUPT_TIMEOUT', 'USER_INPUT_UNATTENDED_TIMEOUT'),
  ...gone('bonds and bridges are not set up in the rescue system: it takes one card', 'SIMPLIFY_BONDING', 'SIMPLIFY_BRIDGE', 'SIMPLIFY_TEAMING', 'EXCLUDE_NETWORK_INTERFACES', 'EXCLUDE_IP_ADDRESSES'),
  ...gone('the key never stands in a file of the machine', 'BACKUP_PROG_CRYPT_KEY', 'BACKUP_PROG_CRYPT_OPTIONS', 'BACKUP_PROG_DECRYPT_OPTIONS'),
  ...gone('names of archives are made of device and mount point', 'BACKUP_PROG_ARCHIVE', 'BACKUP_PROG_SUFFIX', 'BACKUP_PROG_COMPRESS_SUFFIX', 'NETFS_PREFIX', 'OUTPUT_PREFIX', 'OUTPUT_PREFIX_PXE', 'ISO_SUFFIX'),
  ...gone('every set is whole', 'FULLBACKUPDAY', 'BACKUP_RSYNC_RETENTION_DAYS'),
  ...gone('restores go onto empty file systems', 'BACKUP_RESTORE_MOVE_AWAY_FILES', 'BACKUP_RESTORE_MOVE_AWAY_DIRECTORY', 'DIRECTORY_ENTRIES_TO_RECOVER', 'FILES_TO_PATCH_PATTERNS'),
];

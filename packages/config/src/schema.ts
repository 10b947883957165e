import { COMPRESSORS } from '@cdrec/tool';
import * as z from 'zod';
import { parseSize } from './sizes.js';

const size = z.string().refine((s) => { try { parseSize(s); return true; } catch { return false; } }, 'is not a size (bytes, 700M, 4.5G, cd, dvd, dvd-dl, bd, bd-dl)');

/** Everything that can be configured; every key has a default, unknown keys are errors. */
export const configSchema = z.strictObject({
  backup: z.strictObject({
    engine: z.enum(['tar', 'restic', 'command']).default('tar').describe('what saves the file systems: tar into the set itself; restic into the repository of the section [repository]; or backup.command'),
    command: z.string().default('').describe('command (bash) that saves, for backup.engine = "command": TSM, Bacula, Bareos, Borg... (docs/external-engines.md has the contract); restore.command brings back'),
    compress: z.enum(COMPRESSORS).default('zstd').describe('compressor of the archives; gzip by pigz, bzip2 by lbzip2 where they are installed'),
    level: z.int().min(0).max(19).optional().describe('compression level; default: zstd 3, gzip 6, bzip2 9, xz 6'),
    threads: z.int().min(0).max(1024).default(0).describe('threads of the compressor; 0: one for each processor'),
    encrypt: z.array(z.string().min(1)).default([]).describe('recipients of age (age1..., ssh-ed25519 ...), or files with recipients: only the owners of their secret keys can restore'),
    passphrase: z.boolean().default(false).describe('encrypt with a passphrase that is asked for at every build'),
    exclude: z.array(z.string().startsWith('/')).default([]).describe('paths left out, besides the default ones: "/x" drops x itself, "/x/*" keeps x empty; * and ? do not match a slash'),
    default_excludes: z.boolean().default(true).describe('leave out what is made anew by its owner: /tmp/*, caches of package managers, core dumps (the list is in docs/user-guide.md)'),
    include: z.array(z.string().startsWith('/')).default([]).describe('of the file systems that these paths lie on, only they are backed up'),
    only_mounts: z.array(z.string().startsWith('/')).default([]).describe('if set, only the file systems with these mount points are backed up; the others are recreated empty'),
    pre_exec: z.string().default('').describe('command (bash) before the first backup; if it fails, nothing is made; what it says is shown'),
    post_exec: z.string().default('').describe('command (bash) after the last backup, also when it failed'),
    snapshot: z.boolean().default(false).describe('read file systems from snapshots of one moment where they lie on btrfs or LVM; pre_exec and post_exec then run around the taking of the snapshots'),
    luks_headers: z.boolean().default(false).describe('put the headers of encrypted volumes into the set: all key slots come back; whoever has the set and an old passphrase can open the volume, so encrypt the set'),
    images: z.array(z.string().startsWith('/dev/')).default([]).describe('devices that are saved block by block: NTFS, other file systems that Linux cannot archive, unmounted ones'),
    exclude_mounts: z.array(z.string().startsWith('/')).default([]).describe('mount points whose file systems are neither backed up nor recreated'),
    allow_unsupported: z.array(z.string()).default([]).describe('objects named by "cdrec test" as not supported that are left out knowingly'),
  }).prefault({}).describe('What is saved, and how.'),
  output: z.strictObject({
    mode: z.enum(['', 'rescue', 'iso', 'path', 'tape', 'repository']).default('').describe('what "cdrec build" makes when --mode does not say it; empty: a person is asked'),
    directory: z.string().default('/var/lib/cdrec').describe('where volumes are written'),
    volume_size: size.default('dvd').describe('size of a volume'),
    tapes: z.array(z.string()).default([]).describe('tape drives for --mode tape: /dev/nst0, or HOST:/dev/nst0 by SSH; used one after another'),
    tape_block: size.default('256K').describe('bytes of a block on tape, 512 to 16M'),
    tape_capacity: z.union([z.literal(''), size]).default('').describe('bytes of archives after which a tape counts as full; empty: its own end'),
    tape_change: z.string().default('').describe('command (bash) that puts tape number $CDREC_TAPE_NUMBER (0: the last one, when a set is read) of the set $CDREC_TAPE_LABEL into the drive $CDREC_TAPE; the rescue system uses it too (mtx is there; name other programs in rescue.programs, rescue.files); empty: a person is asked'),
    recovery_percent: z.int().min(0).max(100).default(0).describe('error-correction data (par2) beside each file of the set, in percent of its size; 0: none'),
    burn: z.string().default('').describe('drive into which the volumes of mode iso are burned as soon as they are complete; empty: ISO files are kept'),
    burn_erase: z.boolean().default(false).describe('blank rewritable discs without a question'),
    burn_program: z.enum(['auto', 'xorriso', 'growisofs', 'wodim']).default('auto').describe('program that burns discs'),
    burn_speed: z.int().min(0).default(0).describe('speed of burning; 0: the drive decides'),
    label: z.string().default('').describe('label of the set, 1 to 28 characters of A-Z a-z 0-9 _ . -; empty: CDrec-YYYY.MM.DD'),
  }).prefault({}).describe('Where the set goes, and in what form.'),
  repository: z.strictObject({
    location: z.string().default('').describe('where the repository is, in restic\'s notation: /mnt/repo, sftp:user@host:/repo, rest:https://host:8000/, s3:https://host/bucket, azure:..., gs:..., rclone:...; no password in it'),
    password_file: z.string().default('').describe('file with the password of the repository'),
    password_command: z.string().default('').describe('command (bash) that prints the password; without file and command a person is asked'),
    environment_file: z.string().default('').describe('file with the keys of the store, NAME=VALUE on each line: AWS_ACCESS_KEY_ID, RESTIC_REST_USERNAME, RESTIC_REST_PASSWORD...'),
    ssh_key: z.string().default('').describe('file with the private key (without passphrase) for an sftp: location; empty: what ssh of root is configured to use. It is a secret as the password is'),
    ca_certificate: z.string().default('').describe('file with the certificate of the authority that the server is known by; it goes into the rescue system'),
    on_medium: z.boolean().default(false).describe('put password and keys into the rescue system, encrypted for the recipients of backup.encrypt, else with a passphrase that is asked for; otherwise they are needed on the day of the restore'),
    patience: z.int().min(5).max(86_400).default(180).describe('seconds that the server may fail to answer before the work is given up'),
  }).prefault({}).describe('A repository for many machines, and many days.'),
  rescue: z.strictObject({
    kernel: z.string().default('').describe('kernel version of the rescue system; empty: the running one'),
    image: z.enum(['squashfs', 'tar.zst', 'tar.gz']).default('squashfs').describe('form of rd-base on the medium; a tar where mksquashfs is older than 4.5'),
    max_size: size.default('1G').describe('largest rd-base, unpacked'),
    programs: z.array(z.string()).default([]).describe('further programs for the rescue system'),
    files: z.array(z.string().startsWith('/')).default([]).describe('further files and directories for the rescue system, at the same places'),
    modules: z.enum(['default', 'all']).default('default').describe('kernel modules: broad default set with those in use, or all'),
    add_modules: z.array(z.string().min(1)).default([]).describe('further kernel modules by name, for hardware on which the machine may come back'),
    exclude_modules: z.array(z.string().min(1)).default([]).describe('kernel modules that the rescue system must not have: without the driver of the SAN it cannot harm its disks'),
    kernel_append: z.string().default('').describe('added to the kernel command line of the rescue system'),
    serial: z.string().regex(/^(tty[A-Z]+\d+(,\d+[a-z0-9]*)?)?$/, 'is not a serial line (ttyS0,115200)').default('ttyS0,115200').describe('serial console beside the screen; empty: none'),
    keymap: z.string().regex(/^[A-Za-z0-9_.-]*$/, 'is not the name of a keymap').default('auto').describe('keyboard map of the console; auto: the one of this machine'),
    coldplug: z.enum(['auto', 'udev', 'mdev']).default('auto').describe('what finds the devices: systemd-udevd, or mdev of BusyBox'),
    network: z.enum(['dhcp', 'static', 'off']).default('dhcp').describe('network of the rescue system; static: the addresses of this machine'),
    ssh_keys: z.array(z.string()).default([]).describe('public keys, or files with public keys, that may log in as root by SSH; none: no SSH'),
    pre_exec: z.string().default('').describe('command that the rescue system runs (bash) before its first prompt'),
    post_exec: z.string().default('').describe('command that the rescue system runs (bash) after a restore, with the restored system mounted at $CDREC_ROOT'),
  }).prefault({}).describe('The rescue system.'),
  restore: z.strictObject({
    command: z.string().default('').describe('command (bash) that brings back what backup.command saved; it goes into the rescue system, with rescue.programs and rescue.files that it needs'),
    fixed: z.array(z.string().min(1)).default([]).describe('what keeps its size on other disks: mount points, GROUP/VOLUME, or devices'),
    weights: z.record(z.string(), z.number().min(0)).default({}).describe('who gets how much of larger disks when a restore grows: {"/home" = 3, "/" = 1}; without any, all grow in proportion'),
  }).prefault({}).describe('Sizes on other disks.'),
  boot: z.strictObject({
    bios: z.enum(['isolinux', 'grub', 'floppy-1.2', 'floppy-1.44', 'floppy-2.88', 'hard-disk', 'none']).default('isolinux').describe('how the medium boots by BIOS; floppy and hard-disk: El Torito emulation with SYSLINUX'),
    uefi: z.enum(['auto', 'signed', 'unsigned', 'none']).default('auto').describe('how it boots by UEFI; auto: shim and GRUB signed by the distribution if they are installed (Secure Boot), else own GRUB'),
    floppy: z.enum(['rescue', 'memtest']).default('rescue').describe('content of an emulated floppy: the rescue system, or only the memory test'),
    timeout: z.int().min(0).max(3600).default(10).describe('seconds until the first entry of the boot menu starts'),
  }).prefault({}).describe('How the medium boots.'),
});

/** A validated configuration. */
export type Config = z.output<typeof configSchema>;

/** The configuration that holds without any file. */
export const DEFAULT_CONFIG: Config = configSchema.parse({});

/** JSON Schema (draft 2020-12) of the configuration, as published. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(configSchema, { io: 'input' });
}

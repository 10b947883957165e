import { parseSize } from './sizes.js';
import type { Config } from './schema.js';

/** Two keys that contradict each other: at which key it is told, and what to do. */
export interface Conflict { readonly path: string; readonly message: string }

/** Highest level of a compressor; zstd's `--ultra` levels are left out, they need its decompressor's memory raised. */
const HIGHEST: Readonly<Record<string, number>> = { gzip: 9, bzip2: 9, xz: 9, zstd: 19 };
const LOWEST: Readonly<Record<string, number>> = { gzip: 1, bzip2: 1, xz: 0, zstd: 1 };

/** What is right key by key and wrong together. */
export function conflictsOf({ backup, output, rescue, restore, boot, repository }: Config): Conflict[] {
  const out: Conflict[] = [];
  const add = (wrong: boolean, path: string, message: string): void => { if (wrong) out.push({ path, message }); };
  const { level, compress } = backup;
  if (level !== undefined) {
    add(compress === 'none', 'backup.level', 'backup.compress = "none" has no levels: remove one of them');
    add(compress !== 'none' && (level > (HIGHEST[compress] ?? 19) || level < (LOWEST[compress] ?? 0)), 'backup.level', `${compress} has levels ${String(LOWEST[compress])} to ${String(HIGHEST[compress])}`);
  }
  const both = backup.only_mounts.filter((m) => backup.exclude_mounts.includes(m));
  add(both.length > 0, 'backup.exclude_mounts', `${both.join(', ')} stands in backup.only_mounts as well: remove it from one of them`);
  const taken = backup.include.filter((p) => backup.exclude.includes(p));
  add(taken.length > 0, 'backup.exclude', `${taken.join(', ')} stands in backup.include as well: remove it from one of them`);
  add(boot.bios === 'none' && boot.uefi === 'none', 'boot.uefi', 'with boot.bios = "none" as well, the medium would not boot at all');
  add(rescue.ssh_keys.length > 0 && rescue.network === 'off', 'rescue.ssh_keys', 'rescue.network = "off" leaves no way for SSH: set it to "dhcp" or "static"');
  const lost = rescue.add_modules.filter((m) => rescue.exclude_modules.includes(m));
  add(lost.length > 0, 'rescue.exclude_modules', `${lost.join(', ')} stands in rescue.add_modules as well: remove it from one of them`);
  const weighed = restore.fixed.filter((f) => Object.hasOwn(restore.weights, f));
  add(weighed.length > 0, 'restore.weights', `${weighed.join(', ')} stands in restore.fixed as well: what keeps its size has no weight`);
  add(Object.keys(restore.weights).length > 0 && Object.values(restore.weights).every((w) => w === 0), 'restore.weights', 'all weights are 0: nobody would get the room');
  const block = parseSize(output.tape_block);
  add(block < 512 || block > 16 * 2 ** 20 || block % 512 !== 0, 'output.tape_block', 'a block of a tape has 512 bytes to 16M, a multiple of 512');
  add(output.tape_capacity !== '' && parseSize(output.tape_capacity) < block, 'output.tape_capacity', 'it is smaller than one block (output.tape_block)');
  add(output.mode === 'tape' && output.tapes.length === 0, 'output.mode', 'mode "tape" needs output.tapes = ["/dev/nst0"]');
  const { engine } = backup;
  add(engine === 'restic' && repository.location === '', 'backup.engine', 'restic needs repository.location');
  add(/\/\/[^/:@]*:[^/@]*@/.test(repository.location), 'repository.location', 'it holds a password, which would stand on every medium: put it into repository.environment_file (RESTIC_REST_USERNAME, RESTIC_REST_PASSWORD)');
  add(engine === 'command' && backup.command === '', 'backup.engine', '"command" needs backup.command');
  add(engine === 'command' && restore.command === '', 'backup.engine', '"command" needs restore.command: without it nothing could be brought back');
  add(engine !== 'tar' && backup.passphrase, 'backup.passphrase', engine === 'restic' ? 'restic encrypts with the password of the repository: remove it' : 'what backup.command saves is encrypted by that command, or not at all: remove it');
  add(engine === 'command' && backup.encrypt.length > 0, 'backup.encrypt', 'what backup.command saves is encrypted by that command, or not at all: remove it');
  add(engine === 'restic' && backup.encrypt.length > 0 && !repository.on_medium, 'backup.encrypt', 'restic encrypts with the password of the repository; only with repository.on_medium are these the recipients of its secrets: remove it');
  add(engine !== 'command' && backup.command !== '', 'backup.command', `backup.engine = "${engine}" does not run it: set it to "command"`);
  add(engine === 'tar' && output.mode === 'repository', 'output.mode', 'mode "repository" needs backup.engine = "restic" or "command"');
  add(engine !== 'tar' && ['iso', 'path', 'tape'].includes(output.mode), 'output.mode', `backup.engine = "${engine}" keeps the backups elsewhere: take "repository" (or "rescue")`);
  add(repository.ssh_key !== '' && !repository.location.startsWith('sftp:'), 'repository.ssh_key', 'only an sftp: location is reached by ssh: remove it');
  add(repository.ssh_key.includes("'"), 'repository.ssh_key', "the path may not hold an apostrophe: restic's sftp.args could not be told of it");
  add(repository.password_file !== '' && repository.password_command !== '', 'repository.password_command', 'repository.password_file is set as well: remove one of them');
  add(output.burn !== '' && (output.mode === 'path' || output.mode === 'tape'), 'output.burn', `output.mode = "${output.mode}" makes no volumes to burn: take "iso" or "rescue"`);
  add(parseSize(output.volume_size) < 64 * 2 ** 20, 'output.volume_size', 'a volume has at least 64M: the rescue system must fit into the first one');
  return out;
}

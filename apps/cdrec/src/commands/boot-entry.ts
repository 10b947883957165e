import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';
import { openSets } from '@cdrec/volumes';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** File systems that the first stage of the rescue system can read an ISO file from. */
const READABLE = ['ext2', 'ext3', 'ext4', 'xfs', 'vfat', 'exfat', 'ntfs', 'ntfs3', 'btrfs'];
const BEGIN = '### BEGIN cdrec rescue system';
const END = '### END cdrec rescue system';

/** Where a file lies, as a boot loader sees it: UUID of the file system, and the path from its root. */
async function placeOf(file: string): Promise<{ uuid: string; path: string }> {
  const { stdout } = await runTool('findmnt', ['--json', '--target', file, '--output', 'SOURCE,TARGET,FSTYPE,FSROOT,UUID']);
  const mount = (JSON.parse(stdout) as { filesystems: { source: string; target: string; fstype: string; fsroot: string; uuid: string | null }[] }).filesystems[0];
  if (mount === undefined) throw new CdrecError('BOOT_ENTRY', `the file system of ${file} was not found`);
  if (!READABLE.includes(mount.fstype)) throw new CdrecError('BOOT_ENTRY', `${file} lies on ${mount.fstype} (${mount.target}), where the rescue system cannot read it`, { hint: `move it to a partition with one of ${READABLE.join(', ')}` });
  const device = mount.source.replace(/\[.*\]$/, '');
  const { stdout: kind } = await runTool('lsblk', ['--nodeps', '--noheadings', '--output', 'TYPE', device]);
  if (!['part', 'disk', 'loop'].includes(kind.trim())) throw new CdrecError('BOOT_ENTRY', `${file} lies on ${device} (${kind.trim()}): the first stage of the rescue system reads plain partitions only, no LVM, RAID or LUKS`, { hint: 'move it to a plain partition, /boot perhaps' });
  const uuid = mount.uuid ?? (await runTool('blkid', ['-p', '-o', 'value', '-s', 'UUID', device])).stdout.trim();
  const inMount = mount.target === '/' ? file : file.slice(mount.target.length);
  const path = join(mount.fsroot, inMount);
  if (/[\s"'$\\]/.test(path)) throw new CdrecError('BOOT_ENTRY', `the path "${path}" has characters that neither GRUB nor the kernel command line can carry`, { hint: 'rename the file' });
  return { uuid, path };
}

const entryText = (label: string, host: string, place: { uuid: string; path: string }): string => `${BEGIN}
menuentry "cdrec rescue system of ${host} (${label})" --id cdrec-rescue {
  search --no-floppy --fs-uuid --set=root ${place.uuid}
  set iso_path="${place.path}"
  export iso_path
  loopback cdrec_iso "($root)$iso_path"
  set root=(cdrec_iso)
  configfile /boot/grub/loopback.cfg
}
${END}
`;

/** Puts the entry into custom.cfg, in the place of an older one. */
function install(directory: string, text: string): string {
  const file = join(directory, 'custom.cfg');
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const begin = old.indexOf(BEGIN);
  const end = old.indexOf(END);
  const rest = begin >= 0 && end > begin ? old.slice(0, begin) + old.slice(end + END.length).replace(/^\n/, '') : old;
  writeFileSync(`${file}.partial`, rest + (rest === '' || rest.endsWith('\n') ? '' : '\n') + text, { mode: 0o600, flush: true });
  renameSync(`${file}.partial`, file);
  return file;
}

/** `cdrec boot-entry`: a GRUB menu entry for an ISO file on the disk. */
export async function bootEntry([image]: [string], flags: { install?: boolean }, terminal: Terminal): Promise<number> {
  const file = realpathSync(image);
  const { sets } = await openSets([file]);
  const set = sets[0];
  try {
    if (set?.volumes.get(1) === undefined) throw new CdrecError('BOOT_ENTRY', `${image} is not volume 1 of a recovery set`);
    const text = entryText(set.label, set.manifest.host.replace(/[^\w.-]/g, '_'), await placeOf(file));
    if (flags.install !== true) terminal.print(text.trimEnd());
    else {
      if (process.getuid?.() !== 0) throw usageError('--install must be run as root');
      const directory = ['/boot/grub', '/boot/grub2'].find((d) => existsSync(join(d, 'grub.cfg')));
      if (directory === undefined) throw new CdrecError('BOOT_ENTRY', 'this machine has no GRUB: neither /boot/grub/grub.cfg nor /boot/grub2/grub.cfg', { hint: 'without --install the entry is printed' });
      terminal.print(`${install(directory, text)}: entry "cdrec-rescue"`);
    }
    return EXIT.ok;
  } finally {
    for (const s of sets) await s.close();
  }
}

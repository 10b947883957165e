import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { addModules, addPrograms, FileTree, firmwareFiles } from '@cdrec/closure';
import { findProgram } from '@cdrec/tool';
import { cpioArchive } from './cpio.js';
import { initScript, STATIC_MODULES, type RescueImage } from './init.js';

/** What the first stage is made of. */
export interface InitrdOptions {
  /** /lib/modules/VERSION of the rescue kernel. */
  readonly modules: string;
  /** Names of the modules the machine uses now. */
  readonly modulesInUse: readonly string[];
  /** Further modules, and modules that must not be there. */
  readonly addModules?: readonly string[];
  readonly excludeModules?: readonly string[];
  readonly image: RescueImage;
  /** PATH in which programs are looked for. */
  readonly path: string;
  /** Time stamp of all entries, milliseconds since 1970. */
  readonly date: number;
}

/** Drivers of places where a medium may be: controllers, buses, disks, and hypervisors' disks. */
const NAMES = [
  ...STATIC_MODULES, 'cdrom', 'usbhid', 'hid_generic', 'mptspi', 'mptsas', 'vmw_pvscsi', 'hv_storvsc', 'hv_vmbus', 'xen_blkfront', 'sdhci_pci', 'mmc_block',
  'megaraid_sas', 'mpt3sas', 'aacraid', 'hpsa', 'smartpqi', 'sym53c8xx', 'isci', 'virtio_rng', 'crc32c_generic', 'crc32c_intel', 'nls_utf8', 'i8042', 'atkbd', 'hyperv_keyboard', 'hid_hyperv',
  // File systems on which an ISO file may lie.
  'ext4', 'xfs', 'vfat', 'exfat', 'ntfs3', 'nls_cp437', 'nls_ascii', 'nls_iso8859_1',
];
const MEDIUM_DRIVERS = /^kernel\/(drivers\/(ata|block|scsi|nvme|virtio|usb\/(host|storage)|cdrom|mmc|message|md|hv|xen)|fs\/btrfs)\//;

/**
 * Builds the initrd: a gzipped cpio with the host's own sh, mount, modprobe and switch_root (or chroot) and their libraries, the
 * drivers that find a medium, and the init script.
 * @throws CdrecError TOOL_MISSING, LIBRARY_MISSING
 */
export async function buildInitrd(options: InitrdOptions): Promise<Buffer> {
  const tree = new FileTree();
  const switchRoot = findProgram('switch_root', options.path) !== undefined;
  await addPrograms(tree, {
    required: ['sh', 'mount', 'umount', 'modprobe', ...(switchRoot ? ['switch_root'] : ['chroot', 'rm']), 'mkdir', 'cat', 'sleep', 'ls', 'losetup', ...(options.image === 'squashfs' ? [] : ['tar', options.image === 'tar.zst' ? 'zstd' : 'gzip'])],
    optional: [], path: options.path,
  });
  const probe = new FileTree();
  const used = addModules(probe, options.modules, { names: [...options.modulesInUse, ...(options.addModules ?? [])], directories: [] }).filter((p) => MEDIUM_DRIVERS.test(p));
  const modules = addModules(tree, options.modules, { names: [...NAMES, ...used.map((p) => (p.split('/').at(-1) as string).replace(/\.ko.*$/, ''))], directories: [], exclude: options.excludeModules ?? [] });
  for (const file of await firmwareFiles(options.modules, modules)) tree.addHostFile(file, 'firmware');
  tree.addData('/init', initScript(options.image, switchRoot), 0o755);
  return promisify(gzip)(cpioArchive(tree.entries(), Math.floor(options.date / 1000)), { level: 6 });
}

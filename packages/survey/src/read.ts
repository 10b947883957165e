import { existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { readBlockTree, readDisk, superblockOf, type BlockDevice } from './block.js';
import { findKernel } from './kernel.js';
import { readCommandLine, readFirmware, readHost, readModules, readSecureBoot } from './host.js';
import { readLoaders } from './loaders.js';
import { readMounts, type Mount } from './mounts.js';
import { readNetwork } from './network.js';
import { readParameters } from './parameters.js';
import type { Disk, FileSystem, Survey, Swap, Unsupported } from './schema.js';

/** What to leave out, which kernel to take, and where to look for programs. */
export interface SurveyOptions {
  /** Kernel version for the rescue system; default: the running one. */
  readonly kernel?: string;
  /** Mount points that do not belong to the machine (a backup disk, say). */
  readonly excludeMounts?: readonly string[];
  /** Objects of `unsupported` that are left out knowingly. */
  readonly allowUnsupported?: readonly string[];
  /** PATH in which programs are looked for. */
  readonly path: string;
  /** Time of the survey, milliseconds since 1970. */
  readonly now: number;
}

const SUPPORTED = ['ext2', 'ext3', 'ext4', 'vfat', 'xfs'] as const;
const isSupported = (type: string): type is FileSystem['type'] => (SUPPORTED as readonly string[]).includes(type);
const DISK_TYPES = ['disk', 'loop'];

/** Where a device lies: its disk and the partition's number, when nothing lies between. */
interface Place { device: BlockDevice; disk: BlockDevice; partition: number; layers: string[] }

/** Every device of the trees with its place, by major:minor. */
function placesOf(tree: readonly BlockDevice[]): Map<string, Place> {
  const out = new Map<string, Place>();
  const walk = (device: BlockDevice, disk: BlockDevice, layers: string[]): void => {
    out.set(device.number, { device, disk, layers, partition: layers.length === 1 && layers[0] === 'part' ? Number(/(\d+)$/.exec(device.path)?.[1]) : 0 });
    for (const child of device.children) walk(child, disk, [...layers, child.type]);
  };
  for (const disk of tree) walk(disk, disk, []);
  return out;
}

const simple = (p: Place): boolean => DISK_TYPES.includes(p.disk.type) && (p.layers.length === 0 || (p.layers.length === 1 && p.layers[0] === 'part'));

/**
 * Reads the running machine. What is mounted or used as swap, but is not understood, is listed in `unsupported`.
 * @throws CdrecError TOOL_MISSING, SURVEY_TOOL_OUTPUT, KERNEL_NOT_FOUND
 */
export async function readSurvey(options: SurveyOptions): Promise<Survey> {
  const kernel = findKernel(options.kernel ?? release());
  const tree = await readBlockTree();
  const places = placesOf(tree);
  const unsupported: Unsupported[] = [];
  const reject = (object: string, what: string, reason: string): void => {
    if (!unsupported.some((u) => u.object === object)) unsupported.push({ object, what, reason, excluded: options.allowUnsupported?.includes(object) ?? false });
  };
  const fileSystems = await readFileSystems(await readMounts(), places, options, reject);
  const swaps = await readSwaps(places, reject);
  const disks = await readDisks(tree, [...fileSystems, ...swaps], reject);
  return {
    version: 1, created: new Date(options.now).toISOString(), host: readHost(),
    boot: { firmware: readFirmware(), secureBoot: readSecureBoot(), kernel, commandLine: readCommandLine(), loaders: readLoaders(disks, fileSystems) },
    modules: readModules(), ...(await readNetwork(options.path)), disks, fileSystems, swaps, unsupported,
  };
}

/** Whether a loop device shows a file that exists here (sysfs: loop/backing_file). */
function isImageFile(disk: BlockDevice): boolean {
  if (disk.type !== 'loop') return false;
  try {
    return existsSync(readFileSync(`/sys/class/block/${disk.path.slice(5)}/loop/backing_file`, 'utf8').trim());
  } catch {
    return false; // detached meanwhile
  }
}

type Reject = (object: string, what: string, reason: string) => void;
/** Kinds of mounts whose source is no local disk: nothing of the machine is lost when they are left out. */
const isLocal = (m: Mount): boolean => m.source.startsWith('/dev/') || m.type === 'zfs' || m.type === 'btrfs';

async function readFileSystems(mounts: readonly Mount[], places: Map<string, Place>, options: SurveyOptions, reject: Reject): Promise<FileSystem[]> {
  const out: FileSystem[] = [];
  const seen = new Set<string>();
  for (const mount of mounts) {
    if (!isLocal(mount) || (mount.root !== '/' && mount.type !== 'btrfs') || options.excludeMounts?.includes(mount.target)) continue;
    const place = places.get(mount.number);
    if (['iso9660', 'udf', 'squashfs', 'erofs'].includes(mount.type) || seen.has(mount.number)) continue;
    seen.add(mount.number);
    // A mounted image file is content of the file system that the file lies on.
    if (place !== undefined && isImageFile(place.disk)) continue;
    if (!isSupported(mount.type)) {
      reject(mount.target, `file system ${mount.type} on ${mount.source}`, `file systems of type ${mount.type} are not supported`);
      continue;
    }
    if (place === undefined || !simple(place)) {
      reject(mount.target, `${mount.type} on ${mount.source}`, `it lies on ${place === undefined ? 'an unknown device' : place.layers.join(' > ')}; only partitions and whole disks are supported`);
      continue;
    }
    const block = await superblockOf(place.device.path);
    out.push({
      device: place.device.path, disk: place.disk.path, partition: place.partition, type: mount.type, uuid: block.uuid, label: block.label,
      bytes: mount.bytes, usedBytes: mount.usedBytes, mount: mount.target, options: mount.options,
      parameters: await readParameters(mount.type, place.device.path, mount.target, block.version),
    });
  }
  return out;
}

/** Swap areas in use, from /proc/swaps, and partitions that fstab would use. Swap files are content of their file system. */
async function readSwaps(places: Map<string, Place>, reject: Reject): Promise<Swap[]> {
  const out: Swap[] = [];
  // By device number: /proc/swaps says /dev/dm-0 where lsblk says /dev/mapper/vg-swap.
  const active = new Set(readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).map((line) => line.split(/\s+/)).filter((f) => f[1] === 'partition').map((f) => deviceNumber(f[0] as string)));
  const fstab = readFstabSwaps();
  for (const place of places.values()) {
    const isActive = active.has(place.device.number);
    if (!isActive && (fstab.length === 0 || !DISK_TYPES.includes(place.disk.type))) continue;
    if (place.device.path.startsWith('/dev/zram') || place.layers.length === 0 && !isActive) continue;
    const block = await superblockOf(place.device.path);
    if (block.type !== 'swap') continue;
    const named = fstab.some((f) => f === place.device.path || f === `UUID=${block.uuid}` || (block.label !== '' && f === `LABEL=${block.label}`));
    if (!isActive && !named) continue;
    if (!simple(place)) {
      reject(place.device.path, 'swap area', `it lies on ${place.layers.join(' > ')}`);
      continue;
    }
    out.push({ device: place.device.path, disk: place.disk.path, partition: place.partition, uuid: block.uuid, label: block.label, bytes: place.device.bytes });
  }
  return out;
}

/** major:minor of a device node, as lsblk writes it; empty when the node is not there. */
function deviceNumber(path: string): string {
  const rdev = statSync(path, { throwIfNoEntry: false })?.rdev;
  return rdev === undefined ? '' : `${String((rdev >> 8) & 0xfff)}:${String((rdev & 0xff) | ((rdev >> 12) & 0xfff00))}`;
}

function readFstabSwaps(): string[] {
  try {
    return readFileSync('/etc/fstab', 'utf8').split('\n').map((line) => line.trim().split(/\s+/)).filter((f) => f[2] === 'swap').map((f) => (f[0] as string).replaceAll('"', ''));
  } catch {
    return []; // no fstab, no swap named in it
  }
}

async function readDisks(tree: readonly BlockDevice[], content: readonly { disk: string; partition: number }[], reject: Reject): Promise<Disk[]> {
  const out: Disk[] = [];
  for (const device of tree) {
    const used = content.some((c) => c.disk === device.path);
    if (!used && (device.type !== 'disk' || /^\/dev\/(zram|ram|fd)/.test(device.path))) continue;
    const table = device.bytes > 0 ? await readDisk(device.path) : undefined;
    if (used && table === undefined && content.some((c) => c.disk === device.path && c.partition > 0)) reject(device.path, 'partition table', 'it is neither GPT nor MBR');
    out.push({
      device: device.path, model: device.model, serial: device.serial, wwn: device.wwn, transport: device.transport, bytes: device.bytes, sectorBytes: device.sectorBytes, used,
      ...(table === undefined ? {} : { table }),
    });
  }
  return out;
}

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { readBlockTree, readDisk, superblockOf, type BlockDevice } from './block.js';
import { findKernel } from './kernel.js';
import { randomlyKeyed } from './crypttab.js';
import { readCommandLine, readFirmware, readHost, readModules, readSecureBoot } from './host.js';
import { readConfiguration } from './configuration.js';
import { readFirmwareEntries } from './firmware-entries.js';
import { linksOf } from './links.js';
import { bootSectorOf, readLoaders } from './loaders.js';
import { readMounts, wakeMounts, type Mount } from './mounts.js';
import { fstabSwaps, readSwapFiles } from './swap-files.js';
import { readNetwork } from './network.js';
import { deviceNumber, graphOf, type Node } from './graph.js';
import { readImages } from './images.js';
import { readBtrfs } from './layers/btrfs.js';
import { sysNumber } from './layers/raid.js';
import { readParameters } from './parameters.js';
import { readQuotas } from './quotas.js';
import { disksBelow, gapBelow, placeOf, readLayers } from './stack.js';
import { FILE_SYSTEMS, type BtrfsLayer, type Disk, type FileSystem, type Survey, type Swap, type Unsupported } from './schema.js';

/** What to leave out, which kernel to take, and where to look for programs. */
export interface SurveyOptions {
  /** Kernel version for the rescue system; default: the running one. */
  readonly kernel?: string;
  /** Mount points that do not belong to the machine (a backup disk, say). */
  readonly excludeMounts?: readonly string[];
  /** Objects of `unsupported` that are left out knowingly. */
  readonly allowUnsupported?: readonly string[];
  /** Devices that are saved block by block. */
  readonly images?: readonly string[];
  /** PATH in which programs are looked for. */
  readonly path: string;
  /** Time of the survey, milliseconds since 1970. */
  readonly now: number;
}

const isSupported = (type: string): type is FileSystem['type'] => (FILE_SYSTEMS as readonly string[]).includes(type);
type Graph = ReadonlyMap<string, Node>;

/**
 * Reads the running machine. What is mounted or used as swap, but is not understood, is listed in `unsupported`.
 * @throws CdrecError TOOL_MISSING, SURVEY_TOOL_OUTPUT, KERNEL_NOT_FOUND
 */
export async function readSurvey(options: SurveyOptions): Promise<Survey> {
  const kernel = findKernel(options.kernel ?? release());
  const tree = await readBlockTree();
  const graph = graphOf(tree);
  const unsupported: Unsupported[] = [];
  const reject = (object: string, what: string, reason: string): void => {
    if (!unsupported.some((u) => u.object === object)) unsupported.push({ object, what, reason, excluded: options.allowUnsupported?.includes(object) ?? false });
  };
  const mounts = await readMounts();
  const found = await readFileSystems((await wakeMounts(mounts, options.path)) ? await readMounts() : mounts, graph, options, reject);
  const areas = await readSwaps(graph, reject);
  const saved = await readImages(options.images ?? [], graph, fileSystemsOf(found), options.path, reject);
  const { layers: between, nodes } = await readLayers([...found.nodes, ...areas.nodes, ...saved.nodes], graph, reject);
  const { fileSystems } = found;
  const { swaps } = areas;
  const layers = [...between, ...found.pools];
  // A layer's devices may lie on disks that no file system of its own needs: the second half of a mirror.
  const disks = await readDisks(tree, new Set(nodes.flatMap(disksBelow)), [...fileSystems, ...swaps, ...saved.images], reject);
  const entries = readFirmwareEntries().filter((e) => disks.some((d) => d.table?.partitions.some((p) => p.uuid?.toUpperCase() === e.partition)));
  const loaders = readLoaders(disks, fileSystems, entries);
  return {
    version: 1, created: new Date(options.now).toISOString(), host: readHost(),
    boot: { firmware: readFirmware(), secureBoot: readSecureBoot(), kernel, commandLine: readCommandLine(), loaders, entries },
    modules: readModules(), ...(await readNetwork(options.path)), disks, layers, fileSystems, swaps, swapFiles: await readSwapFiles(fileSystems), images: saved.images, unsupported,
    configuration: readConfiguration(loaders),
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

/** major:minor of what a mount lies on: of its source for btrfs, which has an anonymous number of its own for every subvolume. */
const numberOf = (m: Mount): string => (m.type === 'btrfs' ? deviceNumber(m.source.replace(/\[.*\]$/, '')) : m.number);

interface Found { readonly fileSystems: FileSystem[]; readonly pools: BtrfsLayer[]; readonly nodes: Node[] }

async function readFileSystems(mounts: readonly Mount[], graph: Graph, options: SurveyOptions, reject: Reject): Promise<Found> {
  const out: Found = { fileSystems: [], pools: [], nodes: [] };
  const seen = new Set<string>();
  const random = randomlyKeyed();
  for (const mount of mounts) {
    if (!isLocal(mount) || (mount.root !== '/' && mount.type !== 'btrfs') || options.excludeMounts?.includes(mount.target)) continue;
    const number = numberOf(mount);
    const node = graph.get(number);
    const key = mount.type === 'btrfs' ? `${number} ${mount.root}` : number;
    if (['iso9660', 'udf', 'squashfs', 'erofs'].includes(mount.type) || seen.has(key)) continue;
    seen.add(key);
    // A mounted image file is content of the file system that the file lies on.
    if (node !== undefined && disksBelow(node).some((d) => isImageFile(d.device))) continue;
    // What is saved block by block is no file system of files.
    if (!isSupported(mount.type) && node !== undefined && options.images?.some((i) => deviceNumber(i) === node.device.number)) continue;
    if (!isSupported(mount.type)) {
      reject(mount.target, `file system ${mount.type} on ${mount.source}`, `file systems of type ${mount.type} are not archived by files; they can be saved block by block (backup.images)`);
      continue;
    }
    if (node?.kind === 'crypt' && random.has(node.device.path.replace('/dev/mapper/', ''))) {
      // /tmp, say: crypttab makes it anew at every start. Its partition must be there.
      out.nodes.push(...node.parents.filter((p) => gapBelow(p) === undefined));
      continue;
    }
    const gap = node === undefined ? undefined : gapBelow(node);
    if (node === undefined || gap !== undefined) {
      reject(mount.target, `${mount.type} on ${mount.source}`, gap?.reason ?? 'it lies on an unknown device');
      continue;
    }
    const apart = /(?:^|,)(logdev|rtdev)=([^,]+)/.exec(mount.options);
    if (apart !== null) {
      reject(mount.target, `${mount.type} on ${mount.source} with ${apart[1] as string}=${apart[2] as string}`, 'its log or its real-time section lies on a device of its own, which is not made again');
      continue;
    }
    const block = await superblockOf(node.device.path);
    const place = placeOf(node);
    const fs: FileSystem = {
      ...place, type: mount.type, uuid: block.uuid, label: block.label, bytes: mount.bytes, usedBytes: mount.usedBytes, ...(mount.usedInodes === undefined ? {} : { usedInodes: mount.usedInodes }), mount: mount.target, options: mount.options,
      parameters: await readParameters(mount.type, node.device.path, mount.target, block.version),
    };
    if (fs.parameters['journalDevice'] !== undefined) {
      reject(mount.target, `${mount.type} on ${mount.source} with its journal on device ${fs.parameters['journalDevice']}`, 'a journal on a device of its own is not made again');
      continue;
    }
    if (fs.parameters['devices'] !== undefined) {
      reject(mount.target, `f2fs over ${fs.parameters['devices']} devices, the first of which is ${mount.source}`, 'an f2fs over several devices is not made again');
      continue;
    }
    const quotas = await readQuotas(fs);
    out.nodes.push(node);
    if (mount.type === 'btrfs') await addSubvolume(out, fs, mount, graph);
    else out.fileSystems.push(quotas.length === 0 ? fs : { ...fs, quotas });
  }
  addNested(out);
  return out;
}

/** A mounted subvolume: its file system is read once, with all of its devices. */
async function addSubvolume(out: Found, fs: FileSystem, mount: Mount, graph: Graph): Promise<void> {
  let pool = out.pools.find((p) => p.uuid === fs.uuid);
  if (pool === undefined) {
    const pathOf = (name: string): string => graph.get(sysNumber(name))?.device.path ?? `/dev/${name}`;
    pool = await readBtrfs(fs.device, mount.target, fs.uuid, fs.label, pathOf);
    out.pools.push(pool);
    for (const d of pool.devices) {
      const node = [...graph.values()].find((n) => n.device.path === d);
      if (node !== undefined && !out.nodes.includes(node)) out.nodes.push(node);
    }
  }
  const subvolume = mount.root.replace(/^\//, '');
  // A directory of a subvolume that is mounted somewhere (a bind mount) is content of that subvolume.
  if (subvolume !== '' && !pool.subvolumes.some((s) => s.path === subvolume)) return;
  // All share one device; whatever is mounted second and later counts no bytes again.
  out.fileSystems.push({ ...fs, device: pool.device, subvolume, usedBytes: out.fileSystems.some((f) => f.uuid === fs.uuid) ? 0 : fs.usedBytes });
}

/**
 * Subvolumes that are seen as directories below a mounted one (/var/lib/machines, say): tar would stop at them. Each is
 * a file system of its own; snapshots are not: they are other states of what is archived already.
 */
function addNested(out: Found): void {
  for (const pool of out.pools) {
    const mounted = out.fileSystems.filter((f) => f.uuid === pool.uuid && f.subvolume !== undefined);
    for (const { path, snapshot, readOnly } of pool.subvolumes) {
      if (snapshot || readOnly || mounted.some((m) => m.subvolume === path)) continue;
      const parent = mounted.filter((m) => m.subvolume === '' || path.startsWith(`${m.subvolume as string}/`)).sort((a, b) => (b.subvolume as string).length - (a.subvolume as string).length)[0];
      if (parent === undefined) continue;
      const rest = parent.subvolume === '' ? path : path.slice((parent.subvolume as string).length + 1);
      out.fileSystems.push({ ...parent, subvolume: path, nested: true, usedBytes: 0, mount: `${parent.mount === '/' ? '' : parent.mount}/${rest}` });
    }
  }
}

/** Swap areas in use, from /proc/swaps, and partitions that fstab would use; swap files have a list of their own. */
async function readSwaps(graph: Graph, reject: Reject): Promise<{ swaps: Swap[]; nodes: Node[] }> {
  const swaps: Swap[] = [];
  const nodes: Node[] = [];
  // By device number: /proc/swaps says /dev/dm-0 where lsblk says /dev/mapper/vg-swap.
  const active = new Set(readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).map((line) => line.split(/\s+/)).filter((f) => f[1] === 'partition').map((f) => deviceNumber(f[0] as string)));
  const fstab = fstabSwaps();
  for (const node of graph.values()) {
    const { path, number, bytes } = node.device;
    const isActive = active.has(number);
    if (path.startsWith('/dev/zram') || (!isActive && (fstab.length === 0 || node.kind === 'disk' || !disksBelow(node).every((d) => d.kind === 'disk')))) continue;
    const block = await superblockOf(path);
    if (block.type !== 'swap') continue;
    const named = fstab.some((f) => (f.startsWith('/') && deviceNumber(f) === number) || f === `UUID=${block.uuid}` || (block.label !== '' && f === `LABEL=${block.label}`));
    if (!isActive && !named) continue;
    const gap = gapBelow(node);
    const under = node.kind === 'crypt' ? node.parents[0] : undefined;
    const signature = under === undefined ? undefined : await superblockOf(under.device.path);
    if (under !== undefined && signature !== undefined && signature.type !== 'crypto_LUKS') {
      // Encrypted with a new random key at every start: crypttab makes it, on a device that must be there. With offset= in
      // crypttab, that is known by the UUID of a swap signature before what is encrypted.
      if (gapBelow(under) !== undefined) continue;
      nodes.push(under);
      if (signature.type === 'swap') swaps.push({ ...placeOf(under), uuid: signature.uuid, label: signature.label, bytes: under.device.bytes });
      continue;
    }
    if (gap !== undefined) {
      reject(path, 'swap area', gap.reason);
      continue;
    }
    nodes.push(node);
    swaps.push({ ...placeOf(node), uuid: block.uuid, label: block.label, bytes });
  }
  return { swaps, nodes };
}

const fileSystemsOf = (found: Found): ReadonlyMap<string, string> => new Map(found.fileSystems.map((f) => [f.device, f.mount]));

async function readDisks(tree: readonly BlockDevice[], usedNodes: ReadonlySet<Node>, content: readonly { disk: string; partition: number }[], reject: Reject): Promise<Disk[]> {
  const out: Disk[] = [];
  const usedPaths = new Set([...usedNodes].map((n) => n.device.path));
  for (const device of tree) {
    const used = usedPaths.has(device.path);
    if (!used && (device.type !== 'disk' || /^\/dev\/(zram|ram|fd)/.test(device.path))) continue;
    // A disk that is one file system has no partitions, whatever its first sector looks like: mkfs.vfat(8) writes a table of one that begins at 0.
    const whole = content.some((c) => c.disk === device.path && c.partition === 0);
    const table = device.bytes > 0 && !whole ? await readDisk(device.path) : undefined;
    if (used && table === undefined && content.some((c) => c.disk === device.path && c.partition > 0)) reject(device.path, 'partition table', 'it is neither GPT nor MBR');
    const sector = used && table !== undefined ? bootSectorOf(device.path) : undefined;
    out.push({
      device: device.path, model: device.model, serial: device.serial, wwn: device.wwn, transport: device.transport, bytes: device.bytes, sectorBytes: device.sectorBytes, used, links: linksOf(device.path),
      ...(table === undefined ? {} : { table: table.type === 'gpt' && sector?.active === true ? { ...table, active: true } : table }), ...(sector?.code === undefined ? {} : { bootCode: sector.code }),
    });
  }
  return out;
}

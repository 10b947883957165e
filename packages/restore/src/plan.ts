import { createHash } from 'node:crypto';
import type { BtrfsLayer, Disk, FileSystem, Quota, FirmwareEntry, PartitionTable, Survey, SwapFile } from '@cdrec/survey';
import { CdrecError, type Compressor } from '@cdrec/tool';
import { imageWriter, isExtended, mkfsCommands, mkswapCommand, partitionNode, sfdiskScript, type Command } from './commands.js';
import { btrfsCommand, groupStep, kdfOptions, luksStep, halfSafeWarning, raidStep, spareMembers, subvolumesOf, type LayerStep } from './layers.js';
import { roomWarnings } from './content.js';
import { holdsFiles } from './files.js';
import { cardWarning, matchCards, type CardChange, type NetworkCard } from './network-cards.js';
import type { NewVolume } from './key-files.js';
import { espLine, NEW_ESP } from './esp.js';
import { fitSurvey, type SizeChange } from './fit.js';
import { lostRedundancy } from './join.js';
import { loaderSteps } from './plan-loaders.js';
import { diskMap, type MapRow } from './disk-map.js';
import type { Assignment } from './match.js';
import { onDisks } from './only.js';
import { renamedDevices, type Renamed } from './references.js';
import type { NumberedSubvolume } from './subvolume-ids.js';
import { mountedAt } from './mounts.js';
import { quotaOptions } from './quotas.js';
import type { SizeRules } from './sizes.js';
import type { TargetDisk } from './targets.js';
import { findTwins, twinWarning, type Twin } from './twins.js';

/** A file system in its new place. */
export interface Placement {
  readonly device: string;
  readonly type: FileSystem['type'];
  readonly mount: string;
  /** Mount options that its place needs (`subvol=`). */
  readonly options?: string;
}

/** A partition's device node, its first block and its size, in units of 512 bytes, as the kernel counts them. */
export interface PlannedNode { readonly path: string; readonly start: number; readonly size: number }

/** How a step finds an archive, and what it must know to read it. */
export interface StoredArchive { readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age' }

/** A partition that is an ESP, or a member of the mirror that is one. */
export interface EspPlace { readonly disk: string; readonly partition: number }

/** One action of a restore. `id` is stable: the journal knows steps by it. */
export type Step =
  | { readonly id: string; readonly kind: 'wipe'; readonly disk: string }
  | { readonly id: string; readonly kind: 'table'; readonly disk: string; readonly script: string; readonly nodes: readonly PlannedNode[]; readonly bootCode?: string; readonly active?: boolean }
  | { readonly id: string; readonly kind: 'make'; readonly device: string; readonly commands: readonly Command[] }
  | { readonly id: string; readonly kind: 'layer'; readonly step: LayerStep }
  | { readonly id: string; readonly kind: 'luks-header'; readonly device: string; readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age' }
  | { readonly id: string; readonly kind: 'subvolumes'; readonly device: string; readonly options: string; readonly paths: readonly string[]; readonly standard: string }
  | { readonly id: string; readonly kind: 'extract'; readonly device: string; readonly fsType: FileSystem['type']; readonly mount: string; readonly options?: string; readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age'; readonly engine?: string; readonly contentBytes: number; readonly flags?: StoredArchive }
  | { readonly id: string; readonly kind: 'check'; readonly device: string; readonly fsType: FileSystem['type']; readonly mount: string; readonly options?: string; readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age'; readonly engine?: string }
  | { readonly id: string; readonly kind: 'swap-file'; readonly file: SwapFile; readonly copyOnWrite: boolean; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'image'; readonly device: string; readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age'; readonly writer: Command }
  | { readonly id: string; readonly kind: 'grub-bios'; readonly disk: string; readonly partition?: boolean; readonly directory: string; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'efi'; readonly places: readonly EspPlace[]; readonly mount: string; readonly label: string; readonly entries: readonly FirmwareEntry[]; readonly fresh?: boolean; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'lilo'; readonly disk: string; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'extlinux'; readonly disk: string; readonly directory: string; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'adapt'; readonly cards?: readonly CardChange[]; readonly kernelNames?: boolean; readonly fstab?: string; readonly renamed: readonly Renamed[]; readonly disks: readonly string[]; readonly modules: readonly string[]; readonly encrypted?: readonly NewVolume[]; readonly otherDisks?: boolean; readonly empty?: readonly string[]; readonly subvolumes?: readonly NumberedSubvolume[]; readonly fileSystems: readonly Placement[] }
  | { readonly id: string; readonly kind: 'quotas'; readonly device: string; readonly fsType: FileSystem['type']; readonly mount: string; readonly options: string; readonly quotas: readonly Quota[] }
  | { readonly id: string; readonly kind: 'flags'; readonly mount: string; readonly device: string; readonly fsType: FileSystem['type']; readonly options?: string; readonly archive: string; readonly compress: Compressor; readonly encrypt?: 'age' }
  | { readonly id: string; readonly kind: 'hook'; readonly script: string; readonly fileSystems: readonly Placement[] };

/** What a restore needs to know of an archive. */
export interface PlanArchive { readonly name: string; readonly kind: 'tar' | 'tree' | 'image' | 'flags' | 'index' | 'luks-header'; readonly mount: string; readonly device: string; readonly compress: Compressor; readonly encrypt?: 'age' | undefined; readonly contentBytes: number; readonly snapshot?: { readonly engine: string } | undefined }

/** Input of the planner; the survey counts what the archives need (`withContent`). */
export interface PlanInput {
  readonly survey: Survey;
  readonly archives: readonly PlanArchive[];
  readonly assignments: readonly Assignment[];
  /** Disks of the survey that nothing takes the place of: arrays run degraded. */
  readonly without?: readonly string[];
  /** Use all of larger disks: file systems grow in proportion, or as `rules` say. */
  readonly grow?: boolean;
  readonly rules?: SizeRules;
  /** PARTUUIDs that another partition table changed: old to new (`convertSurvey`). */
  readonly partUuids?: ReadonlyMap<string, string>;
  /** Id of the set: another set of the same machine is another plan. */
  readonly setId?: string;
  /** How the machine that is restored was started; a difference to the survey is worth a warning. */
  readonly firmware?: 'bios' | 'uefi';
  /** File with a command of the administrator (`rescue.post_exec`) that ends the restore. */
  readonly postExec?: string;
  /** Mount points of file systems that are made, but not filled (`withoutContent`). */
  readonly empty?: readonly string[];
  /** The disk of the survey that got an EFI system partition for this restore (`addEsp`). */
  readonly newEsp?: boolean;
  /** Network cards that are here, and by their old names what takes their place (a new name or MAC address). */
  readonly cards?: readonly NetworkCard[];
  readonly nics?: ReadonlyMap<string, string>;
  /** All disks of the machine, those that are overwritten among them. */
  readonly attached?: readonly TargetDisk[];
  /** Compare every restored file with its archive, last of all. */
  readonly check?: boolean;
  /** File with a command that is run like `postExec`, after it. */
  readonly hook?: string;
}

/** A whole plan: plain data, printable, with an id that changes with its content. */
export interface Plan {
  readonly id: string;
  readonly host: string;
  readonly disks: readonly { readonly source: string; readonly others?: readonly string[]; readonly target: string; readonly model: string; readonly serial: string; readonly bytes: number; readonly content: string; readonly rule: string; readonly map: readonly MapRow[] }[];
  /** Sizes that differ from those of the survey, bytes. */
  readonly changes: readonly SizeChange[];
  /** Network cards that are other ones now. */
  readonly cards: readonly CardChange[];
  /** Disks that stay as they are and carry what will have the same UUIDs. */
  readonly twins: readonly Twin[];
  /** Mount points of file systems that come back without their files. */
  readonly empty: readonly string[];
  /** What may surprise after the restore. */
  readonly warnings: readonly string[];
  readonly steps: readonly Step[];
}

/**
 * Computes the steps of a restore. Pure.
 * @throws CdrecError DISK_TOO_SMALL, SIZE_RULE, DISK_NEEDED; PLAN_NO_ARCHIVE when a file system has no archive in the set
 */
export function planRestore({ survey: original, archives, assignments, without = [], grow = false, rules = {}, partUuids = new Map(), setId = '', firmware, postExec, attached = [], cards = [], nics = new Map(), empty = [], newEsp = false, check = false, hook }: PlanInput): Plan {
  requireSpare(original, without);
  const fitted = fitSurvey(original, assignments, grow, rules);
  const { changes } = fitted;
  const survey = withLargerSectors(fitted.survey, assignments);
  const targetOf = new Map(assignments.map((a) => [a.source.device, a.target.device]));
  const at = locator(survey.disks, targetOf);
  const optionsOf = mountOptions(survey, at);
  const steps: Step[] = [];
  for (const { source: before, target } of assignments) {
    const source = survey.disks.find((d) => d.device === before.device) ?? before;
    steps.push({ id: `wipe ${target.device}`, kind: 'wipe', disk: target.device });
    if (source.table !== undefined) steps.push(tableStep(target.device, source.table, source.sectorBytes, source.bootCode));
  }
  const mounted = survey.fileSystems;
  for (const layer of survey.layers) {
    if (layer.type === 'btrfs') {
      steps.push({ id: `mkfs ${at(layer.device)}`, kind: 'make', device: at(layer.device), commands: [btrfsCommand(layer, at)] });
      const paths = subvolumesOf(layer, mounted.filter((f) => f.uuid === layer.uuid).map((f) => f.subvolume ?? ''));
      if (paths.length > 0) steps.push({ id: `subvolumes ${at(layer.device)}`, kind: 'subvolumes', device: at(layer.device), options: [TOP, ...deviceOptions(layer, at)].join(','), paths, standard: layer.defaultSubvolume });
      continue;
    }
    const header = layer.type === 'luks' ? archives.find((a) => a.kind === 'luks-header' && a.device === layer.on) : undefined;
    if (layer.type === 'luks' && header !== undefined) steps.push({ id: `luks-header ${at(layer.on)}`, kind: 'luks-header', device: at(layer.on), ...storedAs(header) });
    const step = layer.type === 'raid' ? raidStep(layer, at, onDisks(survey.disks, without)) : layer.type === 'luks' ? luksStep(layer, at, header !== undefined) : groupStep(layer, at);
    steps.push({ id: `${layer.type} ${layer.type === 'vg' ? layer.name : layer.device}`, kind: 'layer', step });
    if (layer.type === 'raid' && layer.table !== undefined) steps.push(tableStep(layer.device, layer.table, 512));
  }
  const ordered = [...survey.fileSystems].sort((a, b) => (a.mount < b.mount ? -1 : 1));
  for (const fs of ordered) if (fs.type !== 'btrfs') steps.push({ id: `mkfs ${at(fs.device)}`, kind: 'make', device: at(fs.device), commands: mkfsCommands(fs, at(fs.device)) });
  for (const swap of survey.swaps) steps.push({ id: `mkswap ${at(swap.device)}`, kind: 'make', device: at(swap.device), commands: [mkswapCommand(swap, at(swap.device))] });
  const filled = ordered.filter((fs) => !(newEsp && fs.mount === NEW_ESP) && !empty.includes(fs.mount));
  for (const fs of filled) {
    const archive = archives.find((a) => holdsFiles(a) && a.mount === fs.mount);
    if (archive === undefined) throw new CdrecError('PLAN_NO_ARCHIVE', `the set has no archive of ${fs.mount}`, { hint: 'a rescue-only set restores no content: add the volumes of a set with backups' });
    const flags = archives.find((a) => a.kind === 'flags' && a.mount === fs.mount);
    steps.push({ id: `extract ${fs.mount}`, kind: 'extract', ...(flags === undefined ? {} : { flags: storedAs(flags) }), device: at(fs.device), fsType: fs.type, mount: fs.mount, ...optionsOf(fs), ...storedAs(archive), ...engineOf(archive), contentBytes: archive.contentBytes });
  }
  for (const image of survey.images) {
    const archive = archives.find((a) => a.kind === 'image' && a.device === image.device);
    if (archive === undefined) throw new CdrecError('PLAN_NO_ARCHIVE', `the set has no image of ${image.device}`, { hint: 'a rescue-only set restores no content: add the volumes of a set with backups' });
    steps.push({ id: `image ${image.device}`, kind: 'image', device: at(image.device), ...storedAs(archive), writer: imageWriter(image.method, at(image.device)) });
  }
  // A nested subvolume is seen through the one above it.
  const fileSystems = ordered.filter((fs) => fs.nested !== true).map((fs): Placement => ({ device: at(fs.device), type: fs.type, mount: fs.mount, ...optionsOf(fs) }));
  for (const file of survey.swapFiles) {
    const on = mountedAt(file.path, fileSystems);
    if (on !== undefined) steps.push({ id: `swap file ${file.path}`, kind: 'swap-file', file, copyOnWrite: on.type === 'btrfs', fileSystems });
  }
  const hasRoot = fileSystems.some((f) => f.mount === '/');
  const encrypted = survey.layers.flatMap((l): NewVolume[] => (l.type === 'luks' && !archives.some((a) => a.kind === 'luks-header' && a.device === l.on) ? [{ name: l.name, uuid: l.uuid, device: at(l.on), kdf: kdfOptions(l) }] : []));
  const numbered = survey.fileSystems.flatMap((f): NumberedSubvolume[] => {
    const id = /(?:^|,)subvolid=(\d+)/.exec(f.options)?.[1];
    return f.type !== 'btrfs' || f.nested === true || f.subvolume === undefined || f.subvolume === '' || id === undefined ? [] : [{ uuid: f.uuid, label: f.label, mount: f.mount, id: Number(id), path: f.subvolume }];
  });
  if (hasRoot) steps.push({ id: 'adapt', kind: 'adapt', ...(/\bnet\.ifnames=0\b/.test(survey.boot.commandLine) ? { kernelNames: true } : {}), ...(newEsp ? { fstab: espLine(ordered.find((f) => f.mount === NEW_ESP)?.uuid ?? '') } : {}), renamed: renamedDevices(survey, assignments, partUuids), disks: assignments.map((a) => a.target.device), modules: survey.modules, ...(encrypted.length === 0 ? {} : { encrypted }), ...(numbered.length === 0 ? {} : { subvolumes: numbered }), ...(assignments.every(isSameDisk) ? {} : { otherDisks: true }), ...(empty.length === 0 ? {} : { empty }), fileSystems });
  if (hasRoot) steps.push(...loaderSteps(survey, assignments, partUuids, fileSystems).map((s) => (newEsp && s.kind === 'efi' ? { ...s, fresh: true } : s)));
  // Last, for an immutable file can neither be written nor replaced; before the administrator's own command.
  for (const fs of filled) {
    const flags = archives.find((a) => a.kind === 'flags' && a.mount === fs.mount);
    if (flags !== undefined) steps.push({ id: `flags ${fs.mount}`, kind: 'flags', mount: fs.mount, device: at(fs.device), fsType: fs.type, ...optionsOf(fs), ...storedAs(flags) });
  }
  for (const fs of ordered) {
    const options = quotaOptions(fs);
    if (options !== undefined) steps.push({ id: `quotas ${fs.mount}`, kind: 'quotas', device: at(fs.device), fsType: fs.type, mount: fs.mount, options, quotas: fs.quotas ?? [] });
  }
  if (postExec !== undefined) steps.push({ id: 'post_exec', kind: 'hook', script: postExec, fileSystems });
  if (hook !== undefined) steps.push({ id: 'hook', kind: 'hook', script: hook, fileSystems });
  // Last: what the commands before changed of the restored files is found as well.
  for (const fs of check ? filled : []) {
    const archive = archives.find((a) => holdsFiles(a) && a.mount === fs.mount);
    if (archive !== undefined) steps.push({ id: `check ${fs.mount}`, kind: 'check', device: at(fs.device), fsType: fs.type, mount: fs.mount, ...optionsOf(fs), ...storedAs(archive), ...engineOf(archive) });
  }
  const disks = assignments.map(({ source, others = [], target, rule }) => ({ source: source.device, ...(others.length === 0 ? {} : { others: others.map((o) => o.device) }), target: target.device, model: target.model, serial: target.serial, bytes: target.bytes, content: target.content, rule, map: diskMap(original, survey, source.device) }));
  // What lies on the disks is no part of the identity: after an interruption it is another content, but the same plan.
  const id = createHash('sha256').update(JSON.stringify([setId, disks.map((d) => [d.source, d.target, d.serial, d.bytes]), steps])).digest('hex').slice(0, 16);
  const matched = cards.length === 0 && nics.size === 0 ? { changes: [], unknown: [] } : matchCards(original.network, cards, nics);
  const twins = findTwins(original, assignments, attached);
  return { id, host: survey.host.name, disks, changes, twins, cards: matched.changes, empty, warnings: [...empty.map((m) => `${m} comes back without its files; they stay in the set (restore-fs --fs ${m})`), ...twins.map(twinWarning), ...matched.unknown.map((c) => cardWarning(c, cards)), ...warningsOf(survey, steps, firmware), ...roomWarnings(survey), ...sectorWarnings(original, assignments), ...lostRedundancy(survey, new Map(assignments.flatMap((a) => (a.others === undefined ? [] : [[a.source.device, a.others]]))))], steps };
}

/** Whether a disk takes its own place again. */
const isSameDisk = ({ source, target }: Assignment): boolean => (source.serial !== '' && source.serial === target.serial) || (source.wwn !== '' && source.wwn === target.wwn);

/** How a step finds its archive. */
const storedAs = (a: PlanArchive): StoredArchive => ({ archive: a.name, compress: a.compress, ...(a.encrypt === undefined ? {} : { encrypt: a.encrypt }) });

/** Of a file system that an engine keeps: which one. */
const engineOf = (a: PlanArchive): { engine?: string } => (a.kind === 'tree' && a.snapshot !== undefined ? { engine: a.snapshot.engine } : {});

const startsByBios = (s: Step): boolean => s.kind === 'grub-bios' || s.kind === 'lilo' || s.kind === 'extlinux';

function warningsOf(survey: Survey, steps: readonly Step[], firmware: 'bios' | 'uefi' | undefined): string[] {
  const out: string[] = [];
  if (steps.some((s) => s.kind === 'efi' && s.fresh === true)) out.push(`it is to start by UEFI, and started by BIOS only: it gets an EFI system partition (${NEW_ESP}) and GRUB for UEFI, and starts by both (--firmware bios leaves it as it was). Install its package for UEFI afterwards (grub-efi-amd64 and the like), for updates`);
  if (firmware === 'uefi' && !steps.some((s) => s.kind === 'efi')) out.push('this machine was started by UEFI, the system to be restored starts by BIOS only, and there is no room for an EFI system partition, or no GRUB: switch the firmware to legacy boot (CSM) afterwards');
  if (firmware === 'bios' && steps.some((s) => s.kind === 'efi') && !steps.some(startsByBios)) out.push('this machine was started by BIOS, the system to be restored starts by UEFI only: switch the firmware to UEFI afterwards');
  for (const l of survey.layers) if (l.type === 'vg') for (const v of l.volumes) {
    if (v.cache !== undefined) out.push(`the logical volume ${l.name}/${v.name} had a ${v.cache}, which is not made again (lvmcache(7)); the room that it took is free`);
    if (v.integrity === true) out.push(`the images of the logical volume ${l.name}/${v.name} had integrity data, which are not made again: lvconvert --raidintegrity y ${l.name}/${v.name} (lvmraid(7))`);
  }
  for (const s of steps) {
    const half = s.kind === 'layer' ? halfSafeWarning(s.step) : undefined;
    if (half !== undefined) out.push(half);
  }
  if (/\bresume_offset=/.test(survey.boot.commandLine)) out.push('the machine hibernates into a swap file: its resume_offset= is another one afterwards (filefrag -v, or btrfs inspect-internal map-swapfile), and must be set anew');
  for (const d of survey.disks) if (d.bootCode === '') out.push(`the code in the first sector of ${d.device} starts from the partition table that it had, and does not come back: if the machine started by it, install a boot loader by hand`);
  if (survey.boot.loaders.length > 0 && !steps.some((s) => s.kind === 'efi' || startsByBios(s))) out.push('no boot loader is installed: what it needs does not lie on these disks');
  return out;
}

/** What is brought back block by block counts in the sectors of its old disk. */
function sectorWarnings(survey: Survey, assignments: readonly Assignment[]): string[] {
  return assignments.filter((a) => a.target.sectorBytes !== a.source.sectorBytes).flatMap(({ source, target }) => survey.images.filter((i) => i.disk === source.device).map((i) => `${i.device} (${i.type || 'data'}) is written block by block, but ${target.device} has sectors of ${String(target.sectorBytes)} bytes instead of ${String(source.sectorBytes)}: it may not be readable there`));
}

/** On disks with larger sectors a file system cannot have smaller blocks than these. */
function withLargerSectors(survey: Survey, assignments: readonly Assignment[]): Survey {
  const sector = Math.max(0, ...assignments.filter((a) => a.target.sectorBytes > a.source.sectorBytes).map((a) => a.target.sectorBytes));
  // A FAT is what the number of its clusters says (FAT specification, 3.5), and a cluster is a sector at least: of an ESP that was a small FAT32 it must be a FAT16.
  const fat = (fs: FileSystem): FileSystem => ({ ...fs, parameters: { ...fs.parameters, ...(fs.bytes / sector > 66_000 ? {} : { fatBits: fs.bytes / sector > 4200 ? '16' : '12', sectorsPerCluster: '1' }) } });
  const fits = (fs: FileSystem): FileSystem => (fs.type === 'vfat' ? fat(fs) : Number(fs.parameters['blockSize'] ?? sector) < sector ? { ...fs, parameters: Object.fromEntries(Object.entries(fs.parameters).filter(([k]) => !['blockSize', 'agBytes', 'logUnitBytes'].includes(k))) } : fs);
  return sector === 0 ? survey : { ...survey, fileSystems: survey.fileSystems.map(fits) };
}

/** @throws CdrecError DISK_NEEDED when more lies on a disk than members that arrays can do without */
function requireSpare(survey: Survey, without: readonly string[]): void {
  const gone = onDisks(survey.disks, without);
  const need = (what: string): never => { throw new CdrecError('DISK_NEEDED', `${without.join(', ')} cannot be left out: ${what}`, { hint: 'give a disk that takes its place' }); };
  for (const name of without) if (!survey.disks.some((d) => d.device === name)) need(`${name} is no disk of the survey`);
  for (const f of [...survey.fileSystems, ...survey.swaps, ...survey.images]) if (gone(f.device)) need(`${'mount' in f ? f.mount : f.device} lies on it`);
  for (const l of survey.layers) {
    if (l.type === 'luks' && gone(l.on)) need(`the encrypted volume ${l.name} lies on it`);
    if (l.type === 'vg' && l.physical.some((p) => gone(p.device))) need(`a part of the volume group ${l.name} lies on it`);
    if (l.type === 'btrfs' && l.devices.some(gone)) need('a part of a btrfs lies on it');
    if (l.type === 'raid' && l.count - l.members.filter((m) => m.slot >= 0 && !gone(m.device)).length > spareMembers(l)) need(`the array ${l.device} (${l.level}) cannot run without it`);
  }
}

/** Where a device of the survey is now: its partition on the disk that takes the place of its disk; layers keep their names. */
function locator(disks: readonly Disk[], targetOf: ReadonlyMap<string, string>): (device: string) => string {
  const map = new Map<string, string>();
  for (const d of disks) {
    const target = targetOf.get(d.device);
    if (target === undefined) continue;
    map.set(d.device, target);
    for (const p of d.table?.partitions ?? []) map.set(p.node, partitionNode(target, p.number));
  }
  return (device) => map.get(device) ?? device;
}

/**
 * Mount options that decide where files go and how they are stored: the subvolume of a btrfs, its compression, and its
 * other devices (the kernel knows them by itself only where udev has scanned them).
 */
function mountOptions(survey: Survey, at: (device: string) => string): (fs: FileSystem) => { options?: string } {
  return (fs) => {
    if (fs.type !== 'btrfs') return {};
    const stored = fs.options.split(',').filter((o) => /^compress(-force)?(=|$)/.test(o));
    const layer = survey.layers.find((l) => l.type === 'btrfs' && l.uuid === fs.uuid);
    return { options: [fs.subvolume === undefined || fs.subvolume === '' ? TOP : `subvol=/${fs.subvolume}`, ...(layer?.type === 'btrfs' ? deviceOptions(layer, at) : []), ...stored].join(',') };
  };
}

const TOP = 'subvolid=5';
const deviceOptions = (l: BtrfsLayer, at: (device: string) => string): string[] => (l.devices.length > 1 ? l.devices.map((d) => `device=${at(d)}`) : []);

/** A partition table; `sectorBytes` are those of the disk, and the kernel counts in 512. */
function tableStep(disk: string, table: PartitionTable, sectorBytes: number, bootCode?: string): Step {
  const nodes = table.partitions.filter((p) => !isExtended(p)).map((p) => ({ path: partitionNode(disk, p.number), start: (p.start * sectorBytes) / 512, size: (p.sectors * sectorBytes) / 512 }));
  return { id: `table ${disk}`, kind: 'table', disk, script: sfdiskScript(table), nodes, ...(bootCode === undefined || bootCode === '' ? {} : { bootCode }), ...(table.active === true ? { active: true } : {}) };
}

import type { BtrfsLayer, Layer, LogicalVolume, LuksLayer, RaidLayer, VolumeGroup } from '@cdrec/survey';
import type { Command } from './commands.js';

/** Where a device of the survey is in the new machine: a partition on another disk, or the same name for a layer. */
export type Locate = (device: string) => string;

/** One stacked device (or group of them) that is made: what is run, what brings it back after a restart, and the node that then is there. */
export interface LayerStep {
  /** What it is, for the plan. */
  readonly what: string;
  readonly make: readonly Command[];
  readonly activate: readonly Command[];
  readonly node: string;
  /** The LUKS volume whose passphrase both commands read from standard input. */
  readonly passphrase?: string;
  /** The volume has the key slots it had: the passphrase is an old one. */
  readonly kept?: boolean;
}

/** How many members an array can miss and still hold all data. */
export function spareMembers(r: Pick<RaidLayer, 'level' | 'count'>): number {
  return r.level === 'raid1' ? r.count - 1 : r.level === 'raid6' ? 2 : /^raid(4|5|10)$/.test(r.level) ? 1 : 0;
}

/** Whether an array has lost one of its two parities' worth. */
const isHalfSafe = (level: string, members: readonly string[]): boolean => level === 'raid6' && members.filter((m) => m === 'missing').length === 1;

/** What is to be done once the missing disk of a RAID6 is there again: stripes that nobody wrote yet have parities of nothing. */
export const halfSafeWarning = (step: LayerStep): string | undefined => (step.make.some((c) => c.includes('--assume-clean')) ? `${step.what}: when its missing disk is there again, let its parities be made right: echo repair > /sys/block/${step.node.split('/').at(-1) as string}/md/sync_action` : undefined);

/** Gives a member of an array a flag, which md keeps in its superblock (Documentation/admin-guide/md.rst); mdadm has no order of its own for some members of a new array. */
const FLAG = 'echo "$3" > "/sys/block/$(basename "$(readlink -f "$1")")/md/dev-$(basename "$(readlink -f "$2")")/state"';

/** mdadm(8): an array with the name, UUID and geometry it had; a member that was missing then is missing again. */
export function raidStep(r: RaidLayer, at: Locate, without: (device: string) => boolean = () => false): LayerStep {
  const present = r.members.filter((m) => !without(m.device));
  const slots = Array.from({ length: r.count }, (_, i) => present.find((m) => m.slot === i));
  const spares = present.filter((m) => m.slot === -1);
  const journal = present.find((m) => m.slot === -2);
  const colon = r.name.indexOf(':');
  const name = r.metadata.startsWith('1') && r.name !== '' ? [`--homehost=${colon < 0 ? '<none>' : r.name.slice(0, colon)}`, `--name=${r.name.slice(colon + 1)}`] : [];
  const members = [...slots.map((m) => (m === undefined ? 'missing' : at(m.device))), ...spares.map((m) => at(m.device))];
  // mdadm's own space before the data grows with the disks and with its versions: less would be left than there was.
  const offset = r.dataOffsetBytes === undefined ? [] : [`--data-offset=${String(r.dataOffsetBytes / 1024)}K`];
  // Its journal being lost, an array is made without one.
  const policy = r.policy === 'ppl' ? ['--consistency-policy=ppl'] : journal === undefined ? [] : [`--write-journal=${at(journal.device)}`];
  const flagged = [...slots, ...spares].flatMap((m) => (m?.flags ?? []).map((f) => ['bash', '-c', FLAG, 'bash', r.device, at(m?.device ?? ''), f.replace('-', '')] as const));
  // With one of two redundancies the kernel takes a new array for dirty and degraded, and does not start it (md(4)). Nothing of it is of use yet: it is
  // called clean, and every stripe that the restore writes gets both parities anew (rmw_level, Documentation/admin-guide/md.rst).
  const halfSafe = isHalfSafe(r.level, members);
  return {
    what: `array ${r.device} (${r.level}${members.includes('missing') ? ', degraded' : ''}) of ${members.join(', ')}`,
    make: [['mdadm', '--create', r.device, '--run', '--force', `--metadata=${r.metadata}`, `--level=${r.level}`, `--raid-devices=${String(r.count)}`, ...(spares.length > 0 ? [`--spare-devices=${String(spares.length)}`] : []), `--uuid=${r.uuid}`, ...name,
      ...(r.chunkBytes !== undefined && r.chunkBytes > 0 && r.level !== 'raid1' ? [`--chunk=${String(r.chunkBytes / 1024)}`] : []), ...layoutArgument(r),
      // One without redundancy has no bitmap, and mdadm takes no word about it.
      ...(policy.length > 0 ? policy : /^raid(1|4|5|6|10)$/.test(r.level) ? [`--bitmap=${r.bitmap ? 'internal' : 'none'}`] : []), ...offset, ...(halfSafe ? ['--assume-clean'] : []), ...members],
      ...(halfSafe ? [['bash', '-c', 'echo 0 > "/sys/block/$1/md/rmw_level"', 'bash', r.device.split('/').at(-1) as string] as const] : []), ...flagged],
    activate: [['mdadm', '--assemble', r.device, `--uuid=${r.uuid}`, '--run', ...members.filter((m) => m !== 'missing'), ...(journal === undefined ? [] : [at(journal.device)])]],
    node: r.device,
  };
}

/** mdadm --detail says "left-symmetric", which --layout takes, and "near=2", which it wants as "n2". */
function layoutArgument(r: RaidLayer): string[] {
  if (r.layout === undefined || !/^raid(5|6|10)$/.test(r.level)) return [];
  return [`--layout=${r.layout.replace(/^(n|o|f)\w*=(\d+)$/, '$1$2')}`];
}

/** Options of `cryptsetup open` by the names that LUKS2 headers have for them (LUKS2 on-disk format, config flags). */
const LUKS_FLAGS: Readonly<Record<string, string>> = {
  'allow-discards': '--allow-discards', 'same-cpu-crypt': '--perf-same_cpu_crypt', 'submit-from-crypt-cpus': '--perf-submit_from_crypt_cpus', 'no-read-workqueue': '--perf-no_read_workqueue', 'no-write-workqueue': '--perf-no_write_workqueue',
};

/**
 * How a passphrase becomes a key (cryptsetup(8)): by the same function as before. Of PBKDF2 as often as before, where it is known: GRUB opens a
 * /boot with no other, and is slow at it. Of Argon2 this machine is measured: another one has other memory.
 */
export const kdfOptions = (l: Pick<LuksLayer, 'version' | 'pbkdf' | 'iterations'>): string[] => [...(l.version === '2' ? [`--pbkdf=${l.pbkdf}`] : []), ...(l.iterations === undefined ? [] : [`--pbkdf-force-iterations=${String(Math.max(1000, l.iterations))}`])];

/** cryptsetup(8): a volume with its UUID, cipher and key size, and one new key slot; with `kept`, its header has been restored before. The passphrase is read from standard input. */
export function luksStep(l: LuksLayer, at: Locate, kept = false): LayerStep {
  const open = ['cryptsetup', 'open', '--key-file=-', at(l.on), l.name] as const;
  if (kept) return { what: `encrypted volume ${l.name} (LUKS${l.version}) on ${at(l.on)}, with its old key slots`, make: [open], activate: [open], node: l.device, passphrase: l.name, kept };
  const two = l.version === '2';
  // What is to hold whenever it is opened stands in the header (cryptsetup-open(8), --persistent).
  const options = l.flags.flatMap((f) => LUKS_FLAGS[f] ?? []);
  return {
    what: `encrypted volume ${l.name} (LUKS${l.version}, ${l.cipher}) on ${at(l.on)}, with a new key and one passphrase`,
    make: [
      ['cryptsetup', 'luksFormat', '--batch-mode', `--type=luks${l.version}`, `--uuid=${l.uuid}`, `--cipher=${l.cipher}`, `--key-size=${String(l.keyBits)}`, `--hash=${l.hash}`, ...(l.offsetBytes === undefined ? [] : [`--offset=${String(l.offsetBytes / 512)}`]), ...kdfOptions(l), ...(two ? [`--sector-size=${String(l.sectorBytes)}`, ...(l.label === '' ? [] : [`--label=${l.label}`])] : []), '--key-file=-', at(l.on)],
      options.length === 0 ? open : ['cryptsetup', 'open', ...options, '--persistent', '--key-file=-', at(l.on), l.name],
    ],
    activate: [open],
    node: l.device, passphrase: l.name,
  };
}

/** Whether extents of a volume may lie on any disk, in any proportion: one that lay on one disk alone stays there. */
const isMovable = (v: LogicalVolume): boolean => (v.kind === 'linear' || v.kind === 'thin-pool') && v.on.length !== 1;

/** The order in which volumes find their room: those that need so much of certain disks, those that lie on any; pools before what is thin in them. */
function inOrderOfPlaces(g: VolumeGroup): LogicalVolume[] {
  const rank = (v: LogicalVolume): number => (v.kind === 'thin' ? 3 : isMovable(v) ? 2 : v.on.length === 0 || v.kind === 'mirror' ? 1 : 0);
  return [...g.volumes].sort((a, b) => rank(a) - rank(b));
}

/** LVM sees these devices and no others: an old disk that is still attached may hold a group of the same name, with the same UUIDs (lvm.conf(5), global_filter). */
// scan_lvs: a physical volume may be a volume of another group.
const seeing = (devices: readonly string[]): string[] => ['--config', `devices { ${devices.some((d) => d.startsWith('/dev/mapper/')) ? 'scan_lvs = 1 ' : ''}global_filter = [ ${devices.map((d) => `"a|^${d.replace(/[.+*?^$()[\]{}|\\]/g, '\\$&')}$|"`).join(', ')}, "r|.*|" ] }`];

const tags = (all: readonly string[] = []): string[] => all.flatMap((t) => ['--addtag', t]);

/** As LVM writes a UUID (lvm(8)). */
const LVM_UUID = /^\w{6}(?:-\w{4}){5}-\w{6}$/;

/** Edits a group's metadata as text (vgcfgbackup(8)) with sed and takes it for true: no order of LVM makes a volume with a UUID of one's own. Of thin volumes it says that one has to know what one does (--force): here only names change. */
const IDENTIFY = `set -e -o pipefail
f=$(mktemp -p /dev/shm 2> /dev/null || mktemp)
trap 'rm -f "$f"' EXIT
lvm vgcfgbackup --config "$1" --file "$f" "$2"
sed -i -e "$3" "$f"
lvm vgchange --config "$1" --activate n --ignoremonitoring "$2"
lvm vgcfgrestore --config "$1" --yes --force --file "$f" "$2"
lvm vgchange --config "$1" --activate y --ignoremonitoring "$2"`;

/**
 * A group and its volumes get the UUIDs they had: fstab (Ubuntu's installer writes `/dev/disk/by-id/dm-uuid-LVM-...`), GRUB
 * (`lvmid/...`) and whoever watches them may know them by these.
 */
function identify(g: VolumeGroup, only: readonly string[]): Command[] {
  const volumes = g.volumes.filter((v) => LVM_UUID.test(v.uuid ?? ''));
  const edits = [
    ...(LVM_UUID.test(g.uuid) ? [`s/^\\tid = .*/\\tid = "${g.uuid}"/`] : []),
    // Levels of the text are told by tabs; a physical volume may have the name of a logical one there.
    ...(volumes.length === 0 ? [] : ['/^\\tlogical_volumes {/,/^\\t}/ {', ...volumes.map((v) => `/^\\t\\t${v.name.replaceAll('.', '\\.')} {/,/^\\t\\t}/ s/^\\t\\t\\tid = .*/\\t\\t\\tid = "${v.uuid ?? ''}"/`), '}']),
  ];
  return edits.length === 0 ? [] : [['bash', '-c', IDENTIFY, 'bash', only[1] as string, g.name, edits.join('\n')]];
}

/** lvm(8): physical volumes with their UUIDs, the group, its volumes. Contents are overwritten, so nothing is wiped or zeroed. */
export function groupStep(g: VolumeGroup, at: Locate): LayerStep {
  const only = seeing(g.physical.map((p) => at(p.device)));
  const lvm = (program: string, ...args: string[]): Command => ['lvm', program, ...only, ...args];
  const make: Command[] = g.physical.map((p): Command => lvm('pvcreate', '-y', '-ff', '--uuid', p.uuid, '--norestorefile', ...(p.startBytes === 1 << 20 ? [] : ['--dataalignment', `${String(p.startBytes)}b`]), at(p.device)));
  make.push(lvm('vgcreate', '-y', '--physicalextentsize', `${String(g.extentBytes)}b`, ...tags(g.tags), g.name, ...g.physical.map((p) => at(p.device))));
  const several = g.physical.length > 1;
  // Two that share disks in other proportions might take each other's room: they lie where there is some.
  const movable = g.volumes.filter(isMovable).length;
  for (const v of inOrderOfPlaces(g)) {
    const size = v.kind === 'thin' ? ['--virtualsize', `${String(v.bytes)}b`, '--thinpool', v.pool ?? ''] : ['--size', `${String(v.bytes)}b`];
    const stripes = v.stripes === undefined ? [] : /^(raid1|mirror)$/.test(v.kind) ? ['--mirrors', String(v.stripes - 1)] : ['--stripes', String(v.stripes)];
    const mirrors = v.kind === 'raid10' ? ['--mirrors', '1'] : [];
    const stripeSize = v.stripeBytes === undefined ? [] : ['--stripesize', `${String(v.stripeBytes)}b`];
    const pool = v.kind === 'thin-pool' ? ['--poolmetadatasize', `${String(v.metadataBytes ?? 0)}b`, '--chunksize', `${String(v.chunkBytes ?? 0)}b`, ...(v.discards === undefined ? [] : ['--discards', v.discards]), ...(v.zero === false ? ['--zero', 'n'] : [])] : [];
    const set = [...(v.readAheadBytes === undefined ? [] : ['--readahead', v.readAheadBytes === 0 ? 'none' : `${String(v.readAheadBytes)}b`]), ...tags(v.tags)];
    const wipe = v.kind === 'thin' || v.kind === 'thin-pool' ? [] : ['--wipesignatures', 'n', '--zero', 'n'];
    // On which disks a volume lies matters only where there is a choice. A mirror's log may lie on another one than its copies.
    const places = several && v.kind !== 'mirror' && v.kind !== 'thin' && (!isMovable(v) || movable < 2) ? v.on.map(at) : [];
    make.push(lvm('lvcreate', '-y', '--ignoremonitoring', '--name', v.name, '--type', v.kind, ...size, ...stripes, ...mirrors, ...stripeSize, ...pool, ...wipe, ...set, g.name, ...places));
  }
  // Policies come last: the old places of the volumes are not those of a new disk.
  for (const v of g.volumes) if (v.allocation !== undefined) make.push(lvm('lvchange', '--alloc', v.allocation, `${g.name}/${v.name}`));
  if (g.allocation !== undefined) make.push(lvm('vgchange', '--alloc', g.allocation, g.name));
  make.push(...identify(g, only));
  return { what: `volume group ${g.name} on ${g.physical.map((p) => at(p.device)).join(', ')} with ${g.volumes.map((v) => v.name).join(', ')}`, make, activate: [lvm('vgchange', '--activate', 'y', '--ignoremonitoring', g.name)], node: g.volumes[0]?.device ?? `/dev/${g.name}` };
}

/** btrfs: the file system over all of its devices. Subvolumes are made in it afterwards (`subvolumesOf`). */
export function btrfsCommand(b: BtrfsLayer, at: Locate): Command {
  const profile = (flag: string, value: string): string[] => (value === '' ? [] : [flag, value]);
  return ['mkfs.btrfs', '--quiet', '--force', '--uuid', b.uuid, ...(b.label === '' ? [] : ['--label', b.label]), ...profile('--data', b.data), ...profile('--metadata', b.metadata), ...(b.mixed === true ? ['--mixed'] : []), '--nodesize', String(b.nodeBytes), '--sectorsize', String(b.sectorBytes), '--csum', b.checksum, ...b.devices.map(at)];
}

/** Subvolumes that are made, parents first: those that get content, the default one, and those without content in the set, so that the layout is whole; snapshots are not. */
export function subvolumesOf(b: BtrfsLayer, wanted: readonly string[]): string[] {
  return b.subvolumes.filter((s) => (!s.snapshot && !s.readOnly) || s.path === b.defaultSubvolume || wanted.includes(s.path)).map((s) => s.path).sort();
}

/** Programs that making these layers runs. */
export function programsOfLayers(layers: readonly Layer[]): string[] {
  const of: Record<Layer['type'], string[]> = { raid: ['mdadm'], luks: ['cryptsetup'], vg: ['lvm', 'dmsetup'], btrfs: ['mkfs.btrfs', 'btrfs', 'unshare'] };
  // A thin pool is looked at by these when it is activated (thin-provisioning-tools).
  const thin = layers.some((l) => l.type === 'vg' && l.volumes.some((v) => v.kind === 'thin-pool')) ? ['thin_check'] : [];
  return [...new Set([...layers.flatMap((l) => of[l.type]), ...thin])];
}

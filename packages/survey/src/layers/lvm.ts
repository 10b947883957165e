import { runTool } from '@cdrec/tool';
import * as z from 'zod';
import type { LogicalVolume, VolumeGroup } from '../schema.js';

const number = z.string().transform((s) => (s.trim() === '' ? 0 : Number(s)));
const text = z.string().default('');
/** The rows of one kind in a report of LVM (lvmreport(7), JSON). */
function rows<T extends z.ZodType>(json: string, key: string, row: T): z.output<T>[] {
  const { report } = z.object({ report: z.array(z.looseObject({})) }).parse(JSON.parse(json));
  return z.array(row).parse(report.flatMap((r) => (r[key] as unknown[] | undefined) ?? []));
}
const pvRow = z.object({ pv_name: z.string(), pv_uuid: z.string(), vg_name: z.string(), vg_uuid: z.string(), vg_extent_size: number, pe_start: number, pv_size: number, vg_tags: text, vg_allocation_policy: text });
const lvRow = z.object({
  lv_name: z.string(), vg_name: z.string(), segtype: z.string(), lv_size: number, stripes: number, data_stripes: number, stripe_size: number, chunk_size: number, pool_lv: z.string(), origin: z.string(), lv_metadata_size: number, devices: z.string(),
  lv_uuid: text, lv_tags: text, lv_allocation_policy: text, lv_read_ahead: text, discards: text, zero: text,
});

/** Node of a logical volume as device-mapper names it: hyphens of the names are doubled (lvm(8)). */
export const mapperNode = (vg: string, lv: string): string => `/dev/mapper/${vg.replaceAll('-', '--')}-${lv.replaceAll('-', '--')}`;

/** Kinds of volumes that are made again; what else there is, is named. */
const KINDS = ['linear', 'striped', 'mirror', 'raid0', 'raid0_meta', 'raid1', 'raid4', 'raid5', 'raid6', 'raid10', 'thin-pool', 'thin'];
const base = (segtype: string): string => segtype.replace(/^(raid[456])_.*$/, '$1');

type Segment = z.output<typeof lvRow>;
/** LVM writes the names of volumes that only serve others in brackets (lvs(8), --all). */
const bare = (name: string): string => name.replace(/^\[(.*)\]$/, '$1');
/** What a segment lies on: "/dev/sda1(0),/dev/sdb1(7)", or volumes that serve it, "root_rimage_0(0)". */
const devicesOf = (s: Segment): string[] => s.devices.split(',').map((d) => bare(d.replace(/\(\d+\)$/, '').trim())).filter((d) => d !== '');

/** Some segments of a group with all those of the volumes that serve them, at whatever depth. */
function withServants(segments: readonly Segment[], all: readonly Segment[]): Segment[] {
  return segments.flatMap((s) => [s, ...devicesOf(s).filter((d) => !d.startsWith('/')).flatMap((d) => withServants(all.filter((x) => bare(x.lv_name) === d && x.lv_name !== s.lv_name), all))]);
}

const tagged = (tags: string): { tags?: string[] } => (tags === '' ? {} : { tags: tags.split(',') });

/** What somebody has set on a volume (lvchange(8)). */
function attributes(kind: string, s: Segment): Partial<LogicalVolume> {
  const ahead = Number(s.lv_read_ahead);
  return {
    ...tagged(s.lv_tags), ...(['contiguous', 'cling', 'normal', 'anywhere'].includes(s.lv_allocation_policy) ? { allocation: s.lv_allocation_policy } : {}), ...(s.lv_read_ahead !== '' && Number.isFinite(ahead) ? { readAheadBytes: ahead } : {}),
    ...(kind === 'thin-pool' && (s.discards === 'ignore' || s.discards === 'nopassdown') ? { discards: s.discards } : {}), ...(kind === 'thin-pool' && s.zero === '0' ? { zero: false as const } : {}),
  };
}

/** One volume from its segments: a linear one in several pieces has several. */
function volumeOf(group: string, name: string, uuid: string, segments: readonly Segment[], all: readonly Segment[], cache?: string): LogicalVolume {
  const s = segments.at(-1) as Segment;
  const kind = base(s.segtype);
  const striped = kind === 'linear' && s.stripes > 1;
  const below = withServants(segments, all);
  const served = (what: readonly string[]): string | undefined => below.find((b) => what.includes(b.segtype))?.segtype;
  const cached = cache ?? served(['cache', 'writecache']);
  return {
    name, ...(uuid === '' ? {} : { uuid }), device: mapperNode(group, name), kind: (striped ? 'striped' : kind) as LogicalVolume['kind'], bytes: s.lv_size,
    ...(s.stripes > 1 ? { stripes: kind.startsWith('raid') && s.data_stripes > 0 && kind !== 'raid1' ? s.data_stripes : s.stripes } : {}),
    ...(s.stripe_size > 0 ? { stripeBytes: s.stripe_size } : {}), ...(kind === 'thin-pool' ? { chunkBytes: s.chunk_size, metadataBytes: s.lv_metadata_size } : {}),
    ...(s.pool_lv === '' ? {} : { pool: s.pool_lv }), ...(cached === undefined ? {} : { cache: cached }), ...(served(['integrity']) === undefined ? {} : { integrity: true }),
    ...attributes(kind, segments[0] as Segment),
    on: kind === 'thin' ? [] : [...new Set(below.flatMap(devicesOf).filter((d) => d.startsWith('/')))],
  };
}

/**
 * Volume groups from the JSON of `lvm pvs` and `lvm lvs --all --segments`: only `names`. Kinds that are not understood are left out of
 * `volumes` and listed in `other`; snapshots are left out; of a volume with a cache that is taken which the cache is for.
 */
export function parseLvm(pvs: string, lvs: string, names: readonly string[]): { groups: VolumeGroup[]; other: { name: string; kind: string }[] } {
  const pv = rows(pvs, 'pv', pvRow);
  const seg = rows(lvs, 'seg', lvRow);
  const other: { name: string; kind: string }[] = [];
  const groups = names.map((name): VolumeGroup => {
    const own = pv.filter((p) => p.vg_name === name);
    const all = seg.filter((x) => x.vg_name === name);
    const volumes: LogicalVolume[] = [];
    for (const lv of new Set(all.map((s) => s.lv_name).filter((n) => !n.startsWith('[')))) {
      let segments = all.filter((s) => s.lv_name === lv);
      const uuid = segments[0]?.lv_uuid ?? '';
      const cache = segments.map((s) => s.segtype).find((t) => t === 'cache' || t === 'writecache');
      const cached = cache === undefined ? undefined : devicesOf(segments[0] as Segment)[0];
      if (cached !== undefined) segments = all.filter((s) => bare(s.lv_name) === cached);
      // Segments of several kinds: half of a volume would be made.
      const odd = segments.find((s) => !KINDS.includes(base(s.segtype)));
      // A snapshot is another state of a volume that is saved itself; a cache that serves nobody holds nothing.
      if (cache === undefined && segments.some((s) => (s.origin !== '' && base(s.segtype) !== 'thin') || s.segtype === 'cache-pool')) continue;
      if (odd !== undefined || segments.length === 0) other.push({ name: `${name}/${lv}`, kind: odd?.segtype ?? (cache as string) });
      else volumes.push(volumeOf(name, lv, uuid, segments.map((s) => (cache === undefined ? s : { ...s, origin: '' })), all, cache));
    }
    // A thin volume needs its pool before it.
    const ordered = volumes.sort((a, b) => Number(a.kind === 'thin') - Number(b.kind === 'thin'));
    return { type: 'vg', name, uuid: own[0]?.vg_uuid ?? '', extentBytes: own[0]?.vg_extent_size ?? 4 << 20, physical: own.map((p) => ({ device: p.pv_name, uuid: p.pv_uuid, startBytes: p.pe_start, bytes: p.pv_size })), volumes: ordered, ...tagged(own[0]?.vg_tags ?? ''), ...(['', 'normal'].includes(own[0]?.vg_allocation_policy ?? '') ? {} : { allocation: own[0]?.vg_allocation_policy }) };
  });
  return { groups, other };
}

const report = async (program: string, fields: string, ...more: string[]): Promise<string> =>
  (await runTool('lvm', [program, '--reportformat', 'json', '--binary', '--units', 'b', '--nosuffix', '-o', fields, ...more])).stdout;

/** Name of the volume group that a device-mapper volume belongs to; empty when LVM does not know it (a group on volumes of another one that its configuration leaves out: lvm.conf(5), scan_lvs). */
export async function groupOf(path: string): Promise<string> {
  const { stdout, status } = await runTool('lvm', ['lvs', '--noheadings', '-o', 'vg_name', path], { ok: [0, 5] });
  return status === 0 ? stdout.trim() : '';
}

/** Reads volume groups with all of their volumes. @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function readGroups(names: readonly string[]): Promise<ReturnType<typeof parseLvm>> {
  const pvs = await report('pvs', 'pv_name,pv_uuid,vg_name,vg_uuid,vg_extent_size,pe_start,pv_size,vg_tags,vg_allocation_policy');
  const lvs = await report('lvs', 'lv_name,lv_uuid,vg_name,segtype,lv_size,stripes,data_stripes,stripe_size,chunk_size,pool_lv,origin,lv_metadata_size,devices,lv_tags,lv_allocation_policy,lv_read_ahead,discards,zero', '--segments', '--all');
  return parseLvm(pvs, lvs, names);
}

import { SECTOR } from '../bytes.js';
import type { CheckContext } from './context.js';
import type { AnnouncedTree } from './descriptors.js';

/** A directory of the hierarchy, as the walk found it. */
export interface FoundDirectory { readonly sector: number; readonly parent: number; readonly id: Buffer }

interface PathRecord { readonly at: number; readonly id: Buffer; readonly sector: number; readonly parent: number }

const MAX_TABLE = 64 << 20;

function parseTable(ctx: CheckContext, data: Buffer, bytes: number, base: number, little: boolean): PathRecord[] {
  const out: PathRecord[] = [];
  let at = 0;
  while (at + 8 <= bytes) {
    const length = data[at] as number;
    const end = at + 8 + length + (length & 1);
    if (length === 0 || end > bytes) break;
    if ((length & 1) === 1 && data[end - 1] !== 0) ctx.report('pt.size', base + end - 1, 'the padding byte of a path table record is not zero');
    out.push({
      at: base + at, id: data.subarray(at + 8, at + 8 + length),
      sector: little ? data.readUInt32LE(at + 2) : data.readUInt32BE(at + 2), parent: little ? data.readUInt16LE(at + 6) : data.readUInt16BE(at + 6),
    });
    at = end;
  }
  if (at !== bytes) ctx.report('pt.size', base + at, `path table records end at byte ${String(at)} of ${String(bytes)}`);
  return out;
}

async function readTable(ctx: CheckContext, tree: AnnouncedTree, sector: number, little: boolean): Promise<PathRecord[] | undefined> {
  const { bytes } = tree.pathTable;
  const what = `path table ${little ? 'L' : 'M'} of the ${tree.names} tree`;
  const count = Math.ceil(bytes / SECTOR);
  const data = bytes === 0 || bytes > MAX_TABLE || sector === 0 || sector + count > ctx.limit ? undefined : await ctx.sectors(sector, count);
  if (data === undefined) {
    ctx.report('pt.location', tree.at + (little ? 140 : 148), `${what} (sector ${String(sector)}, ${String(bytes)} bytes) is not within the volume`);
    return undefined;
  }
  ctx.claim(sector, bytes, what, true);
  return parseTable(ctx, data, bytes, sector * SECTOR, little);
}

/** Checks both path tables of a tree against each other and against the directories that were found. */
export async function checkPathTables(ctx: CheckContext, tree: AnnouncedTree, found: readonly FoundDirectory[]): Promise<void> {
  const l = await readTable(ctx, tree, tree.pathTable.l, true);
  const m = await readTable(ctx, tree, tree.pathTable.m, false);
  for (const [optional, little] of [[tree.pathTable.optionalL, true], [tree.pathTable.optionalM, false]] as const) {
    if (optional !== 0) compare(ctx, l, await readTable(ctx, tree, optional, little));
  }
  compare(ctx, l, m);
  const table = l ?? m;
  if (table === undefined) return;
  const [root] = table;
  if (root === undefined) return;
  if (root.id.length !== 1 || root.id[0] !== 0 || root.parent !== 1 || root.sector !== tree.root.sector) ctx.report('pt.root', root.at, 'the first record is not the root directory');
  const level: number[] = [1];
  table.forEach((r, i) => {
    if (i === 0) return;
    const before = table[i - 1] as PathRecord;
    if (r.parent < 1 || (r.parent > i && i < 0xffff)) ctx.report('pt.parent', r.at + 6, `record ${String(i + 1)} has parent ${String(r.parent)}, which does not come before it`);
    level[i] = (level[r.parent - 1] ?? 0) + 1;
    if (i === 1 || i >= 0xffff) return;
    const order = (level[i]) - (level[i - 1] as number) || r.parent - before.parent || comparePadded(before.id, r.id, tree.names);
    if (order < 0 || (order === 0 && r.parent === before.parent)) ctx.report('pt.order', r.at, `record ${String(i + 1)} is not behind record ${String(i)} in the order of levels, parents, identifiers`);
  });
  compareWithTree(ctx, tree, table, found);
}

/** -1 when `b` does not sort behind `a`, else 1: identifiers padded with spaces (or zeros, for Joliet). */
function comparePadded(a: Buffer, b: Buffer, names: AnnouncedTree['names']): number {
  const n = Math.max(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const fill = names === 'joliet' ? 0 : 0x20;
    const d = (b[i] ?? fill) - (a[i] ?? fill);
    if (d !== 0) return d > 0 ? 1 : -1;
  }
  return 0;
}

function compare(ctx: CheckContext, l: readonly PathRecord[] | undefined, m: readonly PathRecord[] | undefined): void {
  if (l === undefined || m === undefined) return;
  if (l.length !== m.length) ctx.report('pt.types-differ', m[0]?.at ?? 0, `type L has ${String(l.length)} records, type M ${String(m.length)}`);
  for (let i = 0; i < Math.min(l.length, m.length); i++) {
    const [a, b] = [l[i] as PathRecord, m[i] as PathRecord];
    if (a.sector !== b.sector || a.parent !== b.parent || !a.id.equals(b.id)) ctx.report('pt.types-differ', b.at, `record ${String(i + 1)} differs between type L and type M`);
  }
}

function compareWithTree(ctx: CheckContext, tree: AnnouncedTree, table: readonly PathRecord[], found: readonly FoundDirectory[]): void {
  const bySector = new Map(found.map((d) => [d.sector, d]));
  const seen = new Set<number>();
  table.forEach((r, i) => {
    const dir = bySector.get(r.sector);
    seen.add(r.sector);
    if (dir === undefined) {
      ctx.report('pt.directory', r.at + 2, `record ${String(i + 1)} points to sector ${String(r.sector)}, where the ${tree.names} tree has no directory`);
      return;
    }
    if (i === 0) return;
    if (!dir.id.equals(r.id)) ctx.report('pt.directory', r.at + 8, `record ${String(i + 1)} has another identifier than its directory`);
    if (table.length <= 0xffff && table[r.parent - 1]?.sector !== dir.parent) ctx.report('pt.parent', r.at + 6, `record ${String(i + 1)} names parent ${String(r.parent)}, but its directory lies in another one`);
  });
  for (const d of found) if (!seen.has(d.sector)) ctx.report('pt.directory', d.sector * SECTOR, `the directory at sector ${String(d.sector)} is not in the path table of the ${tree.names} tree`);
}

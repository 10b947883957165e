import { measureHierarchy, type Hierarchy } from '../directory/hierarchy.js';
import { hierarchySectors, placeHierarchy, renderHierarchy, type PlacedHierarchy } from '../directory/render.js';
import type { ImageTree } from '../tree.js';
import { measureUdf, renderUdf, type UdfTree } from '../udf/tree.js';
import { UDF, type UdfVolume } from '../udf/volume.js';
import { treeKinds, type IsoOptions } from './options.js';

/** Sectors kept free in front of the data, for the primary tree if it fits. */
export interface FrontArea { readonly sector: number; readonly sectors: number }

/** All trees of an image, measured. */
export interface MeasuredTrees {
  readonly hierarchies: readonly Hierarchy[];
  readonly udf: UdfTree | undefined;
  /** The primary tree goes into the area kept in front. */
  readonly front: FrontArea | undefined;
  /** Sectors that the others take together. */
  readonly sectors: number;
}

/** Measures every tree that the options ask for. Call `tree.settle()` before. */
export function measureTrees(tree: ImageTree, options: IsoOptions, kept?: FrontArea): MeasuredTrees {
  const hierarchies = treeKinds(options).map((kind) => measureHierarchy(tree.root, kind));
  const udf = options.udf === true ? measureUdf(tree.root) : undefined;
  const primary = hierarchySectors(hierarchies[0] as Hierarchy);
  const front = kept !== undefined && primary <= kept.sectors ? kept : undefined;
  const all = hierarchies.reduce((n, h) => n + hierarchySectors(h), udf?.sectors ?? 0);
  return { hierarchies, udf, front, sectors: front === undefined ? all : all - primary };
}

/** All trees of an image, in their places. */
export interface PlacedTrees {
  readonly hierarchies: readonly PlacedHierarchy[];
  readonly udf: { readonly tree: UdfTree; readonly block: number } | undefined;
  readonly front: FrontArea | undefined;
  readonly end: number;
}

/** Gives the trees their sectors from `start` on. */
export function placeTrees(m: MeasuredTrees, start: number, emptySector: number): PlacedTrees {
  let at = start;
  const hierarchies = m.hierarchies.map((h, i) => {
    if (i === 0 && m.front !== undefined) return placeHierarchy(h, m.front.sector, emptySector);
    const placed = placeHierarchy(h, at, emptySector);
    at += placed.sectors;
    return placed;
  });
  // Behind the others: when no data follow, the second anchor must come right behind what UDF knows (7-Zip).
  const udf = m.udf === undefined ? undefined : { tree: m.udf, block: at - UDF.partition };
  return { hierarchies, udf, front: m.front, end: at + (m.udf?.sectors ?? 0) };
}

/** What the UDF volume structures say of the placed tree, whose partition ends at the second anchor. */
export function udfVolume(p: PlacedTrees, options: IsoOptions, anchorSector: number | undefined): UdfVolume | undefined {
  if (p.udf === undefined) return undefined;
  const { tree, block } = p.udf;
  return {
    volumeId: options.volumeId, date: options.date, partitionSectors: (anchorSector ?? UDF.partition) - UDF.partition, files: tree.files.length, directories: tree.dirs.length,
    rootBlock: block, nextUniqueId: block + tree.sectors + 17,
  };
}

/** Renders all trees but the one in front, in the order of their sectors. A buffer that is yielded is used again for the next. */
export function* renderTrees(p: PlacedTrees): Generator<Buffer> {
  for (const h of p.front === undefined ? p.hierarchies : p.hierarchies.slice(1)) yield* renderHierarchy(h);
  if (p.udf !== undefined) yield* renderUdf(p.udf.tree, p.udf.block);
}

/** Renders the tree that lies in front, if one does. */
export function renderFront(p: PlacedTrees): { readonly sector: number; readonly data: Buffer } | undefined {
  return p.front === undefined ? undefined : { sector: p.front.sector, data: Buffer.concat(Array.from(renderHierarchy(p.hierarchies[0] as PlacedHierarchy), (b) => Buffer.from(b))) };
}

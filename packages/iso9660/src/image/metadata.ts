import { measureHierarchy, type Hierarchy } from '../directory/hierarchy.js';
import { hierarchySectors, placeHierarchy, renderHierarchy, type PlacedHierarchy } from '../directory/render.js';
import type { ImageTree } from '../tree.js';
import { measureUdf, renderUdf, type UdfTree } from '../udf/tree.js';
import { UDF, type UdfVolume } from '../udf/volume.js';
import { treeKinds, type IsoOptions } from './options.js';

/** All trees of an image, measured. */
export interface MeasuredTrees {
  readonly hierarchies: readonly Hierarchy[];
  readonly udf: UdfTree | undefined;
  /** Sectors that they take together. */
  readonly sectors: number;
}

/** Measures every tree that the options ask for. Call `tree.settle()` before. */
export function measureTrees(tree: ImageTree, options: IsoOptions): MeasuredTrees {
  const hierarchies = treeKinds(options).map((kind) => measureHierarchy(tree.root, kind));
  const udf = options.udf === true ? measureUdf(tree.root) : undefined;
  return { hierarchies, udf, sectors: hierarchies.reduce((n, h) => n + hierarchySectors(h), udf?.sectors ?? 0) };
}

/** All trees of an image, in their places. */
export interface PlacedTrees {
  readonly hierarchies: readonly PlacedHierarchy[];
  readonly udf: { readonly tree: UdfTree; readonly block: number } | undefined;
  readonly end: number;
}

/** Gives the trees their sectors from `start` on. */
export function placeTrees(m: MeasuredTrees, start: number, emptySector: number): PlacedTrees {
  let at = start;
  const udf = m.udf === undefined ? undefined : { tree: m.udf, block: start - UDF.partition };
  at += m.udf?.sectors ?? 0;
  const hierarchies = m.hierarchies.map((h) => {
    const placed = placeHierarchy(h, at, emptySector);
    at += placed.sectors;
    return placed;
  });
  return { hierarchies, udf, end: at };
}

/** What the UDF volume structures say of the placed tree, whose partition ends at the second anchor. */
export function udfVolume(p: PlacedTrees, options: IsoOptions, anchorSector: number | undefined): UdfVolume | undefined {
  if (p.udf === undefined) return undefined;
  const { tree, block } = p.udf;
  return {
    volumeId: options.volumeId, date: options.date, partitionSectors: (anchorSector ?? UDF.partition) - UDF.partition, files: tree.files.length, directories: tree.dirs.length,
    fileSetBlock: block, nextUniqueId: block + tree.sectors + 17,
  };
}

/** Renders all trees in the order of their sectors. */
export function* renderTrees(p: PlacedTrees, volume: UdfVolume | undefined): Generator<Buffer> {
  if (p.udf !== undefined && volume !== undefined) yield* renderUdf(p.udf.tree, volume, p.udf.block);
  for (const h of p.hierarchies) yield* renderHierarchy(h);
}

import type { ByteSource } from '../reader/source.js';
import { checkContent } from './content.js';
import { CheckContext, checkOverlaps } from './context.js';
import { checkDescriptors } from './descriptors.js';
import { checkElTorito } from './eltorito.js';
import { checkSystemArea } from './gpt.js';
import { checkPathTables } from './pathtables.js';
import type { Finding } from './rules.js';
import { checkUdf } from './udf.js';
import { TreeCheck } from './tree.js';

/** What is checked. */
export interface CheckOptions {
  /** Also compare the bytes of the files with the checksums that the image carries (implanted MD5, Checksums.sfv, libisofs tags): reads everything. Default true. */
  readonly content?: boolean;
  /** Also list notes: breaches that common writers make and no known reader minds. Default false. */
  readonly notes?: boolean;
}

/**
 * Checks an image against ECMA-119, Joliet, SUSP and Rock Ridge, El Torito, MBR, GPT and UDF. A good image has no findings.
 * Nothing is thrown for a bad one, only for a source that cannot be read.
 */
export async function checkImage(source: ByteSource, options: CheckOptions = {}): Promise<Finding[]> {
  const ctx = new CheckContext(source, options.notes === true);
  const { trees, catalog } = await checkDescriptors(ctx);
  if (trees.length === 0) return ctx.close();
  const [primary] = trees;
  for (const tree of trees) {
    // genisoimage's enhanced descriptor announces the primary tree once more: one tree, with enhanced names.
    if (tree !== primary && tree.root.sector === primary?.root.sector) continue;
    const shared = trees.some((t) => t.names === 'enhanced' && tree === primary && t.root.sector === tree.root.sector);
    const check = new TreeCheck(ctx, tree, shared);
    const directories = await check.run();
    await checkPathTables(ctx, tree, directories);
    if (tree.space !== ctx.volumeSectors) {
      const rule = tree.space < ctx.volumeSectors && tree.space >= check.end ? 'vd.space.smaller' : 'vd.space.differs';
      ctx.report(rule, tree.at + 80, `volume space size is ${String(tree.space)}, that of the primary descriptor ${String(ctx.volumeSectors)}`);
    }
  }
  const images = catalog === undefined ? [] : await checkElTorito(ctx, catalog);
  await checkSystemArea(ctx, images);
  await checkUdf(ctx);
  checkOverlaps(ctx);
  if (options.content !== false) await checkContent(ctx);
  return ctx.close();
}

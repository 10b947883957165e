import { resolve } from 'node:path';
import { SAMPLES, type SampleName } from '@cdrec/rehearse';
import { bundleDirectory } from '../rescue-parts.js';
import { runDemo } from '../demo.js';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';

interface Flags { sample: string; dir: string; cache?: string; inside?: boolean; volumeSize: string; keep?: boolean; uefiBoot?: boolean }

/** `cdrec demo`: the whole job on a sample system. */
export async function demo(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  if (!(flags.sample in SAMPLES)) throw usageError(`there is no sample "${flags.sample}"`, `take ${Object.keys(SAMPLES).join(' or ')}`);
  if (process.getuid?.() !== 0) throw usageError('cdrec demo must be run as root: it mounts images');
  const sample = flags.sample as SampleName;
  if (SAMPLES[sample].firmware === 'uefi' && flags.inside !== true) throw usageError(`sample ${sample} needs --inside`, 'its ESP is mounted only in the running sample');
  const dir = resolve(flags.dir);
  const ok = await runDemo({ sample, dir, cache: resolve(flags.cache ?? dir), inside: flags.inside === true, volumeSize: flags.volumeSize, keep: flags.keep === true, uefiBoot: flags.uefiBoot === true, bundle: bundleDirectory() }, terminal);
  return ok ? EXIT.ok : EXIT.failed;
}

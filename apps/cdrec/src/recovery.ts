import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';
import { formatBytes, type Terminal } from './terminal.js';

/** About how many blocks a file is thought of as: the unit in which damage is counted and mended (par2 knows 32,768 at most). */
const BLOCKS = 1000;

/** The files of par2 that belong to a file. */
export function recoveryFiles(file: string): string[] {
  const name = basename(file);
  return readdirSync(dirname(file)).filter((n) => n === `${name}.par2` || (n.startsWith(`${name}.vol`) && n.endsWith('.par2'))).map((n) => join(dirname(file), n));
}

/**
 * Writes error-correction data (PAR 2.0, Reed-Solomon) beside complete files: `percent` of their size, with which so much of
 * them can be damaged and is mended by `par2 repair FILE.par2`. What belonged to older files of the same name is removed.
 * @throws CdrecError RECOVERY_FAILED, TOOL_MISSING, INTERRUPTED; the files themselves are complete all the same
 */
export async function writeRecovery(files: readonly string[], percent: number, terminal: Terminal, signal: AbortSignal): Promise<void> {
  for (const file of files) {
    for (const old of recoveryFiles(file)) rmSync(old);
    const { size } = statSync(file);
    if (percent === 0 || size === 0) continue;
    const block = Math.ceil(size / BLOCKS / 2048) * 2048;
    try {
      await runTool('par2', ['create', '-q', '-q', `-r${String(percent)}`, '-n1', `-s${String(block)}`, `${basename(file)}.par2`, basename(file)], { cwd: dirname(file), signal });
    } catch (error) {
      for (const half of recoveryFiles(file)) rmSync(half);
      const hint = 'the set itself is complete; output.recovery_percent = 0 builds without';
      if (error instanceof CdrecError && error.code !== 'TOOL_FAILED') throw new CdrecError(error.code, error.message, { cause: error, hint: error.code === 'TOOL_MISSING' ? `${error.hint ?? ''} (${hint})` : hint });
      throw new CdrecError('RECOVERY_FAILED', `no error-correction data of ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint });
    }
    terminal.say(`  ${basename(file)}: ${formatBytes(recoveryFiles(file).reduce((n, f) => n + statSync(f).size, 0))} of error-correction data`);
  }
}

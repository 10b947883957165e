import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { runTool } from '@cdrec/tool';
import type { TreeComparison } from './compare.js';

/** Compares the files of two FAT partitions (devices or images) with mtools: names and content. `allowed` may be new. */
export async function compareEsp(left: string, right: string, allowed: readonly string[] = []): Promise<TreeComparison> {
  const [a, b] = [await listing(left), await listing(right)];
  const differences: string[] = [];
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(name) !== b.get(name) && !(a.get(name) === undefined && allowed.includes(name))) differences.push(`ESP ${name}: ${a.get(name) ?? 'absent'} / ${b.get(name) ?? 'absent'}`);
  }
  return { entries: a.size, bytes: 0, differences, changed: [] };
}

async function listing(device: string): Promise<Map<string, string>> {
  const dir = mkdtempSync(join(tmpdir(), 'cdrec-esp-'));
  try {
    await runTool('mcopy', ['-s', '-n', '-Q', '-i', device, '::/', dir], { env: { MTOOLS_SKIP_CHECK: '1' } });
    const out = new Map<string, string>();
    const walk = (at: string): void => {
      for (const e of readdirSync(at, { withFileTypes: true })) {
        const path = join(at, e.name);
        if (e.isDirectory()) walk(path);
        else out.set(relative(dir, path), createHash('sha256').update(readFileSync(path)).digest('hex'));
      }
    };
    walk(dir);
    return out;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from '@cdrec/iso9660';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-iso-readme-'));
  symlinkSync(join(workspace, 'node_modules'), join(dir, 'node_modules'));
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

/** Examples of the README, in order: later ones read what earlier ones wrote. */
const examples = [...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/```js\n([^]*?)```/g)].map((m) => m[1] as string);

describe('the README', () => {
  it('has examples for writing, streaming, booting, reading and checking', () => { expect(examples).toHaveLength(5); });

  it('has examples that run, in an ordinary directory, and write images that the checker passes', async () => {
    examples.forEach((example, i) => {
      const file = join(dir, `example-${String(i)}.mjs`);
      writeFileSync(file, example);
      execFileSync(process.execPath, [file], { cwd: dir, stdio: 'pipe' });
    });
    for (const name of ['out.iso', 'stream.iso', 'boot.iso']) expect(await api.checkImage(await api.openByteSource(join(dir, name)))).toEqual([]);
  });
});

describe('the package', () => {
  it('exports these names', () => {
    expect(Object.keys(api).sort()).toEqual([
      'DEFAULT_LIMITS', 'IsoError', 'IsoImage', 'IsoImageWriter', 'IsoReader', 'RULES', 'SECTOR', 'bufferSource', 'checkImage', 'decodeName', 'encodeName',
      'implantMd5', 'listSessions', 'openByteSource', 'readImplant', 'verifyImplant', 'writeImage', 'writeImageFile', 'writeImageToFd',
    ]);
  });

  it('has an API reference that is up to date', () => {
    execFileSync(process.execPath, [join(workspace, 'tools/api-reference.mjs'), '--check', 'iso9660'], { cwd: workspace, stdio: 'pipe' });
  });
});

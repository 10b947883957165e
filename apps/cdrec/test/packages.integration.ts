import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './machine.ts';

/** The packages as a stranger gets them: packed, installed into an empty project, used as their READMEs say. */
const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const folders = [...readdirSync(join(workspace, 'packages')).map((p) => `packages/${p}`), 'apps/cdrec'];
const jsonOf = (folder: string): { name: string; version: string; dependencies?: Record<string, string> } => JSON.parse(readFileSync(join(workspace, folder, 'package.json'), 'utf8')) as { name: string; version: string };
let dir: string;
let home: string;
let tarballs: string[];
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-packages-');
  home = join(dir, 'home');
  for (const d of [join(dir, 'packs'), home]) mkdirSync(d);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', join(dir, 'packs'), ...folders.map((f) => join(workspace, f))], { cwd: dir, stdio: 'ignore' });
  tarballs = readdirSync(join(dir, 'packs')).map((f) => join(dir, 'packs', f));
  writeFileSync(join(home, 'package.json'), '{ "name": "home", "private": true, "type": "module" }\n');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], { cwd: home, stdio: 'ignore' });
  cpSync(join(workspace, 'docs/examples/survey.json'), join(home, 'survey.json'));
}, 300_000);
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('every package', () => {
  it.each(folders)('%s is clean for publint, with licence and README', async (folder) => {
    const r = await run('npx', ['publint', '--strict', '--pack', 'npm', join(workspace, folder)]);
    expect([r.status, r.stdout], r.stderr).toEqual([0, expect.stringContaining('All good!')]);
    const files = execFileSync('tar', ['-tzf', tarballs.find((t) => t.includes(`/${jsonOf(folder).name.replace('@', '').replace('/', '-')}-${jsonOf(folder).version}.tgz`)) as string], { encoding: 'utf8' });
    for (const file of ['package/LICENSE', 'package/README.md', 'package/package.json']) expect(files).toContain(file);
    expect(files).not.toMatch(/\.test\.|\.integration\.|tsbuildinfo/);
  }, 60_000);
  it('has types that resolve, for those who import it (arethetypeswrong)', async () => {
    for (const tarball of tarballs.filter((t) => !/\/cdrec-\d/.test(t))) {
      const r = await run(join(workspace, 'node_modules/.bin/attw'), [tarball, '--profile', 'esm-only', '--format', 'json']);
      expect(r.status, `${tarball}\n${r.stdout.slice(0, 2000)}`).toBe(0);
    }
  }, 300_000);
  it('exports exactly the names that are pinned in docs/api/exports.json', async () => {
    const pinned = JSON.parse(readFileSync(join(workspace, 'docs/api/exports.json'), 'utf8')) as Record<string, string[]>;
    writeFileSync(join(home, 'names.mjs'), `const out = {};\nfor (const name of ${JSON.stringify(Object.keys(pinned))}) out[name] = Object.keys(await import(name)).sort();\nconsole.log(JSON.stringify(out));\n`);
    const names = JSON.parse((await run(process.execPath, ['names.mjs'], {}, home)).stdout) as Record<string, string[]>;
    for (const [name, list] of Object.entries(pinned)) expect(names[name], name).toEqual(list.filter((n) => !n.startsWith('type ')).sort());
    expect(Object.keys(pinned).length).toBe(folders.length - 1);
  });
});

describe('each README', () => {
  const examples = folders.flatMap((folder) => [...readFileSync(join(workspace, folder, 'README.md'), 'utf8').matchAll(/```js\n([^]*?)```/g)].map((m, i): [string, string] => [`${folder.split('/')[1] as string}-${String(i)}`, m[1] as string]));
  it('of a library has an example', () => {
    for (const folder of folders.filter((f) => f !== 'apps/cdrec')) expect(examples.some(([name]) => name === `${folder.split('/')[1] as string}-0`), folder).toBe(true);
    // What is not run is no example: there are no other blocks of code.
    for (const folder of folders) expect(readFileSync(join(workspace, folder, 'README.md'), 'utf8')).not.toMatch(/```ts/);
  });
  it.each(examples)('example %s runs in the empty project', async (name, code) => {
    writeFileSync(join(home, `${name}.mjs`), code);
    const r = await run(process.execPath, [`${name}.mjs`], {}, home);
    expect(r.status, r.stderr).toBe(0);
  }, 60_000);
});

describe('the program', () => {
  it('installed alone is one package, and runs', async () => {
    const alone = join(dir, 'alone');
    mkdirSync(alone);
    writeFileSync(join(alone, 'package.json'), '{ "name": "alone", "private": true }\n');
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--offline', tarballs.find((t) => /\/cdrec-\d/.test(t)) as string], { cwd: alone, stdio: 'ignore' });
    expect(readdirSync(join(alone, 'node_modules')).filter((n) => !n.startsWith('.'))).toEqual(['cdrec']);
    const r = await run('npx', ['--no-install', 'cdrec', '--version'], {}, alone);
    expect([r.status, r.stdout]).toEqual([0, jsonOf('apps/cdrec').version]);
    expect((await run('npx', ['--no-install', 'cdrec', 'config', 'check', join(workspace, 'docs/examples/server.toml')], {}, alone)).status).toBe(0);
  }, 60_000);
  it('can be released by nx: a dry run names the next version and the changelog', async () => {
    const r = await run('npx', ['nx', 'release', '--dry-run', '--skip-publish', '--first-release', '0.2.0'], { NX_DAEMON: 'false', CI: 'true' }, workspace);
    expect(r.status, r.stdout + r.stderr).toBe(0);
    expect(r.stdout + r.stderr).toMatch(/0\.2\.0/);
    expect(jsonOf('packages/tool').version).toBe(jsonOf('apps/cdrec').version); // nothing was changed
    expect(existsSync(join(workspace, 'CHANGELOG.md'))).toBe(true);
  }, 180_000);
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBaseSystem, removeWork, withMounts } from '@cdrec/rehearse';
import { cdrec, MACHINE_ENV, run } from './machine.ts';

/** Releases with Node inside: the same bytes each time; they run where there is no Node. */
const workspace = fileURLToPath(new URL('../../..', import.meta.url));
let dir: string;
beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-release-'); });
afterAll(async () => { await removeWork(dir); });

describe('tarball and .deb', () => {
  it('are the same, made twice, and run on a Debian 12 without Node', async () => {
    const made = ['one', 'two'].map((name) => {
      const out = join(dir, name);
      execFileSync(process.execPath, ['tools/release.mjs', '--try', '--out', out], { cwd: workspace, stdio: 'ignore', env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000', TZ: name === 'one' ? 'UTC' : 'Asia/Tokyo' } });
      return out;
    });
    expect(readFileSync(join(made[1] as string, 'SHA256SUMS'), 'utf8')).toBe(readFileSync(join(made[0] as string, 'SHA256SUMS'), 'utf8'));
    const files = readdirSync(made[0] as string);
    const deb = files.find((f) => f.endsWith('.deb')) as string;
    const tarball = files.find((f) => f.endsWith('-linux-x64.tar.gz')) as string;
    expect(execFileSync('dpkg-deb', ['--contents', join(made[0] as string, deb)], { encoding: 'utf8' })).toMatch(/root\/root .* \.\/usr\/lib\/cdrec\/node\n/);

    const root = join(dir, 'root');
    mkdirSync(root);
    execFileSync('tar', ['--extract', '--file', await makeBaseSystem(join(workspace, '.cache')), '--directory', root, '--numeric-owner', '--exclude=./dev/*']);
    await withMounts([['--bind', made[0] as string, join(root, 'mnt')], ['-t', 'proc', 'proc', join(root, 'proc')], ['-t', 'tmpfs', 'tmpfs', join(root, 'dev')]], async () => {
      for (const [node, minor] of [['null', '3'], ['zero', '5'], ['urandom', '9']] as const) execFileSync('mknod', ['-m', '666', join(root, 'dev', node), 'c', '1', minor]);
      const within = (...args: string[]) => run('chroot', [root, ...args], MACHINE_ENV);
      expect((await within('sh', '-c', 'command -v node nodejs')).status).not.toBe(0);
      const installed = await within('dpkg', '--install', `/mnt/${deb}`);
      expect(installed.status, installed.stderr).toBe(0);
      const { version } = JSON.parse(readFileSync(join(workspace, 'apps/cdrec/package.json'), 'utf8')) as { version: string };
      expect((await within('cdrec', '--version')).stdout).toBe(version);
      for (const file of ['usr/share/bash-completion/completions/cdrec', 'usr/share/zsh/vendor-completions/_cdrec', 'usr/share/fish/vendor_completions.d/cdrec.fish']) expect(existsSync(join(root, file)), file).toBe(true);
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1) as string;
      const tested = await within('cdrec', 'test', '--kernel', kernel, '--json');
      const checks = JSON.parse(tested.stdout) as { id: string; status: string }[];
      for (const id of ['root', 'programs', 'tar.gnu', 'kernel']) expect(checks.find((c) => c.id === id)?.status, id).toBe('PASS');
      const gone = await within('dpkg', '--purge', 'cdrec');
      expect([gone.status, existsSync(join(root, 'usr/lib/cdrec'))]).toEqual([0, false]);
      expect((await within('tar', '-xzf', `/mnt/${tarball}`, '-C', '/opt')).status).toBe(0);
      expect((await within(`/opt/${tarball.replace('.tar.gz', '')}/bin/cdrec`, '--version')).stdout).toBe(version);
      expect((await within('sh', '-c', `ln -s /opt/${tarball.replace('.tar.gz', '')}/bin/cdrec /usr/local/bin/cdrec && cdrec config init --out - | head -1`)).stdout).toContain('Configuration of cdrec');
    });
    expect((await cdrec('--version')).status).toBe(0);
  }, 300_000);
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE, cdrec, CLI, inMachine, MACHINE_ENV, makeMachine, run, type Outcome } from './machine.ts';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
let dir: string;
beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-cli-'); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('usage', () => {
  it('has statuses for wrong usage and configuration, and help that tells them', async () => {
    expect((await cdrec('build', '--mode', 'nonsense')).status).toBe(2);
    expect((await cdrec('no-such-command')).status).toBe(2);
    expect((await cdrec('build')).stderr).toContain('answer with --mode'); // no terminal to ask on
    expect((await cdrec('build', '--help')).stdout).toContain('Exit status');
    expect((await cdrec('--version')).stdout).toBe((JSON.parse(readFileSync(join(workspace, 'apps/cdrec/package.json'), 'utf8')) as { version: string }).version);
    const gone = await cdrec('verify', '/no/such.iso');
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringContaining('no such file')]);
  });

  it('the bundled program has every page of help as commander writes it, and answers with it alone', async () => {
    const pages = readdirSync(join(BUNDLE, 'help'));
    expect(pages).toEqual(expect.arrayContaining(['cdrec.txt', 'cdrec_build.txt', 'cdrec_restore-fs.txt', 'cdrec_fleet.txt', 'cdrec_fleet_list.txt']));
    const bundled = (...args: string[]): Promise<Outcome> => run(process.execPath, [join(BUNDLE, 'cdrec.mjs'), ...args]);
    // There is no Node that it could start: what it says, it says alone.
    const launched = (...args: string[]): Promise<Outcome> => run(join(BUNDLE, 'cdrec'), args, { CDREC_NODE: '/no/node' });
    for (const page of pages) {
      const args = [...page.slice(0, -4).split('_').slice(1), '--help'];
      const slow = await cdrec(...args);
      expect([slow.status, await bundled(...args), await launched(...args)], page).toEqual([0, slow, slow]);
    }
    for (const args of [['constructor', '--help'], ['build', 'nonsense', '--help'], ['--debug', 'build', '--help'], ['build', '--help', '--json'], ['--help', 'build'], ['', '--help'], ['../help/cdrec', '--help'], ['-h', '-h'], ['-x', '--help', 'build']]) {
      const slow = await cdrec(...args);
      expect(await bundled(...args), args.join(' ')).toEqual(slow);
      expect(await run(join(BUNDLE, 'cdrec'), args), args.join(' ')).toEqual(slow);
      expect((await launched(...args)).status).toBe(127);
    }
    expect(await launched('-h')).toEqual(await cdrec('--help'));
  });

  it('publishes the schemas that lie in docs/', async () => {
    for (const name of ['survey', 'set', 'config', 'rehearsal']) {
      expect(JSON.parse((await cdrec('schema', name)).stdout)).toEqual(JSON.parse(readFileSync(join(workspace, `docs/schema/${name}.schema.json`), 'utf8')));
    }
  });
});

describe('cdrec test', () => {
  it('names every prerequisite with a remedy, and fails when a tool is hidden', async () => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    for (const from of ['/usr/sbin', '/usr/bin']) for (const tool of readdirSync(from)) if (!['mksquashfs', 'zstd'].includes(tool)) execFileSync('ln', ['-sf', join(from, tool), join(bin, tool)]);
    const r = await run(process.execPath, [CLI, 'test'], { PATH: bin });
    expect(r.status).toBe(1);
    for (const tool of ['mksquashfs', 'zstd']) expect(r.stdout).toMatch(new RegExp(`^ {2}FAIL {2}program\\.${tool}: .*\n +remedy: install it: apt install`, 'm'));
    expect(r.stdout).not.toContain('program.tar');
    expect(r.stderr).toContain('cdrec test --fix installs what is missing');
    for (const line of r.stdout.split('\n')) expect(line).toMatch(/^[A-Z][\w ]+$|^ {2}(PASS|WARN|FAIL) {2}[\w./-]+: |^ {8}remedy: /);
  });
});

describe('cdrec inspect', () => {
  it('shows any ISO image, and what is wrong with its format: status 3', async () => {
    const image = join(dir, 'plain.iso');
    execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-J', '-V', 'PLAIN', '-o', image, join(workspace, 'docs')], { stdio: 'ignore' });
    const good = await cdrec('inspect', image);
    expect([good.status, good.stdout]).toEqual([0, expect.stringMatching(/volume id PLAIN, .*, Rock Ridge, Joliet[^]*format: no findings/)]);
    const data = readFileSync(image);
    data.writeUInt32LE(7, 16 * 2048 + 80); // volume space size, one half of it
    writeFileSync(image, data);
    const bad = await cdrec('inspect', image);
    expect([bad.status, bad.stdout]).toEqual([3, expect.stringMatching(/error: volume space size is 7 little-endian, \d+ big-endian \(byte 32848; ECMA-119 7\.2\.3, 7\.3\.3; vd\.both-endian\)/)]);
    const [found] = JSON.parse((await cdrec('inspect', '--json', image)).stdout) as [{ volume: { volumeId: string }; findings: { rule: string }[] }];
    expect(found.findings.map((f) => f.rule)).toContain('vd.both-endian');
    expect((await cdrec('inspect', '/etc/hostname')).status).toBe(1);
  });
});

describe('the packed program', () => {
  it('installed elsewhere, builds a rescue set of a machine and finds it prepared', async () => {
    const packs = join(dir, 'packs');
    const home = join(dir, 'elsewhere');
    mkdirSync(packs);
    mkdirSync(home);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', packs, join(workspace, 'apps/cdrec')], { cwd: dir, stdio: 'ignore' });
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--offline', '--prefix', home, ...readdirSync(packs).map((f) => join(packs, f))], { cwd: home, stdio: 'ignore' });
    const machine = await makeMachine(dir);
    const out = join(dir, 'out');
    mkdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt'], [home, 'opt']], async (root, kernel) => {
      const cli = ['chroot', root, '/usr/local/bin/node', '/opt/node_modules/cdrec/dist/bundle/cdrec.mjs'] as const;
      const [program, ...args] = cli;
      const tested = await run(program, [...args, 'test', '--kernel', kernel, '--exclude-mount', '/mnt', '--exclude-mount', '/opt', '--out', '/mnt'], MACHINE_ENV);
      expect(tested.status, tested.stdout).toBe(0);
      const r = await run(program, [...args, 'build', '--mode', 'rescue', '--kernel', kernel, '--exclude-mount', '/mnt', '--exclude-mount', '/opt', '--out', '/mnt'], MACHINE_ENV);
      expect(r.status, r.stderr).toBe(0);
    });
    const iso = readdirSync(out).find((n) => n.endsWith('_1.iso')) as string;
    expect((await cdrec('inspect', join(out, iso))).stdout).toContain('sample-bios-ext4');
    expect((await cdrec('verify', join(out, iso))).status).toBe(0);

  });
});

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cdrec, CLI, inMachine, MACHINE_ENV, makeMachine, onTerminal, run } from './machine.ts';

/** What a person meets first: manual pages, completions, the configuration's commands, the first run, what is missing. */
const docs = fileURLToPath(new URL('../../../docs', import.meta.url));
let dir: string;
beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-people-'); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('manual pages', () => {
  it('give man nothing to complain about, and read well in 80 columns', async () => {
    const pages = readdirSync(join(docs, 'man'));
    expect(pages.length).toBeGreaterThan(15);
    for (const page of pages) {
      const r = await run('man', ['--warnings', '--encoding=UTF-8', '--local-file', join(docs, 'man', page)], { MANWIDTH: '80', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' });
      expect([r.status, r.stderr], page).toEqual([0, '']);
      for (const section of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'SEE ALSO']) expect(r.stdout, page).toMatch(new RegExp(`^${section}$`, 'm'));
      for (const line of r.stdout.split('\n')) expect(line.length, `${page}: ${line}`).toBeLessThanOrEqual(80);
    }
    expect((await cdrec('man', 'build')).stdout.trim()).toBe(readFileSync(join(docs, 'man/cdrec-build.8'), 'utf8').trim());
    expect((await cdrec('man', 'nothing')).status).toBe(2);
  });
});

describe('completions', () => {
  const asked: readonly (readonly [words: string, completed: string])[] = [
    ['cdrec reh', 'rehearse'], ['cdrec config im', 'import'], ['cdrec build --dry', '--dry-run'], ['cdrec build --mode pa', 'path'], ['cdrec config import --from re', 'rear'], ['cdrec schema su', 'survey'], ['cdrec restore --lu', '--luks-key'],
  ];
  it('work in bash', () => {
    const script = `source "$1"; COMP_WORDS=("\${@:2}"); COMP_CWORD=$(($# - 2)); _cdrec 2> /dev/null; echo "\${COMPREPLY[*]}"`;
    for (const [words, completed] of asked) expect(execFileSync('bash', ['-c', script, 'x', join(docs, 'completions/cdrec.bash'), ...words.split(' ')], { encoding: 'utf8' }).trim(), words).toBe(completed);
    const all = execFileSync('bash', ['-c', script, 'x', join(docs, 'completions/cdrec.bash'), 'cdrec', ''], { encoding: 'utf8' });
    expect(all).toContain('build verify inspect');
  });
  it('work in fish', () => {
    for (const [words, completed] of asked) expect(execFileSync('fish', ['-c', 'source $argv[1]; complete -C $argv[2] | string split -f1 \\t; true', join(docs, 'completions/cdrec.fish'), words], { encoding: 'utf8' }).trim(), words).toBe(completed);
  });
  it('work in zsh', () => {
    const said = execFileSync('zsh', ['-f', join(import.meta.dirname, 'complete.zsh'), join(docs, 'completions/cdrec.zsh'), ...asked.map(([words]) => words)], { encoding: 'utf8' });
    for (const [words, completed] of asked) expect(said).toContain(`${words} => ${completed.slice((words.split(' ').at(-1) as string).length)}`);
  }, 60_000);
});

describe('a question', () => {
  it.each([['Ctrl-C', '\x03'], ['the end of the input', '\x04']])('that %s answers ends the program as every interruption does; the terminal shows what is typed again', async (_, key) => {
    // The shell outlives what the terminal tells all of its processes.
    const r = await onTerminal(`trap : INT; "${process.execPath}" "${CLI}" fleet list --repository "${dir}/none"; echo "status $?"; stty -a | grep -ow -e "-\\?echo"`, [[/Password of the repository/, key]]);
    expect(r.said).toMatch(/INTERRUPTED: [^]*status 1\r?\n\s*echo\r?\n/);
  });
});

describe('cdrec config', () => {
  it('init, check, show, import: files as a whole or not at all, statuses that tell', async () => {
    const file = join(dir, 'cdrec.toml');
    expect((await cdrec('config', 'init', '--out', file)).status).toBe(0);
    expect((await cdrec('config', 'init', '--out', file)).stderr).toContain('OUTPUT_EXISTS');
    expect((await cdrec('config', 'check', file)).status).toBe(0);
    writeFileSync(file, '[backup]\nlevl = 3\n');
    const wrong = await cdrec('config', 'check', file);
    expect([wrong.status, wrong.stdout]).toEqual([2, `${file}:2:1: unknown key backup.levl: did you mean level?`]);
    expect((await cdrec('build', '--config', file)).stderr).toContain('did you mean level?');
    expect(JSON.parse((await cdrec('config', 'check', file, '--json')).stdout)).toMatchObject({ problems: [{ line: 2, column: 1, key: 'backup.levl' }] });
    writeFileSync(file, '[backup]\nlevel = 3\n');
    expect((await cdrec('config', 'show', '--config', file)).stdout).toBe(`backup.level = 3  # ${file}:2`);
    const effective = await cdrec('config', 'show', '--effective', '--config', file);
    expect(effective.stdout).toContain('backup.compress = "zstd"  # default');
    const imports = fileURLToPath(new URL('../../../packages/config/test/imports', import.meta.url));
    const out = join(dir, 'imported.toml');
    const rear = await cdrec('config', 'import', join(imports, 'local.conf'), '--out', out);
    expect([rear.status, rear.stderr]).toEqual([3, expect.stringMatching(/Carried over:[^]*Left behind:[^]*To be decided by hand:/)]);
    expect((await cdrec('config', 'check', out)).status).toBe(0);
    expect((await cdrec('config', 'import', join(imports, 'mkcdrec.conf'))).stdout).toContain('exclude_modules = ["qla2xxx", "lpfc"]');
    expect((await cdrec('config', 'import', file)).stderr).toContain('IMPORT_UNKNOWN');
  });
});

describe('the first run', () => {
  it('without root says what to do, and does nothing', async () => {
    const { status, said } = await onTerminal(`setpriv --reuid 65534 --regid 65534 --clear-groups ${process.execPath} ${CLI}`, []);
    expect([status, said]).toEqual([2, expect.stringMatching(/Nothing is written before you say so[^]*start it as root/)]);
  });
  it('without a terminal shows the help', async () => {
    const r = await cdrec();
    expect([r.status, r.stderr + r.stdout]).toEqual([2, expect.stringContaining('Usage: cdrec')]);
  });
  it('leads from a look at the machine to a set, with estimates that come near; and installs what is missing', async () => {
    const machine = await makeMachine(dir);
    const out = join(dir, 'out');
    mkdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      mkdirSync(join(root, 'etc/cdrec'), { recursive: true });
      // The machine gets its packages from where this one does.
      for (const file of ['etc/resolv.conf', 'etc/hosts', 'etc/apt']) cpSync(join('/', file), join(root, file), { recursive: true, force: true });
      writeFileSync(join(root, 'etc/cdrec/cdrec.toml'), `[rescue]\nkernel = "${kernel}"\n[output]\nvolume_size = "110M"\n[backup]\nexclude_mounts = ["/mnt"]\n`);
      execFileSync('chroot', [root, 'dpkg', '--force-depends', '--purge', 'squashfs-tools'], { stdio: 'ignore', env: MACHINE_ENV });
      const lacking = await run('chroot', [root, 'cdrec', 'test', '--out', '/mnt'], MACHINE_ENV);
      expect([lacking.status, lacking.stdout]).toEqual([1, expect.stringContaining('FAIL  program.mksquashfs')]);
      const command = ['env', '-i', `PATH=${MACHINE_ENV.PATH}`, 'TERM=dumb', 'chroot', root, 'cdrec'].join(' ');
      const refused = await onTerminal(command, [[/apt-get install --yes --no-install-recommends.*squashfs-tools[^]*Do it now\? \(y\/n\): /, 'n']]);
      expect([refused.status, refused.said]).toEqual([1, expect.stringContaining('A set cannot be made yet')]);
      const led = await onTerminal(command, [[/Do it now\? \(y\/n\): /, 'y'], [/about [\d.]+ MiB, \d+ volumes[^]*Your choice \(1-5\): /, '3'], [/Directory for the volumes \(\/var\/lib\/cdrec\): /, '/mnt'], [/cdrec build --mode iso --out \/mnt[^]*Begin\? \(y\/n\): /, 'y']]);
      expect(led.status, led.said).toBe(0);
      expect(led.said).toMatch(/Prove that it works/);
      const volumes = readdirSync(out).filter((n) => n.endsWith('.iso')).map((n) => join(out, n));
      const guessed = Number(/3\) ISO images[^]*?, (\d+) volumes?,/.exec(led.said)?.[1]);
      expect(Math.abs(guessed - volumes.length)).toBeLessThanOrEqual(1);
      expect((await cdrec('verify', ...volumes)).status).toBe(0);
    });
  }, 400_000);
});

import { spawn } from 'node:child_process';
import { execa } from 'execa';
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { attachImage, makeBaseSystem, makeSampleDisk, STACK_MODULES, STACK_PACKAGES, withMounts } from '@cdrec/rehearse';

const workspace = fileURLToPath(new URL('../../..', import.meta.url));
export const CLI = join(workspace, 'apps/cdrec/dist/bin.js');
export const BUNDLE = join(workspace, 'apps/cdrec/dist/bundle');

/** What a program printed and how it ended. */
export interface Outcome { readonly status: number | undefined; readonly stdout: string; readonly stderr: string }

/** Runs a program as it is; never throws for a status. */
export async function run(program: string, args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Outcome> {
  const r = await execa(program, args, { reject: false, stdin: 'ignore', env, ...(cwd === undefined ? {} : { cwd }) });
  return { status: r.exitCode, stdout: r.stdout, stderr: r.stderr };
}

/** The CLI on this host. */
export const cdrec = (...args: string[]): Promise<Outcome> => run(process.execPath, [CLI, ...args]);

/** A sample machine (BIOS, one ext4) as a disk image below `dir`; with `stacks`, it has the programs for arrays, volume groups, btrfs... */
export async function makeMachine(dir: string, stacks = false): Promise<string> {
  const image = join(dir, 'machine.img');
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(join(workspace, '.cache'), ...(stacks ? [STACK_PACKAGES, STACK_MODULES] as const : [])), image, work: dir, node: process.execPath, bundle: BUNDLE });
  return image;
}

/** Runs `work` with the machine's disk mounted as a root to chroot into; `binds` are host directories bound below it. */
export async function inMachine<T>(image: string, dir: string, binds: readonly (readonly [from: string, to: string])[], work: (root: string, kernel: string) => Promise<T>): Promise<T> {
  await using loop = await attachImage(image);
  const root = join(dir, 'root');
  mkdirSync(root, { recursive: true });
  return await withMounts([
    ['-t', 'ext4', '-o', 'noatime', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ...binds.map(([from, to]) => ['--bind', from, join(root, to)]),
  ], () => work(root, readdirSync(join(root, 'lib/modules')).at(-1) as string));
}

/** The environment of a login shell in the machine. */
export const MACHINE_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' };

/** Runs a command on a terminal of its own (script(1)), and types each answer when its question is there; a question that does not come within two minutes is an error. */
export async function onTerminal(command: string, answers: readonly (readonly [question: RegExp, answer: string])[]): Promise<{ status: number | null; said: string }> {
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, TERM: 'dumb' } });
  let said = '';
  let at = 0;
  const left = [...answers];
  child.stdout.on('data', (c: Buffer) => {
    said += c.toString();
    for (let next = left[0]; next !== undefined; next = left[0]) {
      const match = next[0].exec(said.slice(at));
      if (match === null) return;
      at += match.index + match[0].length;
      left.shift();
      // A question stands before the echo is off: typed at once, the answer could get lost.
      const { [1]: answer } = next;
      setTimeout(() => child.stdin.write(answer === '\x03' || answer === '\x04' ? answer : `${answer}\n`), 300); // Ctrl-C, Ctrl-D: keys that need no Enter
    }
  });
  let before = -1;
  const watch = setInterval(() => {
    if (said.length === before) child.kill('SIGKILL');
    before = said.length;
  }, 120_000);
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (left.length > 0) throw new Error(`never asked: ${left.map(([q]) => String(q)).join(', ')}\n${said}`);
  return { status, said };
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, runTool } from '@cdrec/tool';

/** Where the programs of a restore make files of their own: initramfs, boot loader, rewritten configuration. */
const PLACES = ['boot', 'etc', 'var/lib/initramfs-tools'];
const LABEL = ['-n', 'security.selinux', '--absolute-names'];

/** The policy of a system whose SELinux is on (selinux_config(5)), or undefined. */
function policyOf(root: string): string | undefined {
  const file = join(root, 'etc/selinux/config');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!/^\s*SELINUX\s*=\s*(enforcing|permissive)/m.test(text)) return undefined;
  return /^\s*SELINUXTYPE\s*=\s*([\w-]+)/m.exec(text)?.[1] ?? 'targeted';
}

/** Whether the labels came back with the files; not, where nothing can tell. */
async function isLabelled(root: string): Promise<boolean> {
  return findProgram('getfattr', '') !== undefined && (await runTool('getfattr', ['--only-values', ...LABEL, join(root, 'etc/fstab'), join(root, 'etc/passwd')], { ok: [0, 1] })).stdout !== '';
}

/**
 * SELinux: files without labels would keep an enforcing system from its login. Where the restored root lacks them, the next
 * start is told to label all files (/.autorelabel). Returns a remark, or undefined when there is nothing to do.
 */
export async function askForRelabel(root: string): Promise<string | undefined> {
  if (policyOf(root) === undefined || (await isLabelled(root))) return undefined;
  writeFileSync(join(root, '.autorelabel'), '');
  return 'the files have no labels of SELinux: the first start labels them (/.autorelabel), which takes its time';
}

/**
 * Gives the files that the restore itself made the labels that the system's policy has for them (setfiles(8), in the system that is mounted below
 * `root`): the rescue system's kernel has no policy and makes files without. Those of the archives keep theirs. `mounts`: mount points of the system, `more`:
 * further paths in it. Where it cannot be done, the next start labels all files.
 */
export async function labelNewFiles(root: string, mounts: readonly string[], more: readonly string[] = []): Promise<void> {
  const policy = policyOf(root);
  if (policy === undefined || !(await isLabelled(root))) return;
  const there = (paths: readonly string[]): string[] => paths.map((p) => join(root, p)).filter((p) => existsSync(p));
  const single = there([...mounts, ...mounts.map((m) => join(m, 'lost+found')), ...more]);
  const ask = async (how: string[], paths: string[]): Promise<string[]> => (paths.length === 0 ? [] : (await runTool('getfattr', ['--no-dereference', ...how, ...LABEL, ...paths], { ok: [0, 1], env: { LC_ALL: 'C' } })).stderr.split('\n'));
  // getfattr says "FILE: security.selinux: No such attribute"; what lies on a file system without attributes (the ESP) is not supported.
  const without = [...(await ask([], single)), ...(await ask(['--recursive', '--physical'], there(PLACES)))]
    .map((l) => /^(?:getfattr: )?(\/.*): security\.selinux: No such attribute$/.exec(l)?.[1]).filter((p) => p !== undefined).map((p) => p.slice(root.length) || '/');
  if (without.length === 0) return;
  // Each name ends in a NUL: setfiles takes the last byte for one.
  const contexts = `/etc/selinux/${policy}/contexts/files/file_contexts`;
  const { status } = await runTool('chroot', [root, 'setfiles', '-0', '-f', '-', contexts], { input: [...new Set(without)].map((p) => `${p}\0`).join(''), ok: Array.from({ length: 256 }, (_, n) => n) });
  if (status !== 0) writeFileSync(join(root, '.autorelabel'), '');
}

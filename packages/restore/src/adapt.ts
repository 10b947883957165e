import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { modulesOfDisk } from '@cdrec/survey';
import { CdrecError, runTool } from '@cdrec/tool';
import { REFERENCE_FILES, rewriteGrubEnvironment, rewriteReferences, type Renamed } from './references.js';

/**
 * Rewrites what the restored system's files say of devices that have another name now. Returns what was changed, a line each.
 * Links are left alone: they may lead out of the system.
 */
export function rewriteSystem(root: string, renamed: readonly Renamed[]): string[] {
  const said: string[] = [];
  const replace = (path: string, result: { text: string; changes: string[] } | undefined): void => {
    if (result === undefined) said.push(`/${path} speaks of devices that have another name now, and has no room for the new ones`);
    else if (result.changes.length > 0) {
      writeFileSync(join(root, path), result.text, 'latin1');
      said.push(...result.changes.map((c) => `/${path}: ${c}`));
    }
  };
  for (const [glob, style] of REFERENCE_FILES) {
    for (const path of expand(root, glob)) replace(path, rewriteReferences(readFileSync(join(root, path), 'latin1'), renamed, style));
  }
  for (const path of ['boot/grub/grubenv', 'boot/grub2/grubenv'].filter((p) => isFile(join(root, p)))) replace(path, rewriteGrubEnvironment(readFileSync(join(root, path), 'latin1'), renamed));
  return said;
}

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Files of a glob with at most one `*` in a directory or name. */
function expand(root: string, glob: string): string[] {
  const [directory, name] = [glob.slice(0, glob.lastIndexOf('/')), basename(glob)];
  const directories = directory.endsWith('/*') ? list(join(root, directory.slice(0, -2))).map((n) => `${directory.slice(0, -2)}/${n}`) : [directory];
  const names = (d: string): string[] => (name.startsWith('*') ? list(join(root, d)).filter((n) => n.endsWith(name.slice(1))) : [name]);
  return directories.flatMap((d) => names(d).map((n) => `${d}/${n}`)).filter((p) => isFile(join(root, p)));
}

function list(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

/** How distributions make their initramfs again, and list one. */
const GENERATORS: readonly { readonly program: string; readonly list: string; readonly make: (kernel: string) => readonly string[] }[] = [
  { program: 'update-initramfs', list: 'lsinitramfs', make: (kernel) => ['-u', '-k', kernel] },
  { program: 'dracut', list: 'lsinitrd', make: (kernel) => ['--force', '--kver', kernel] },
  { program: 'mkinitcpio', list: 'lsinitcpio', make: () => ['-P'] },
];
const PLACES = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];
const hasProgram = (root: string, name: string): boolean => PLACES.some((d) => existsSync(join(root, d, name)));

/** The initramfs of a kernel, where distributions put it. */
const imageOf = (root: string, kernel: string): string | undefined =>
  [`boot/initrd.img-${kernel}`, `boot/initramfs-${kernel}.img`, `boot/initrd-${kernel}`].find((p) => existsSync(join(root, p)));

/** Names of modules that a kernel has built in, or that it has no file of. */
function outside(root: string, kernel: string): (module: string) => boolean {
  const base = [`usr/lib/modules/${kernel}`, `lib/modules/${kernel}`].map((d) => join(root, d)).find((d) => existsSync(d)) ?? '';
  const read = (name: string): string => (existsSync(join(base, name)) ? readFileSync(join(base, name), 'utf8') : '');
  const [builtin, files] = [read('modules.builtin'), read('modules.dep')];
  const named = (text: string, m: string): boolean => new RegExp(`/${m.replaceAll('_', '[_-]')}\\.ko`).test(text);
  return (m) => named(builtin, m) || !named(files, m);
}

/**
 * Makes the initramfs of the restored system's kernels again when it lacks the drivers of the new disks (`disks`: device nodes; `used`:
 * modules that the machine had loaded, which its initramfs can be trusted with), or when `force` says that what it was made of changed.
 * Returns remarks.
 */
export async function refreshInitramfs(root: string, disks: readonly string[], used: readonly string[], force: boolean): Promise<string[]> {
  const drivers = [...new Set(disks.flatMap((d) => modulesOfDisk(d)))].filter((m) => !used.includes(m));
  if (drivers.length === 0 && !force) return [];
  const modules = [join(root, 'usr/lib/modules'), join(root, 'lib/modules')].find((d) => existsSync(d));
  const kernels = modules === undefined ? [] : list(modules).filter((k) => imageOf(root, k) !== undefined);
  const said: string[] = [];
  const generator = GENERATORS.find((g) => hasProgram(root, g.program));
  for (const kernel of kernels) {
    const needed = drivers.filter((d) => !outside(root, kernel)(d));
    const lacking = async (): Promise<string[]> => {
      if (generator === undefined || !hasProgram(root, generator.list)) return needed;
      const { stdout } = await runTool('chroot', [root, generator.list, `/${imageOf(root, kernel) as string}`], { ok: [0, 1, 2] });
      return needed.filter((d) => !new RegExp(`/${d.replaceAll('_', '[_-]')}\\.ko`).test(stdout));
    };
    const missing = needed.length === 0 ? [] : await lacking();
    if (missing.length === 0 && !force) continue;
    if (generator === undefined) {
      said.push(`the initramfs of ${kernel} ${missing.length > 0 ? `may lack ${missing.join(', ')}` : 'was made for the old devices'}: no program that makes one was found (${GENERATORS.map((g) => g.program).join(', ')})`);
      continue;
    }
    if (missing.length > 0) addModules(root, generator.program, missing);
    await runTool('chroot', [root, generator.program, ...generator.make(kernel)]);
    const still = missing.length === 0 ? [] : await lacking();
    if (still.length > 0) throw new CdrecError('INITRAMFS', `the new initramfs of ${kernel} still lacks ${still.join(', ')}, drivers of this machine's disks`, { hint: `chroot to the restored system, make it by hand (${generator.program}), then go on` });
    said.push(`the initramfs of ${kernel} was made again${missing.length > 0 ? `, with ${missing.join(', ')}` : ''}`);
  }
  return said;
}

/** Names further modules to the program that makes the initramfs, in a file of their own where it has such files. */
function addModules(root: string, program: string, modules: readonly string[]): void {
  if (program === 'update-initramfs') {
    const file = join(root, 'etc/initramfs-tools/modules');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    writeFileSync(file, `${text.replace(/\n?$/, '\n')}${modules.filter((m) => !new RegExp(`^${m}$`, 'm').test(text)).map((m) => `${m}\n`).join('')}`);
  } else if (program === 'dracut') writeFileSync(join(root, 'etc/dracut.conf.d/cdrec-disks.conf'), `add_drivers+=" ${modules.join(' ')} "\n`);
}

/**
 * SELinux: files without labels would keep an enforcing system from its login. Where the restored root lacks them, the next
 * start is told to label all files (/.autorelabel). Returns a remark, or undefined when there is nothing to do.
 */
export async function askForRelabel(root: string): Promise<string | undefined> {
  const file = join(root, 'etc/selinux/config');
  if (!existsSync(file) || !/^\s*SELINUX\s*=\s*(enforcing|permissive)/m.test(readFileSync(file, 'utf8'))) return undefined;
  const { stdout } = await runTool('getfattr', ['--absolute-names', '--only-values', '-n', 'security.selinux', join(root, 'etc/fstab'), join(root, 'etc/passwd')], { ok: [0, 1] });
  if (stdout !== '') return undefined;
  writeFileSync(join(root, '.autorelabel'), '');
  return 'the files have no labels of SELinux: the first start labels them (/.autorelabel), which takes its time';
}

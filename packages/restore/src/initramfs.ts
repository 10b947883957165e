import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modulesOfDisk } from '@cdrec/survey';
import { CdrecError, runTool } from '@cdrec/tool';

/** How distributions make their initramfs again, and list one. */
const GENERATORS: readonly { readonly program: string; readonly list: string; readonly make: (kernel: string, image: string) => readonly string[] }[] = [
  { program: 'update-initramfs', list: 'lsinitramfs', make: (kernel) => ['-u', '-k', kernel] },
  // Where it would put an initramfs that is not named differs between distributions, and from where their boot loaders look (Debian's in its kernel hook alone).
  { program: 'dracut', list: 'lsinitrd', make: (kernel, image) => ['--force', image, kernel] },
  { program: 'mkinitcpio', list: 'lsinitcpio', make: () => ['-P'] },
];
const PLACES = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];
const hasProgram = (root: string, name: string): boolean => PLACES.some((d) => existsSync(join(root, d, name)));
/** What makes an initramfs here. Where dracut is the one, an `update-initramfs` may be there that hands over to it, and reads none of initramfs-tools' files. */
const generatorOf = (root: string): (typeof GENERATORS)[number] | undefined => GENERATORS.find(({ program }) => hasProgram(root, program) && (program !== 'update-initramfs' || !hasProgram(root, 'dracut') || hasProgram(root, 'mkinitramfs')));
const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).sort() : []);
const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');
/** Where kernels and what belongs to them may lie: /boot, and an ESP at one of its usual places. */
const BOOT_PLACES = ['boot', 'boot/efi', 'efi'];

/**
 * The initramfs of a kernel, where distributions put it: in /boot by the kernel's release (or, Arch, by the name of its package), or beside
 * the kernel in a directory of its own (Boot Loader Specification, "Type #1 entries": /MACHINE-ID/RELEASE/initrd).
 */
function imageOf(root: string, kernel: string, modules: string): string | undefined {
  const names = [kernel, textOf(join(modules, kernel, 'pkgbase'))].filter((n) => n !== '').flatMap((n) => [`boot/initrd.img-${n}`, `boot/initramfs-${n}.img`, `boot/initrd-${n}`]);
  const found = names.find((p) => existsSync(join(root, p)));
  const id = textOf(join(root, 'etc/machine-id'));
  if (found !== undefined || id === '') return found;
  const directories = BOOT_PLACES.map((d) => `${d}/${id}/${kernel}`);
  return directories.flatMap((d) => list(join(root, d)).filter((n) => /^init(rd|ramfs)/.test(n)).map((n) => `${d}/${n}`))[0];
}

/** Kernels that carry their initramfs in themselves (unified kernel images). */
const hasUnified = (root: string): boolean => BOOT_PLACES.some((d) => list(join(root, d, 'EFI/Linux')).some((n) => /\.efi$/i.test(n)));

/** Names of modules that a kernel has built in, or that it has no file of. */
function outside(base: string): (module: string) => boolean {
  const [builtin, files] = [textOf(join(base, 'modules.builtin')), textOf(join(base, 'modules.dep'))];
  const named = (text: string, m: string): boolean => new RegExp(`/${m.replaceAll('_', '[_-]')}\\.ko`).test(text);
  return (m) => named(builtin, m) || !named(files, m);
}

/** What files and directories below the boot directories are, and the lists of modules (kernel-install calls depmod), to see which of them a program makes anew. */
function madeFiles(root: string, modules: string): Map<string, string> {
  const out = new Map<string, string>();
  const walk = (path: string): void => {
    const s = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false });
    if (s === undefined) return;
    out.set(`/${path}`, [s.ino, s.size, s.mtimeNs, s.ctimeNs].join());
    if (s.isDirectory()) for (const name of list(join(root, path))) walk(`${path}/${name}`);
  };
  for (const d of ['boot', 'efi']) walk(d);
  const base = modules.slice(root.length + 1);
  for (const kernel of list(modules)) for (const name of list(join(modules, kernel)).filter((n) => n.startsWith('modules.'))) walk(`${base}/${kernel}/${name}`);
  return out;
}

/** What was done: remarks, and the paths (from the system's root) in the boot directories, and lists of modules, that were made anew by it. */
export interface Refreshed { readonly said: string[]; readonly made: string[] }

/**
 * Makes the initramfs of the restored system's kernels again when it lacks the drivers of the new disks (`disks`: device nodes; `used`:
 * modules that the machine had loaded, which its initramfs can be trusted with), or when `force` says that what it was made of changed.
 * @throws CdrecError INITRAMFS when the new one lacks them too, TOOL_FAILED
 */
export async function refreshInitramfs(root: string, disks: readonly string[], used: readonly string[], force: boolean): Promise<Refreshed> {
  const drivers = [...new Set(disks.flatMap((d) => modulesOfDisk(d)))].filter((m) => !used.includes(m));
  const said: string[] = [];
  if (drivers.length === 0 && !force) return { said, made: [] };
  const modules = [join(root, 'usr/lib/modules'), join(root, 'lib/modules')].find((d) => existsSync(d)) ?? '';
  const before = madeFiles(root, modules);
  const generator = generatorOf(root);
  for (const kernel of modules === '' ? [] : list(modules)) {
    const needed = drivers.filter((d) => !outside(join(modules, kernel))(d));
    const image = imageOf(root, kernel, modules);
    if (image === undefined) {
      if ((needed.length > 0 || force) && hasUnified(root)) said.push(...(await refreshUnified(root, kernel, modules, needed)));
      continue;
    }
    const lacking = async (): Promise<string[]> => {
      if (generator === undefined || !hasProgram(root, generator.list)) return needed;
      const { stdout } = await runTool('chroot', [root, generator.list, `/${image}`], { ok: [0, 1, 2] });
      return needed.filter((d) => !new RegExp(`/${d.replaceAll('_', '[_-]')}\\.ko`).test(stdout));
    };
    const missing = needed.length === 0 ? [] : await lacking();
    if (missing.length === 0 && !force) continue;
    if (generator === undefined) {
      said.push(`the initramfs of ${kernel} ${missing.length > 0 ? `may lack ${missing.join(', ')}` : 'was made for the old devices'}: no program that makes one was found (${GENERATORS.map((g) => g.program).join(', ')})`);
      continue;
    }
    if (missing.length > 0) addModules(root, generator.program, missing);
    // update-initramfs and mkinitcpio know their usual place alone; kernel-install puts kernel and initramfs where its entries look for them.
    if (image.startsWith('boot/init') || !(await installKernel(root, kernel, modules))) await runTool('chroot', [root, generator.program, ...generator.make(kernel, `/${image}`)]);
    const still = missing.length === 0 ? [] : await lacking();
    if (still.length > 0) throw new CdrecError('INITRAMFS', `the new initramfs of ${kernel} still lacks ${still.join(', ')}, drivers of this machine's disks`, { hint: `chroot to the restored system, make it by hand (${generator.program}), then go on` });
    said.push(`the initramfs of ${kernel} was made again${missing.length > 0 ? `, with ${missing.join(', ')}` : ''}`);
  }
  const after = madeFiles(root, modules);
  return { said, made: [...new Set([...before.keys(), ...after.keys()])].filter((p) => before.get(p) !== after.get(p)) };
}

/** kernel-install(8) makes everything that belongs to a kernel again; false when the system has no such program, or no kernel for it. */
async function installKernel(root: string, kernel: string, modules: string): Promise<boolean> {
  const image = [`${modules.slice(root.length)}/${kernel}/vmlinuz`, `/boot/vmlinuz-${kernel}`].find((p) => existsSync(join(root, p)));
  if (!hasProgram(root, 'kernel-install') || image === undefined) return false;
  await runTool('chroot', [root, 'kernel-install', 'add', kernel, image]);
  return true;
}

/** A kernel with its initramfs in itself cannot be looked into: it is made again. What fails is told: the machine may start all the same. */
async function refreshUnified(root: string, kernel: string, modules: string, needed: readonly string[]): Promise<string[]> {
  const why = needed.length > 0 ? `may lack ${needed.join(', ')}` : 'was made for the old devices';
  try {
    if (hasProgram(root, 'mkinitcpio')) {
      addModules(root, 'mkinitcpio', needed);
      await runTool('chroot', [root, 'mkinitcpio', '-P']);
    } else {
      if (hasProgram(root, 'dracut')) addModules(root, 'dracut', needed);
      if (!(await installKernel(root, kernel, modules))) return [`the unified kernel image of ${kernel} ${why}: no program that makes one was found (kernel-install, mkinitcpio)`];
    }
    return [`the unified kernel image of ${kernel} was made again${needed.length > 0 ? `, with ${needed.join(', ')}` : ''}`];
  } catch (error) {
    return [`the unified kernel image of ${kernel} ${why}, and could not be made again: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Names further modules to the program that makes the initramfs, in a file of their own where it has such files. */
function addModules(root: string, program: string, modules: readonly string[]): void {
  if (modules.length === 0) return;
  if (program === 'update-initramfs') {
    const file = join(root, 'etc/initramfs-tools/modules');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    writeFileSync(file, `${text.replace(/\n?$/, '\n')}${modules.filter((m) => !new RegExp(`^${m}$`, 'm').test(text)).map((m) => `${m}\n`).join('')}`);
  } else if (program === 'dracut') writeFileSync(join(root, 'etc/dracut.conf.d/cdrec-disks.conf'), `add_drivers+=" ${modules.join(' ')} "\n`);
  else if (existsSync(join(root, 'etc/mkinitcpio.conf.d'))) writeFileSync(join(root, 'etc/mkinitcpio.conf.d/cdrec-disks.conf'), `MODULES+=(${modules.join(' ')})\n`);
}

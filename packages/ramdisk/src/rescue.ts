import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { addModules, addPrograms, FileTree, firmwareFiles, libraryClosure } from '@cdrec/closure';
import { BASHRC, bannerText, haltScript, RC_SYSTEM } from './scripts.js';
import { MODULE_DIRECTORIES, RESCUE_PROGRAMS, UDEV_HELPERS } from './programs.js';

/** What goes into rd-base. */
export interface RescueOptions {
  /** /lib/modules/VERSION of the rescue kernel. */
  readonly modules: string;
  readonly moduleSet: 'default' | 'all';
  readonly modulesInUse: readonly string[];
  /** Further programs by name. */
  readonly programs: readonly string[];
  /** Programs that restoring this machine's file systems needs: required, not optional. */
  readonly needed: readonly string[];
  /** The node binary. */
  readonly node: string;
  /** The bundled CLI: one JavaScript module. */
  readonly bundle: string;
  /** Text of survey.json. */
  readonly survey: string;
  readonly host: string;
  readonly label: string;
  /** Largest sum of file sizes in bytes. */
  readonly limit: number;
  /** PATH in which programs are looked for. */
  readonly path: string;
}

/** The rescue root and what it consists of. */
export interface RescueTree {
  readonly tree: FileTree;
  /** Bytes by part, before compression. */
  readonly parts: ReadonlyMap<string, number>;
  readonly programs: readonly string[];
  readonly modules: number;
}

const CLI = '/usr/lib/cdrec/cdrec.mjs';
const launcher = (command: string): string => `#!/bin/sh\nexec /usr/bin/node --no-warnings ${CLI} ${command}"$@"\n`;

/**
 * Puts the rescue root together as a list of files: the host's programs with their libraries, node and the CLI,
 * kernel modules, firmware, udev, survey. Nothing secret: no password hashes, no keys.
 * @throws CdrecError TOOL_MISSING, LIBRARY_MISSING, RESCUE_TOO_LARGE
 */
export async function buildRescueTree(options: RescueOptions): Promise<RescueTree> {
  const tree = new FileTree(options.limit);
  for (const dir of ['/proc', '/sys', '/dev', '/run', '/mnt/local', '/mnt/cdrom', '/etc/recovery', '/root', '/usr/local/bin', '/var/lib', '/var/log']) tree.addDir(dir);
  tree.addDir('/tmp', 0o1777);
  tree.addSymlink('/var/run', '/run');
  tree.addSymlink('/etc/mtab', '/proc/self/mounts');

  const node = realpathSync(options.node);
  tree.addHostFile(node, 'node', '/usr/bin/node');
  tree.addHostFile(options.bundle, 'cdrec', CLI);
  const udevd = ['/usr/lib/systemd/systemd-udevd', '/lib/systemd/systemd-udevd'].find((p) => existsSync(p));
  const helpers = UDEV_HELPERS.map((h) => join('/usr/lib/udev', h)).filter((p) => existsSync(p));
  const programs = await addPrograms(tree, {
    required: [...new Set([...RESCUE_PROGRAMS.required, ...options.needed, ...options.programs])],
    optional: [...RESCUE_PROGRAMS.optional, ...helpers, ...(udevd === undefined ? [] : [udevd])],
    path: options.path,
    // libgcc_s is loaded by pthread_cancel, the NSS modules by getpwnam and the resolver.
    files: ['libgcc_s.so.1', 'libnss_files.so.2', 'libnss_dns.so.2'].map((l) => join('/usr/lib/x86_64-linux-gnu', l)).filter((p) => existsSync(p)),
  });
  // node's own libraries; the binary itself has its fixed place.
  for (const library of await libraryClosure([node])) tree.addHostFile(library, 'libraries');
  if (udevd !== undefined && existsSync('/usr/lib/udev/rules.d')) tree.addHostDir('/usr/lib/udev/rules.d', 'udev');
  if (udevd !== undefined) tree.addSymlink('/usr/lib/systemd/systemd-udevd', FileTree.canonical(realpathSync(udevd)));

  const modules = addModules(tree, options.modules, { names: options.modulesInUse, directories: MODULE_DIRECTORIES, all: options.moduleSet === 'all' });
  for (const file of await firmwareFiles(options.modules, modules)) tree.addHostFile(file, 'firmware');

  addConfiguration(tree, options);
  return { tree, parts: tree.parts(), programs, modules: modules.length };
}

function addConfiguration(tree: FileTree, options: RescueOptions): void {
  for (const [command, script] of [['cdrec', launcher('')], ['start-restore', launcher('restore ')], ['poweroff', haltScript('o')], ['reboot', haltScript('b')]] as const) {
    tree.addData(`/usr/local/bin/${command}`, script, 0o755);
  }
  tree.addData('/usr/sbin/init', RC_SYSTEM, 0o755);
  tree.addData('/etc/cdrec/bashrc', BASHRC);
  tree.addData('/etc/cdrec/banner', bannerText(options.host, options.label));
  tree.addData('/etc/recovery/survey.json', options.survey, 0o600, 'survey');
  tree.addData('/etc/hostname', 'cdrec-rescue\n');
  tree.addData('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  tree.addData('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  tree.addData('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n');
  tree.addData('/etc/group', systemGroups());
  tree.addData('/etc/fstab', '');
  for (const file of ['/etc/mke2fs.conf', '/etc/os-release', '/etc/lvm/lvm.conf']) if (existsSync(file)) tree.addHostFile(file, 'configuration', file);
  for (const term of ['linux', 'vt100', 'vt102', 'vt220', 'xterm', 'dumb']) {
    const file = ['/lib/terminfo', '/usr/share/terminfo'].map((d) => join(d, term.charAt(0), term)).find((p) => existsSync(p));
    if (file !== undefined) tree.addHostFile(file, 'configuration', join('/usr/share/terminfo', term.charAt(0), term));
  }
}

/** Groups below 1000 of the host without their members: udev's rules name them. */
function systemGroups(): string {
  const lines = readFileSync('/etc/group', 'utf8').split('\n').map((line) => line.split(':')).filter((f) => Number(f[2]) < 1000 && f.length >= 4);
  return lines.map((f) => `${f[0] as string}:x:${f[2] as string}:\n`).join('') || 'root:x:0:\n';
}

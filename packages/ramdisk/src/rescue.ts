import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { addModules, addPrograms, builtinNames, FileTree, firmwareFiles, libraryClosure, moduleNames } from '@cdrec/closure';
import { CdrecError, findProgram } from '@cdrec/tool';
import { DHCP_CLIENTS, findDhcpClient } from './dhcp.js';
import { addFiles, existing } from './files.js';
import { readKeymap } from './keymap.js';
import { networkLines, type SurveyedNetwork } from './network.js';
import { MODULE_DIRECTORIES, RESCUE_PROGRAMS, UDEV_HELPERS } from './programs.js';
import { DHCP_SCRIPT, NETWORK, RESCUE_SSHD, SAVE_LOG, SSHD_CONFIG } from './scripts/commands.js';
import { BASHRC, haltScript, menuScript, RC_SYSTEM } from './scripts/rc.js';
import { authorizedKeys, SSHD_PARTS } from './ssh.js';

/** What goes into rd-base. */
export interface RescueOptions {
  /** /lib/modules/VERSION of the rescue kernel. */
  readonly modules: string;
  readonly moduleSet: 'default' | 'all';
  readonly modulesInUse: readonly string[];
  /** Further modules by name, and modules that must not be there. */
  readonly addModules?: readonly string[];
  readonly excludeModules?: readonly string[];
  /** Further programs by name. */
  readonly programs: readonly string[];
  /** Further files and directories: absolute paths, which they have in the rescue system too. */
  readonly files?: readonly string[];
  /** Programs that restoring this machine's file systems needs: required, not optional. */
  readonly needed: readonly string[];
  /** The node binary. */
  readonly node: string;
  /** Directory of the bundled CLI: `cdrec.mjs` and the modules that it loads. */
  readonly bundle: string;
  /** Text of survey.json. */
  readonly survey: string;
  readonly host: string;
  readonly label: string;
  /** Largest sum of file sizes in bytes. */
  readonly limit: number;
  /** PATH in which programs are looked for. */
  readonly path: string;
  /** Name of a console keymap, or \`auto\`. */
  readonly keymap: string;
  readonly coldplug: 'auto' | 'udev' | 'mdev';
  readonly network: { readonly mode: 'dhcp' | 'static' | 'off'; readonly surveyed: SurveyedNetwork };
  /** Public keys or files of such; none: no SSH server. */
  readonly sshKeys: readonly string[];
  /** Shell commands; empty: none. */
  readonly preExec: string;
  readonly postExec: string;
  /** Further text files of the rescue system: what the caller's own commands read there. */
  readonly texts?: readonly { readonly path: string; readonly text: string; readonly mode?: number }[];
  /** Rules for sizes on other disks (`restore.fixed`, `restore.weights`): what `cdrec restore` takes when it is not told others. */
  readonly sizeRules: { readonly fixed: readonly string[]; readonly weights: Readonly<Record<string, number>> };
}

/** The rescue root and what it consists of. */
export interface RescueTree {
  readonly tree: FileTree;
  /** Bytes by part, before compression. */
  readonly parts: ReadonlyMap<string, number>;
  readonly programs: readonly string[];
  /** Paths of the modules, relative to the modules directory. */
  readonly modules: readonly string[];
  /** What the rescue system will lack, in words. */
  readonly warnings: readonly string[];
}

const CLI = '/usr/lib/cdrec/cdrec.mjs';
/** In the rescue system everything that cdrec says also goes to a log, which save-log saves. */
const launcher = (command: string): string => `#!/bin/sh\nexport CDREC_LOG=/run/cdrec/cdrec.log\nexec /usr/bin/node --no-warnings ${CLI} ${command}"$@"\n`;
/** Rules that assemble arrays and activate volume groups as their disks appear: a rescue system leaves disks alone until it is told. */
const ASSEMBLY_RULES = ['64-md-raid-assembly.rules', '65-md-incremental.rules', '69-lvm.rules', '69-dm-lvm.rules', '69-lvm-metad.rules'];
const UDEVD = ['/usr/lib/systemd/systemd-udevd', '/lib/systemd/systemd-udevd', '/usr/sbin/udevd', '/sbin/udevd'];

/**
 * Puts the rescue root together as a list of files: the host's programs with their libraries, node and the CLI,
 * kernel modules, firmware, udev, survey. Nothing secret: no password hashes, no private keys.
 * @throws CdrecError TOOL_MISSING, LIBRARY_MISSING, RESCUE_TOO_LARGE, RESCUE_FILES, KEYMAP_NOT_FOUND, SSH_KEY, COLDPLUG_MISSING
 */
export async function buildRescueTree(options: RescueOptions): Promise<RescueTree> {
  const tree = new FileTree(options.limit);
  const warnings: string[] = [];
  for (const dir of ['/proc', '/sys', '/dev', '/run', '/mnt/local', '/mnt/cdrom', '/etc/recovery', '/root', '/usr/local/bin', '/var/lib', '/var/log', '/var/empty']) tree.addDir(dir);
  tree.addDir('/tmp', 0o1777);
  tree.addSymlink('/var/run', '/run');
  tree.addSymlink('/etc/mtab', '/proc/self/mounts');

  const node = realpathSync(options.node);
  tree.addHostFile(node, 'node', '/usr/bin/node');
  for (const module of readdirSync(options.bundle)) if (module.endsWith('.mjs')) tree.addHostFile(join(options.bundle, module), 'cdrec', join(dirname(CLI), module));
  const coldplug = chooseColdplug(options);
  const udevd = coldplug === 'udev' ? UDEVD.find((p) => existsSync(p)) : undefined;
  const helpers = udevd === undefined ? [] : UDEV_HELPERS.flatMap((h) => existing([join('/lib/udev', h), join('/usr/lib/udev', h)]));
  const ssh = options.sshKeys.length > 0 ? ['sshd', 'ssh-keygen'] : [];
  const keymap = await readKeymap(options.keymap, options.path).catch((error: unknown) => {
    // A keymap that was asked for by name must be there; the machine's own is worth a warning.
    if (options.keymap !== 'auto' || !(error instanceof CdrecError)) throw error;
    warnings.push(`${error.message}: the keyboard will be a US one`);
    return undefined;
  });
  const client = await findDhcpClient(options.path);
  if (client === undefined && options.network.mode === 'dhcp') warnings.push(`none of ${DHCP_CLIENTS.join(', ')} (or BusyBox with it) is installed: the rescue system can have a network only by hand`);
  const programs = await addPrograms(tree, {
    required: [...new Set([...RESCUE_PROGRAMS.required, ...options.needed, ...options.programs, ...ssh, ...(keymap === undefined ? [] : ['loadkeys']), ...(coldplug === 'udev' ? ['udevadm'] : [])])],
    optional: [...RESCUE_PROGRAMS.optional, ...(client === undefined ? [] : [client.program]), ...helpers, ...(ssh.length > 0 ? SSHD_PARTS.filter((p) => existsSync(p)) : []), ...(udevd === undefined ? [] : [udevd])],
    path: options.path,
    // libgcc_s is loaded by pthread_cancel, the NSS modules by getpwnam and the resolver.
    files: ['libgcc_s.so.1', 'libnss_files.so.2', 'libnss_dns.so.2'].flatMap((l) => existing(['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib', '/usr/lib'].map((d) => join(d, l)))),
  });
  // node's own libraries; the binary itself has its fixed place.
  for (const library of await libraryClosure([node])) tree.addHostFile(library, 'libraries');
  if (udevd !== undefined) {
    for (const rules of existing(['/lib/udev/rules.d', '/usr/lib/udev/rules.d'])) tree.addHostDir(rules, 'udev', ASSEMBLY_RULES);
    // systemd-udevd may be a link to udevadm, which looks at the name by which it was called.
    tree.addSymlink('/usr/lib/cdrec/udevd', FileTree.canonical(udevd));
  }
  if (coldplug === 'mdev') addMdev(tree, options.path);
  if (client !== undefined && basename(client.program) !== client.name) addApplet(tree, client.program, client.name);

  const modules = addModules(tree, options.modules, { names: [...options.modulesInUse, ...(options.addModules ?? [])], directories: MODULE_DIRECTORIES, all: options.moduleSet === 'all', exclude: options.excludeModules ?? [] });
  const known = moduleNames(options.modules);
  const unknown = (options.addModules ?? []).filter((m) => !known.has(m.replaceAll('-', '_')) && !builtinNames(options.modules).has(m.replaceAll('-', '_')));
  if (unknown.length > 0) warnings.push(`the kernel has no module ${unknown.join(', ')}`);
  for (const file of await firmwareFiles(options.modules, modules)) tree.addHostFile(file, 'firmware');

  addConfiguration(tree, options, coldplug);
  warnings.push(...(await addFiles(tree, options.files ?? [])));
  if (keymap !== undefined) tree.addData('/etc/cdrec/keymap.map', keymap);
  return { tree, parts: tree.parts(), programs, modules, warnings };
}

/** What finds devices: \`none\` (modprobe of all aliases, devtmpfs) works too, without links by UUID. */
function chooseColdplug(options: RescueOptions): 'udev' | 'mdev' | 'none' {
  const udev = UDEVD.some((p) => existsSync(p)) && findProgram('udevadm', options.path) !== undefined;
  const mdev = findProgram('mdev', options.path) !== undefined || findProgram('busybox', options.path) !== undefined;
  if (options.coldplug === 'udev' && !udev) throw new CdrecError('COLDPLUG_MISSING', 'rescue.coldplug = "udev", but systemd-udevd is not installed');
  if (options.coldplug === 'mdev' && !mdev) throw new CdrecError('COLDPLUG_MISSING', 'rescue.coldplug = "mdev", but neither mdev nor busybox is installed');
  return options.coldplug === 'auto' ? (udev ? 'udev' : mdev ? 'mdev' : 'none') : options.coldplug;
}

/** BusyBox as one of its applets alone: the others would hide the real programs. */
const addApplet = (tree: FileTree, busybox: string, name: string): void => { tree.addHostFile(realpathSync(busybox), 'programs', `/usr/sbin/${name}`); };

function addMdev(tree: FileTree, path: string): void {
  const program = findProgram('mdev', path) ?? findProgram('busybox', path);
  if (program !== undefined) addApplet(tree, program, 'mdev');
}

function addConfiguration(tree: FileTree, options: RescueOptions, coldplug: string): void {
  const commands: readonly (readonly [string, string])[] = [
    ['cdrec', launcher('')], ['start-restore', launcher('restore ')], ['clone-dsk', launcher('clone-dsk ')], ['restore-fs', launcher('restore-fs ')], ['poweroff', haltScript('o')], ['reboot', haltScript('b')],
    ['menu', menuScript(options.host, options.label)], ['network', NETWORK], ['save-log', SAVE_LOG], ['rescue-sshd', RESCUE_SSHD],
  ];
  for (const [command, script] of commands) tree.addData(`/usr/local/bin/${command}`, script, 0o755);
  tree.addData('/usr/lib/cdrec/dhcp-script', DHCP_SCRIPT, 0o755);
  tree.addData('/usr/sbin/init', RC_SYSTEM, 0o755);
  tree.addData('/etc/cdrec/bashrc', BASHRC);
  tree.addData('/root/.bash_profile', '. /etc/cdrec/bashrc\n');
  tree.addData('/etc/cdrec/coldplug', `${coldplug}\n`);
  tree.addData('/etc/cdrec/network', networkLines(options.network.surveyed));
  tree.addData('/etc/cdrec/network.mode', `${options.network.mode}\n`);
  tree.addData('/etc/cdrec/dhclient.conf', 'timeout 60;\n');
  if (options.preExec !== '') tree.addData('/etc/cdrec/pre_exec', `${options.preExec}\n`, 0o700);
  if (options.postExec !== '') tree.addData('/etc/cdrec/post_exec', `${options.postExec}\n`, 0o700);
  tree.addData('/etc/cdrec/restore.json', `${JSON.stringify(options.sizeRules)}\n`);
  for (const { path, text, mode } of options.texts ?? []) tree.addData(path, text, mode ?? 0o644);
  if (options.sshKeys.length > 0) {
    tree.addData('/etc/cdrec/sshd_config', SSHD_CONFIG);
    tree.addData('/etc/cdrec/authorized_keys', authorizedKeys(options.sshKeys), 0o600);
  }
  tree.addData('/etc/recovery/survey.json', options.survey, 0o600, 'survey');
  tree.addData('/etc/hostname', 'cdrec-rescue\n');
  tree.addData('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  tree.addData('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n');
  tree.addSymlink('/etc/resolv.conf', '/run/cdrec/resolv.conf');
  // No password opens root ("*" is no hash of any): only the console, and keys by SSH. The others are what daemons change to.
  tree.addData('/etc/passwd', 'root:*:0:0:root:/root:/bin/bash\nsshd:*:100:65534::/run/sshd:/usr/sbin/nologin\ndhcpcd:*:101:65534::/var/empty:/usr/sbin/nologin\nnobody:*:65534:65534::/var/empty:/usr/sbin/nologin\n');
  tree.addData('/etc/group', systemGroups());
  tree.addData('/etc/fstab', '');
  // Not lvm.conf: filters and lists in it speak of the disks of now, and would keep LVM from others.
  for (const file of ['/etc/mke2fs.conf', '/etc/os-release', '/etc/services', '/etc/protocols']) if (existsSync(file)) tree.addHostFile(file, 'configuration', file);
  for (const term of ['linux', 'vt100', 'vt102', 'vt220', 'xterm', 'xterm-256color', 'screen', 'screen-256color', 'tmux-256color', 'dumb']) {
    const file = ['/lib/terminfo', '/usr/share/terminfo'].map((d) => join(d, term.charAt(0), term)).find((p) => existsSync(p));
    if (file !== undefined) tree.addHostFile(file, 'configuration', join('/usr/share/terminfo', term.charAt(0), term));
  }
}

/** Groups below 1000 of the host without their members: udev's rules name them. */
function systemGroups(): string {
  const lines = readFileSync('/etc/group', 'utf8').split('\n').map((line) => line.split(':')).filter((f) => Number(f[2]) < 1000 && f.length >= 4);
  return lines.map((f) => `${f[0] as string}:x:${f[2] as string}:\n`).join('') || 'root:x:0:\n';
}

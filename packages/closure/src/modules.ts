import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '@cdrec/tool';
import type { FileTree } from './tree.js';

/** Which modules to take: by name, and by directory below `kernel/` (all modules in it). `all` takes every one; `exclude` names modules that stay out, whatever asks for them. */
export interface ModuleChoice {
  readonly names: readonly string[];
  readonly directories: readonly string[];
  readonly all?: boolean;
  readonly exclude?: readonly string[];
}

const nameOf = (path: string): string => (path.split('/').at(-1) as string).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');

/** modules.dep as a map from module path to the paths it depends on (already complete, says depmod(8)). */
export function parseModulesDep(text: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [path, rest] = line.split(':');
    if (path !== undefined && rest !== undefined) out.set(path, rest.trim().split(/\s+/).filter((d) => d !== ''));
  }
  return out;
}

/** Soft dependencies by module name, from modules.softdep. */
function parseSoftdep(text: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const match = /^softdep\s+(\S+)\s+(.*)$/.exec(line);
    if (match !== null) out.set((match[1] as string).replaceAll('-', '_'), (match[2] as string).split(/\s+/).filter((w) => !/^(pre|post):$/.test(w)).map((w) => w.replaceAll('-', '_')));
  }
  return out;
}

/** Paths (relative to the modules directory) of the chosen modules with hard and soft dependencies, sorted. */
export function closeModules(dep: Map<string, string[]>, softdepText: string, choice: ModuleChoice): string[] {
  const byName = new Map([...dep.keys()].map((path) => [nameOf(path), path]));
  const soft = parseSoftdep(softdepText);
  const out = new Set<string>();
  const add = (path: string): void => {
    if (out.has(path)) return;
    out.add(path);
    for (const other of dep.get(path) ?? []) add(other);
    for (const name of soft.get(nameOf(path)) ?? []) {
      const other = byName.get(name);
      if (other !== undefined) add(other);
    }
  };
  for (const path of dep.keys()) if (choice.all === true || choice.directories.some((d) => path.startsWith(`kernel/${d}`))) add(path);
  for (const name of choice.names) {
    const path = byName.get(name.replaceAll('-', '_'));
    if (path !== undefined) add(path);
  }
  // What depends on an excluded module could not be loaded: it stays out with it.
  const banned = new Set((choice.exclude ?? []).map((n) => byName.get(n.replaceAll('-', '_'))));
  return [...out].filter((path) => !banned.has(path) && !(dep.get(path) ?? []).some((d) => banned.has(d))).sort();
}

const INDEXES = ['modules.dep', 'modules.dep.bin', 'modules.alias', 'modules.alias.bin', 'modules.softdep', 'modules.builtin', 'modules.builtin.bin', 'modules.builtin.alias.bin', 'modules.builtin.modinfo', 'modules.order', 'modules.symbols', 'modules.symbols.bin'];

/**
 * Adds chosen modules of a kernel with their closure and depmod's indexes. `directory` is /lib/modules/VERSION.
 * Returns the modules' paths relative to it.
 */
export function addModules(tree: FileTree, directory: string, choice: ModuleChoice): string[] {
  const read = (name: string): string => (existsSync(join(directory, name)) ? readFileSync(join(directory, name), 'utf8') : '');
  const paths = closeModules(parseModulesDep(read('modules.dep')), read('modules.softdep'), choice);
  const present = paths.filter((path) => existsSync(join(directory, path)));
  for (const path of present) tree.addHostFile(join(directory, path), 'modules', join(directory, path));
  for (const index of INDEXES) if (existsSync(join(directory, index))) tree.addHostFile(join(directory, index), 'modules');
  return present;
}

/** Names of all modules of a kernel on the disk (`_` for `-`). `directory` is /lib/modules/VERSION. */
export function moduleNames(directory: string): Set<string> {
  const file = join(directory, 'modules.dep');
  return new Set(existsSync(file) ? [...parseModulesDep(readFileSync(file, 'utf8')).keys()].map(nameOf) : []);
}

/** Names of the modules that are built into the kernel. */
export function builtinNames(directory: string): Set<string> {
  const file = join(directory, 'modules.builtin');
  return new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((l) => l !== '').map(nameOf) : []);
}

/** Names of modules (`_` for `-`) from their paths. */
export const namesOf = (paths: readonly string[]): Set<string> => new Set(paths.map(nameOf));

/**
 * Modules, of the given names, that name firmware of which not one file is on this machine. Not every file is needed
 * by every card, so a module with some of its files is taken for provided.
 */
export async function modulesWithoutFirmware(directory: string, names: readonly string[], root = '/lib/firmware'): Promise<{ module: string; firmware: string[] }[]> {
  const file = join(directory, 'modules.dep');
  if (!existsSync(file)) return [];
  const paths = new Map([...parseModulesDep(readFileSync(file, 'utf8')).keys()].map((p) => [nameOf(p), p]));
  const out: { module: string; firmware: string[] }[] = [];
  for (const name of names) {
    const path = paths.get(name.replaceAll('-', '_'));
    if (path === undefined || !existsSync(join(directory, path))) continue;
    const firmware = (await runTool('modinfo', ['-F', 'firmware', join(directory, path)], { ok: [0, 1] })).stdout.split('\n').filter((n) => n !== '');
    const there = firmware.some((f) => f.includes('*') || ['', '.xz', '.zst'].some((s) => existsSync(join(root, f + s))));
    if (firmware.length > 0 && !there) out.push({ module: name, firmware });
  }
  return out;
}

/** Firmware files that exist on this machine among those the modules name (`modinfo -F firmware`). */
export async function firmwareFiles(directory: string, modules: readonly string[], root = '/lib/firmware'): Promise<string[]> {
  if (!existsSync(root)) return [];
  const out = new Set<string>();
  for (let at = 0; at < modules.length; at += 200) {
    const files = modules.slice(at, at + 200).map((m) => join(directory, m));
    const { stdout } = await runTool('modinfo', ['-F', 'firmware', ...files], { ok: [0, 1] });
    for (const name of stdout.split('\n').filter((n) => n !== '' && !n.includes('*'))) {
      for (const suffix of ['', '.xz', '.zst']) if (existsSync(join(root, name + suffix))) out.add(join(root, name + suffix));
    }
  }
  return [...out].sort();
}

import { realpathSync } from 'node:fs';
import { CdrecError, runTool } from '@cdrec/tool';
import { readDynamic, type Dynamic } from './elf.js';

/**
 * Libraries from the output of `ldd FILE...`: absolute paths, the dynamic loader included.
 * @throws CdrecError LIBRARY_MISSING when one is "not found"
 */
export function parseLdd(output: string): string[] {
  return [...new Set([...librariesByFile(output).values()].flat())].sort();
}

/** The same for each file that the output names (`FILE:` before its libraries; `''` where it names none). */
function librariesByFile(output: string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  let file = '';
  for (const line of output.split('\n')) {
    if (/^\S.*:$/.test(line)) {
      file = line.slice(0, -1);
      out.set(file, []);
    }
    const missing = /^\s+(\S+) => not found/.exec(line);
    if (missing !== null) throw new CdrecError('LIBRARY_MISSING', `library ${missing[1] as string}${file === '' ? '' : `, needed by ${file},`} is not found`, { hint: 'repair the package that brings it; the program would not run on this machine either' });
    const found = /^\s+(?:\S+ => )?(\/\S+)/.exec(line);
    if (found !== null) out.set(file, [...(out.get(file) ?? []), found[1] as string]);
  }
  return out;
}

interface Binary extends Dynamic {
  readonly path: string;
}

const LIST = 'loader=$1; shift; for file do printf "%s:\\n" "$file"; "$loader" --list "$file" || exit 1; done';

/**
 * What the host's own loader finds for each of the binaries. The loader is asked itself (`--list`; glibc, musl): ldd, a
 * script, starts it three times for each file. Where it does not answer like that, ldd is asked.
 */
async function ask(binaries: readonly Binary[], loaders: ReadonlyMap<string, string>): Promise<Map<string, string[]>> {
  const out = new Map<string, string[]>();
  const byLoader = new Map<string, string[]>();
  for (const b of binaries) {
    const loader = b.interpreter ?? loaders.get(b.kind) ?? '';
    byLoader.set(loader, [...(byLoader.get(loader) ?? []), b.path]);
  }
  for (const [loader, files] of byLoader) {
    const listed = loader === '' ? undefined : await runTool('sh', ['-c', LIST, 'sh', loader, ...files], { ok: [0, 1] });
    // ldd names its file only where there are several.
    const said = listed?.status === 0 ? listed.stdout : (await runTool('ldd', files.length === 1 ? [...files, ...files] : files, { ok: [0, 1] })).stdout;
    for (const [file, libraries] of librariesByFile(said)) out.set(file, libraries);
  }
  return out;
}

/**
 * All libraries that the given binaries need, by the host's own dynamic loader; scripts and static ones need none.
 *
 * Most programs need what others need, too: one that looks in the default places only, and only for names that have been
 * found for another such, brings nothing new. The loader is asked about the rest, about a quarter of a rescue system's.
 * @throws CdrecError LIBRARY_MISSING
 */
export async function libraryClosure(files: readonly string[]): Promise<string[]> {
  let pending = [...new Set(files)].sort().flatMap((path): Binary[] => {
    const dynamic = readDynamic(path);
    return dynamic === undefined ? [] : [{ path, ...dynamic }];
  }).sort((a, b) => b.needed.length - a.needed.length);
  const loaders = new Map(pending.flatMap((b) => (b.interpreter === undefined ? [] : [[b.kind, b.interpreter] as const])));
  const closure = new Set(pending.flatMap((b) => b.interpreter ?? []));
  const found = new Set<string>();
  const searching = new Map<string, boolean>();
  const searches = (library: string): boolean => {
    const real = realpathSync(library);
    if (!searching.has(real)) searching.set(real, readDynamic(real)?.ownSearch !== false);
    return searching.get(real) as boolean;
  };
  const names = (b: Binary): string[] => b.needed.map((n) => `${b.kind} ${n}`);
  while (pending.length > 0) {
    const expected = new Set(found);
    const chosen = pending.filter((b) => {
      if (!b.ownSearch && names(b).every((n) => expected.has(n)) && [undefined, loaders.get(b.kind)].includes(b.interpreter)) return false;
      if (!b.ownSearch) for (const n of names(b)) expected.add(n);
      return true;
    });
    const libraries = await ask(chosen, loaders);
    for (const b of chosen) {
      const own = libraries.get(b.path) ?? [];
      for (const library of own) closure.add(library);
      // A library that was found in a place of another one's may not be the one of the default places.
      if (!b.ownSearch && !own.some(searches)) for (const n of names(b)) found.add(n);
    }
    pending = pending.filter((b) => !chosen.includes(b) && !names(b).every((n) => found.has(n)));
  }
  return [...closure].sort();
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CdrecError, findProgram, runTool } from '@cdrec/tool';

const DIRECTORIES = ['/usr/share/kbd/keymaps', '/usr/share/keymaps', '/usr/lib/kbd/keymaps', '/lib/kbd/keymaps'];
const SUFFIX = /\.(map|kmap|inc)?(\.gz)?$/;

/** Text of a keymap file; compressed ones are gunzipped. */
const read = (file: string): string => (file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file)).toString('utf8');

function* filesBelow(directory: string): Generator<string> {
  if (!existsSync(directory)) return;
  for (const e of readdirSync(directory, { withFileTypes: true, recursive: true })) if (e.isFile()) yield join(e.parentPath, e.name);
}

const stem = (file: string): string => basename(file).replace(/(\.gz)$/, '').replace(/\.(map|kmap|inc)$/, '');

/** The keymap file of a name; where several keyboards have one, that of PCs. */
function fileOf(name: string, near?: string): string | undefined {
  const all = [...(near === undefined ? [] : [near, join(dirname(near), 'include')]), ...DIRECTORIES].flatMap((d) => [...filesBelow(d)]).filter((f) => stem(f) === name && SUFFIX.test(f));
  return near === undefined ? all.find((f) => /\/(i386|xkb)\//.test(f)) ?? all[0] : all[0];
}

/** A keymap with everything that it includes in its place, as loadkeys(1) would read it. */
function flatten(file: string, depth = 0): string {
  if (depth > 8) throw new CdrecError('KEYMAP_INVALID', `${file}: keymaps include each other`);
  return read(file).split('\n').map((line) => {
    const match = /^\s*include\s+"([^"]+)"/.exec(line);
    if (match === null) return line;
    const included = fileOf(stem(match[1] as string), dirname(file));
    if (included === undefined) throw new CdrecError('KEYMAP_INVALID', `${file} includes ${match[1] as string}, which is not there`);
    return flatten(included, depth + 1);
  }).join('\n');
}

const shellVariable = (text: string, name: string): string => new RegExp(`^\\s*${name}="?([^"\n]*)"?\\s*$`, 'm').exec(text)?.[1] ?? '';
const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** The keymap of X's keyboard configuration, by console-setup's ckbcomp. */
async function compile(program: string, keyboard: { model: string; layout: string; variant: string; options: string }): Promise<string> {
  const args = [...(keyboard.model === '' ? [] : ['-model', keyboard.model]), keyboard.layout, ...(keyboard.variant === '' ? [] : [keyboard.variant]), ...(keyboard.options === '' ? [] : ['-option', keyboard.options])];
  return (await runTool(program, args)).stdout;
}

/**
 * Text of a console keymap, for loadkeys. \`auto\` is the one of this machine, as /etc/vconsole.conf or
 * /etc/default/keyboard name it; undefined means the kernel's own (US).
 * @throws CdrecError KEYMAP_NOT_FOUND naming what was looked for, KEYMAP_INVALID
 */
export async function readKeymap(name: string, path: string): Promise<string | undefined> {
  const ckbcomp = findProgram('ckbcomp', path);
  if (name !== 'auto') {
    if (name === '' || name === 'us') return undefined;
    const file = fileOf(name);
    if (file !== undefined) return flatten(file);
    if (ckbcomp !== undefined) return compile(ckbcomp, { model: '', layout: name, variant: '', options: '' });
    throw new CdrecError('KEYMAP_NOT_FOUND', `there is no keymap "${name}" on this machine (rescue.keymap)`, { hint: `looked below ${DIRECTORIES.join(', ')}; install kbd with its keymaps (Debian: console-data or console-setup)` });
  }
  const vconsole = shellVariable(textOf('/etc/vconsole.conf'), 'KEYMAP');
  if (vconsole !== '') return readKeymap(vconsole, path);
  const text = textOf('/etc/default/keyboard');
  const layout = shellVariable(text, 'XKBLAYOUT').split(',')[0] as string;
  if (layout === '' || layout === 'us') return undefined;
  if (ckbcomp !== undefined) return compile(ckbcomp, { model: shellVariable(text, 'XKBMODEL'), layout, variant: shellVariable(text, 'XKBVARIANT').split(',')[0] as string, options: shellVariable(text, 'XKBOPTIONS') });
  const cached = ['/etc/console-setup/cached_UTF-8_del.kmap.gz', '/etc/console-setup/cached.kmap.gz'].find((f) => existsSync(f));
  if (cached !== undefined) return read(cached);
  const file = fileOf(layout) ?? fileOf(`${layout}-latin1`);
  if (file !== undefined) return flatten(file);
  throw new CdrecError('KEYMAP_NOT_FOUND', `the keyboard layout "${layout}" of /etc/default/keyboard has no keymap for the console`, { hint: 'install console-setup, or set rescue.keymap = "us"' });
}

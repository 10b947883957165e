import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VOLUME_SIZES } from '@cdrec/config';
import { SAMPLES } from '@cdrec/rehearse';
import { FILE_SYSTEMS } from '@cdrec/survey';
import { SCHEMAS } from '../commands/schema.ts';
import { COMMANDS } from '../specs/index.ts';
import { Terminal } from '../terminal.ts';
import { COMPLETIONS } from './completions.ts';
import { manPages, roff } from './manual.ts';
import { makeProgram } from './program.ts';
import { exitLines, wrap, type CommandSpec } from './spec.ts';

const docs = join(import.meta.dirname, '../../../../docs');
const all = (specs: readonly CommandSpec[], path: readonly string[] = []): { path: readonly string[]; spec: CommandSpec }[] => specs.flatMap((spec) => [{ path: [...path, spec.name], spec }, ...all(spec.children ?? [], [...path, spec.name])]);
const commands = all(COMMANDS);

/** What commander knows of a command. */
function commandAt(path: readonly string[]) {
  let at = makeProgram(COMMANDS, new Terminal(), () => undefined);
  for (const word of path) {
    const next = at.commands.find((c) => c.name() === word);
    if (next === undefined) throw new Error(`no command ${path.join(' ')}`);
    at = next;
  }
  return at;
}
function helpOf(path: readonly string[]): string {
  let text = '';
  const command = commandAt(path);
  command.configureOutput({ writeOut: (t) => { text += t; } });
  command.outputHelp();
  return text;
}

describe('help', () => {
  it.each(commands.map((c) => [c.path.join(' '), c] as const))('of %s fits 80 columns, has an example and its exit statuses', (_name, { path, spec }) => {
    const help = helpOf(path);
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(help).toMatch(/^Examples:\n {2}cdrec /m);
    if (spec.children === undefined) {
      expect(help).toMatch(/^Exit status:$/m);
      for (const [status] of exitLines(spec)) expect(help).toMatch(new RegExp(`^ {2}${String(status)} `, 'm'));
    }
    for (const o of spec.options ?? []) expect(help).toContain((o.flags.split(' ')[0] as string));
  });
  it('of the program fits 80 columns and names every command', () => {
    const help = helpOf([]);
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    for (const c of COMMANDS) expect(help).toMatch(new RegExp(`^ {2}${c.name} `, 'm'));
  });
  it('whatever opens a repository takes everything that opens one', () => {
    const opening = commands.map(({ path, spec }) => ({ path, flags: (spec.options ?? []).map((o) => o.flags.split(' ')[0]) })).filter(({ flags }) => flags.includes('--repository'));
    expect(opening.length).toBeGreaterThan(8);
    for (const { path, flags } of opening) expect(flags, path.join(' ')).toEqual(expect.arrayContaining(['--password-file', '--repository-env', '--ssh-key', '--identity']));
  });
  it('examples are command lines that the program takes', () => {
    for (const { path, spec } of commands) {
      for (const [line] of spec.examples) {
        const words = line.replace(/ [>|].*$/, '').match(/"[^"]*"|\S+/g)?.map((w) => w.replaceAll('"', '')) ?? [];
        const parents = path.slice(0, -1);
        const command = commandAt([...parents, words[0] as string]);
        // A command with sub-commands shows theirs.
        const used = spec.children === undefined ? command : commandAt([...parents, words[0] as string, words[1] as string]);
        const flags = words.filter((w) => w.startsWith('--'));
        for (const f of flags) expect(used.options.some((o) => o.long === f), `${line}: ${f}`).toBe(true);
        const given = used.parseOptions(words.slice(spec.children === undefined ? 1 : 2));
        expect(given.unknown, line).toEqual([]);
        const needed = used.registeredArguments.filter((a) => a.required).length;
        expect(given.operands.length, line).toBeGreaterThanOrEqual(needed);
      }
    }
  });
});

describe('what specifications say without loading a library', () => {
  it('is what the libraries know', () => {
    const values = (command: string, option: string): unknown => {
      const spec = COMMANDS.find((c) => c.name === command);
      return spec?.options?.find((o) => o.flags.startsWith(`${option} `))?.value ?? spec?.arguments?.[0]?.value;
    };
    expect(values('demo', '--sample')).toEqual(Object.keys(SAMPLES));
    expect(values('schema', '')).toEqual(Object.keys(SCHEMAS));
    expect([...(values('restore-fs', '--mkfs') as string[])].sort()).toEqual([...FILE_SYSTEMS].sort());
    expect(values('build', '--volume-size')).toEqual(Object.keys(VOLUME_SIZES));
  });
});

describe('manual pages and completions', () => {
  it('in docs are those of the program: node apps/cdrec/dist/bin.js man --all docs/man', () => {
    const pages = manPages(COMMANDS);
    expect(readdirSync(join(docs, 'man')).sort()).toEqual([...pages.keys()].sort());
    for (const [file, page] of pages) expect(readFileSync(join(docs, 'man', file), 'utf8'), file).toBe(page);
    for (const [shell, make] of Object.entries(COMPLETIONS)) expect(readFileSync(join(docs, `completions/cdrec.${shell}`), 'utf8'), shell).toBe(make(COMMANDS));
  });
  it('know every command and option', () => {
    const pages = manPages(COMMANDS);
    for (const { path, spec } of commands) {
      const page = pages.get(`cdrec-${path[0] as string}.8`) as string;
      for (const o of spec.options ?? []) {
        const name = o.flags.split(' ')[0] as string;
        expect(page, name).toContain(roff(name));
        expect(COMPLETIONS['bash']?.(COMMANDS)).toContain(name);
        expect(COMPLETIONS['zsh']?.(COMMANDS)).toContain(`${name}[`);
        expect(COMPLETIONS['fish']?.(COMMANDS)).toContain(` -l ${name.slice(2)}`);
      }
    }
  });
  it('escape what roff would obey', () => {
    expect(roff('.x\n\'y a-b \\c')).toBe('\\&.x\n\\(aqy a\\-b \\ec');
  });
  it('wrap keeps every word', () => {
    expect(wrap('one two three', 8, '  ')).toEqual(['  one', '  two', '  three']);
    expect(wrap('one two three', 9, '  ')).toEqual(['  one two', '  three']);
  });
});

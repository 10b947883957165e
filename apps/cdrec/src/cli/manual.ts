// Manual pages by the man(7) macros of groff.
import { VERSION } from '../version.js';
import { exitLines, type CommandSpec, type OptionSpec } from './spec.js';

/** Text as roff takes it: no escapes, no requests, hyphens that can be copied. */
export function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('~', '\\(ti').replaceAll('^', '\\(ha').replaceAll('`', '\\(ga').replaceAll('\'', '\\(aq').replaceAll('"', '\\(dq').split('\n').map((l) => (/^[.']/.test(l) ? `\\&${l}` : l)).join('\n');
}

/** A flag with its value set apart: `--out <directory>`. */
function flagTerm({ flags }: OptionSpec): string {
  const [name = '', ...value] = flags.split(' ');
  return value.length === 0 ? `\\fB${roff(name)}\\fR` : `\\fB${roff(name)}\\fR \\fI${roff(value.join(' ').replace(/^<|>$/g, ''))}\\fR`;
}

const head = (name: string): string[] => [`.TH ${name.toUpperCase().replaceAll('-', '\\-')} 8 "" "cdrec ${VERSION}" "System Manager's Manual"`, '.nh', '.ad l'];
const tagged = (items: readonly (readonly [term: string, text: string])[]): string[] => items.flatMap(([term, text]) => ['.TP', term, roff(text)]);
const pageName = (path: readonly string[]): string => path.join('-');

function optionText(o: OptionSpec): string {
  const notes = [...(o.repeat === true ? ['It may be given several times.'] : []), ...(o.default === undefined ? [] : [`Default: ${o.default}.`])];
  return [`${o.text.charAt(0).toUpperCase()}${o.text.slice(1)}.`, ...notes].join(' ');
}

function synopsis(spec: CommandSpec, path: readonly string[]): string[] {
  const words = [...path.map((w) => `\\fB${roff(w)}\\fR`), ...((spec.options ?? []).length > 0 ? ['[\\fIoptions\\fR]'] : []), ...(spec.arguments ?? []).map((a) => roff(a.name.replace(/\.\.\.([>\]])$/, '$1...')).replace(/<([^>]*)>/, '\\fI$1\\fR').replace(/\[([^\]]*)\]/, '[\\fI$1\\fR]'))];
  return ['.SH SYNOPSIS', words.join(' ')];
}

/** The page of a command; `parents` is what it is called behind: `cdrec`, or `cdrec config`. */
export function manPage(spec: CommandSpec, parents: readonly string[] = ['cdrec']): string {
  const path = [...parents, spec.name];
  const lines = [
    ...head(pageName(path)), '.SH NAME', `${roff(pageName(path))} \\- ${roff(spec.summary)}`,
    ...(spec.children === undefined ? synopsis(spec, path) : ['.SH SYNOPSIS', ...spec.children.flatMap((c, i) => [...(i > 0 ? ['.br'] : []), ...synopsis(c, [...path, c.name]).slice(1)])]),
    '.SH DESCRIPTION', ...spec.description.flatMap((p, i) => [...(i > 0 ? ['.PP'] : []), roff(p)]),
    ...(spec.alias === undefined ? [] : ['.PP', `In the rescue system it is also called \\fB${roff(spec.alias)}\\fR.`]),
    ...(spec.arguments === undefined ? [] : ['.SH ARGUMENTS', ...tagged(spec.arguments.map((a) => [`\\fI${roff(a.name.replace(/[[\]<>]/g, ''))}\\fR`, `${a.text.charAt(0).toUpperCase()}${a.text.slice(1)}.`]))]),
    ...((spec.options ?? []).length === 0 ? [] : ['.SH OPTIONS', ...tagged((spec.options ?? []).map((o) => [flagTerm(o), optionText(o)]))]),
    ...(spec.children ?? []).flatMap((c) => [
      `.SH ${roff(c.name.toUpperCase())}`, roff(`${c.summary.charAt(0).toUpperCase()}${c.summary.slice(1)}.`), ...c.description.flatMap((p) => ['.PP', roff(p)]),
      ...tagged([...(c.arguments ?? []).map((a): [string, string] => [`\\fI${roff(a.name.replace(/[[\]<>]/g, ''))}\\fR`, `${a.text.charAt(0).toUpperCase()}${a.text.slice(1)}.`]), ...(c.options ?? []).map((o): [string, string] => [flagTerm(o), optionText(o)])]),
      '.PP', 'Exit status:', ...tagged(exitLines(c).map(([s, t]) => [String(s), t])),
    ]),
    ...(spec.children === undefined ? ['.SH EXIT STATUS', ...tagged(exitLines(spec).map(([s, t]) => [String(s), t]))] : []),
    '.SH EXAMPLES', ...spec.examples.flatMap(([line, does]) => ['.PP', roff(does), '.PP', '.nf', `.RS 4\n\\fB${roff(`${parents.join(' ')} ${line}`)}\\fR`, '.RE', '.fi']),
    ...(spec.files === undefined ? [] : ['.SH FILES', ...tagged(spec.files.map(([p, is]) => [`\\fI${roff(p)}\\fR`, is]))]),
    '.SH SEE ALSO', '.BR cdrec (8)',
  ];
  return `${lines.join('\n')}\n`;
}

/** The page cdrec(8). */
export function mainPage(commands: readonly CommandSpec[]): string {
  const lines = [
    ...head('cdrec'), '.SH NAME', 'cdrec \\- recovery sets of running Linux machines: made, proven, restored',
    '.SH SYNOPSIS', '\\fBcdrec\\fR [\\fB\\-\\-debug\\fR] \\fIcommand\\fR [\\fIoptions\\fR]', '.br', '\\fBcdrec\\fR \\fB\\-\\-version\\fR | \\fB\\-\\-help\\fR',
    '.SH DESCRIPTION', roff('cdrec build turns a running Linux machine into a bootable recovery set: ISO volumes with a rescue system made of the machine\'s own kernel and programs, a survey of its disks, and backups of its file systems. Booted from it, a blank disk becomes that machine again; it may be smaller, larger, or of another kind. cdrec rehearse proves beforehand, in a virtual machine, that it will.'),
    '.PP', roff('On a terminal, cdrec without a command leads through the first set.'),
    '.SH COMMANDS', ...commands.flatMap((c) => ['.TP', `\\fB${roff(c.name)}\\fR`, roff(`${c.summary}.`)]),
    '.SH OPTIONS', ...tagged([['\\fB\\-\\-debug\\fR', 'Show the stack of errors.'], ['\\fB\\-V\\fR, \\fB\\-\\-version\\fR', 'Print the version.'], ['\\fB\\-h\\fR, \\fB\\-\\-help\\fR', 'Print the options of the program or of a command.']]),
    '.SH EXIT STATUS', ...tagged(exitLines({}).map(([s, t]) => [String(s), t])),
    '.SH ENVIRONMENT', ...tagged([['\\fBSOURCE_DATE_EPOCH\\fR', 'Seconds since 1970 that stand for the time of a build: the same input gives the same bytes.'], ['\\fBCDREC_LOG\\fR', 'File that everything said is appended to.']]),
    '.SH FILES', ...tagged([['\\fI/etc/cdrec/cdrec.toml\\fR', 'Configuration; none is needed.'], ['\\fI/var/lib/cdrec\\fR', 'Where sets are written by default.']]),
    '.SH SEE ALSO', commands.map((c) => `.BR cdrec\\-${roff(c.name)} (8)`).join(',\n'),
  ];
  return `${lines.join('\n')}\n`;
}

/** All pages by their file names. */
export function manPages(commands: readonly CommandSpec[]): Map<string, string> {
  return new Map([['cdrec.8', mainPage(commands)], ...commands.map((c): [string, string] => [`cdrec-${c.name}.8`, manPage(c)])]);
}

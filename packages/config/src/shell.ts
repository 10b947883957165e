// Configuration files that are shell scripts (mkCDrec's Config.sh, ReaR's local.conf) are read, never run: assignments
// are understood (POSIX Shell Command Language 2.2, 2.9.1; arrays as bash has them), everything else is named as code.

/** A statement of a shell file: it covers the lines `line` to `endLine` (from 1). */
export interface ShellItem {
  readonly line: number;
  readonly endLine: number;
  /** The first line, as it stands there. */
  readonly text: string;
  readonly kind: 'assignment' | 'comment' | 'code';
  readonly name?: string;
  /** `NAME+=...`, or a list that begins with its own old value. */
  readonly append?: boolean;
  readonly array?: boolean;
  readonly words?: readonly string[];
  /** Variables and commands of which the value depends and that the file does not define: it is not known before a shell runs it. */
  readonly depends?: readonly string[];
  /** It stands inside `if`, `for`, `case`, a function...: whether it holds is not known. */
  readonly conditional?: boolean;
}

const OPENS = /^\s*(if|for|while|until|case|select)\b|(^|\s)\{\s*(#.*)?$/;
const CLOSES = /^\s*(fi|done|esac)\b|^\s*\}/;
const ASSIGNMENT = /(?:(?:export|readonly|declare|typeset|local)\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)(\[[^\]]*\])?(\+?=)/y;

/** Largest number of characters that one value, and of elements that one list may have after its variables were put in. */
const MAX_VALUE = 1 << 16;
const MAX_ELEMENTS = 1 << 12;
/** Longest here-document and longest value, in characters, that is looked for the end of. */
const MAX_SPAN = 1 << 16;

/** Reads a shell file into statements; every line of it lies in exactly one. */
export function parseShell(text: string): ShellItem[] {
  const known = new Map<string, readonly string[]>();
  const items: ShellItem[] = [];
  const source = text.replace(/\r\n/g, '\n');
  let depth = 0;
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const end = !source.includes('\n', at) ? source.length : source.indexOf('\n', at);
    const first = source.slice(at, end);
    const closes = CLOSES.test(first);
    if (closes) depth = Math.max(0, depth - 1);
    const statement = /^\s*(#.*)?$/.test(first) ? { kind: 'comment' as const, end } : readAssignments(source, at, known) ?? { kind: 'code' as const, end: endOfCode(source, at, end) };
    const endLine = line + countLines(source, at, statement.end);
    const head = { line, endLine, text: first };
    if (statement.kind === 'assignment') {
      for (const a of statement.assignments) {
        items.push({ ...head, kind: 'assignment', ...a, ...(depth > 0 ? { conditional: true } : {}) });
        if (depth === 0 && a.depends.length === 0) known.set(a.name, a.append ? [...(known.get(a.name) ?? []), ...a.words] : a.words);
      }
    } else items.push({ ...head, kind: statement.kind });
    if (!closes && statement.kind === 'code' && OPENS.test(first) && !/\b(fi|done|esac)\s*(#.*)?$|\}\s*$/.test(first)) depth++;
    at = statement.end + 1;
    line = endLine + 1;
  }
  return items;
}

function countLines(text: string, from: number, to: number): number {
  let n = 0;
  for (let i = text.indexOf('\n', from); i >= 0 && i < to; i = text.indexOf('\n', i + 1)) n++;
  return n;
}

/** Code ends with its line, its continuation lines, or its here-document. */
function endOfCode(text: string, from: number, end: number): number {
  let stop = end;
  while (stop < text.length && text[stop - 1] === '\\') {
    const next = text.indexOf('\n', stop + 1);
    stop = next < 0 ? text.length : next;
  }
  const here = /<<-?\s*(['"]?)(\w+)\1/.exec(text.slice(from, stop));
  if (here !== null) {
    const close = new RegExp(`^\\s*${here[2] as string}$`, 'm');
    const found = close.exec(text.slice(stop + 1, stop + 1 + MAX_SPAN));
    if (found !== null) return stop + 1 + found.index + found[0].length;
  }
  return stop;
}

interface Assigned { readonly name: string; readonly append: boolean; readonly array: boolean; readonly words: string[]; readonly depends: string[] }

/** `A=1; B=(x y) # remark`: the assignments of one statement; undefined if anything else stands there. */
function readAssignments(text: string, from: number, known: ReadonlyMap<string, readonly string[]>): { kind: 'assignment'; end: number; assignments: Assigned[] } | undefined {
  const assignments: Assigned[] = [];
  let at = from;
  const blanks = (): void => { while (text[at] === ' ' || text[at] === '\t') at++; };
  for (;;) {
    blanks();
    ASSIGNMENT.lastIndex = at;
    const match = ASSIGNMENT.exec(text);
    if (match === null || match[2] !== undefined) return undefined;
    at = ASSIGNMENT.lastIndex;
    const name = match[1] as string;
    const depends: string[] = [];
    const array = text[at] === '(';
    const words: string[] = [];
    let own = false;
    if (array) {
      at++;
      for (;;) {
        while (at < text.length && /\s/.test(text[at] as string)) at++;
        if (text[at] === '#') while (at < text.length && text[at] !== '\n') at++;
        else if (text[at] === ')') break;
        else if (at >= text.length) return undefined;
        else {
          const word = readWord(text, at, known, name, true);
          if (word === undefined || word.end === at) return undefined;
          at = word.end;
          own ||= word.own;
          words.push(...word.words);
          depends.push(...word.depends);
          if (words.length > MAX_ELEMENTS) return undefined;
        }
      }
      at++;
    } else {
      const word = readWord(text, at, known, name, false);
      if (word === undefined) return undefined;
      at = word.end;
      own = word.own;
      words.push(word.words.join(' '));
      depends.push(...word.depends);
    }
    assignments.push({ name, append: match[3] === '+=' || own, array, words, depends });
    blanks();
    if (text[at] === ';' && text[at + 1] !== ';') {
      at++;
      blanks();
    } else if (text[at] !== '#' && text[at] !== '\n' && at < text.length) {
      // Another assignment on the same line holds, too; `A=1 command` is code.
      ASSIGNMENT.lastIndex = at;
      if (ASSIGNMENT.exec(text) === null) return undefined;
      continue;
    }
    if (at >= text.length || text[at] === '\n' || text[at] === '#') {
      const end = text.indexOf('\n', at);
      return { kind: 'assignment', end: end < 0 ? text.length : end, assignments };
    }
  }
}

/** One word, quotes removed and known variables put in; `own` if it names the variable that is being assigned. */
function readWord(text: string, from: number, known: ReadonlyMap<string, readonly string[]>, self: string, inArray: boolean): { words: string[]; end: number; depends: string[]; own: boolean } | undefined {
  let at = from;
  let value = '';
  const found = { own: false };
  const listed: string[] = []; // elements of "${OTHER[@]}"
  const depends: string[] = [];
  const variable = (): boolean => {
    const match = /\$(?:(\w+)|\{(\w+)(\[[@*]\])?\})/y;
    match.lastIndex = at;
    const named = match.exec(text);
    if (named === null) return false;
    at = match.lastIndex;
    const name = (named[1] ?? named[2]) as string;
    if (name === self) found.own = true;
    else if (known.has(name) && named[3] !== undefined && inArray) listed.push(...(known.get(name) as readonly string[]));
    else if (known.has(name)) value += (known.get(name) as readonly string[]).join(' ');
    else depends.push(`$${name}`);
    return true;
  };
  const dollar = (): boolean => {
    if (text[at] === '`' || text.startsWith('$(', at)) {
      const close = text[at] === '`' ? text.indexOf('`', at + 1) : matching(text, at + 1);
      if (close < 0) return false;
      depends.push(text.slice(at, close + 1).slice(0, 60));
      at = close + 1;
      return true;
    }
    if (text.startsWith('${', at) && !/^\$\{\w+(\[[@*]\])?\}/.test(text.slice(at, at + 200))) {
      const close = text.indexOf('}', at);
      if (close < 0) return false;
      depends.push(text.slice(at, close + 1).slice(0, 60));
      at = close + 1;
      return true;
    }
    if (variable()) return true;
    value += '$';
    at++;
    return true;
  };
  for (; at < text.length;) {
    if (value.length > MAX_VALUE) return undefined;
    const c = text[at] as string;
    if (/\s/.test(c) || c === ';' || c === '&' || c === '|' || c === '<' || c === '>' || c === '(' || c === ')') break;
    if (c === '\'') {
      const close = text.slice(at + 1, at + 1 + MAX_VALUE).indexOf('\'') + at + 1;
      if (close === at) return undefined;
      value += text.slice(at + 1, close);
      at = close + 1;
    } else if (c === '"') {
      at++;
      while (text[at] !== '"') {
        if (at >= text.length || value.length > MAX_VALUE) return undefined;
        if (text[at] === '\\' && /["$`\\\n]/.test(text[at + 1] ?? '')) {
          value += text[at + 1] === '\n' ? '' : text[at + 1] as string;
          at += 2;
        } else if (text[at] === '$' || text[at] === '`') {
          if (!dollar()) return undefined;
        } else value += text[at++] as string;
      }
      at++;
    } else if (c === '\\') {
      if (text[at + 1] !== '\n') value += text[at + 1] ?? '';
      at += 2;
    } else if (c === '$' || c === '`') {
      if (!dollar()) return undefined;
    } else {
      value += c;
      at++;
    }
  }
  // A word that is only a variable nobody knows, or the list itself, is no element.
  const empty = value === '' && (found.own || listed.length > 0 || depends.length > 0) && inArray;
  return { words: [...listed, ...(empty ? [] : [value])], end: Math.min(at, text.length), depends, own: found.own };
}

/** The parenthesis that closes the one at `open`, quotes left aside. */
function matching(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
    else if (text[i] === '\\') i++;
  }
  return -1;
}

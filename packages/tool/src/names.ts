/*
 * File names as GNU tar says them by `--quoting-style=escape` (info tar, "Quoting styles"), one a line: a newline is `\n`, a backslash
 * `\\`, other control characters are letters or three octal digits. In the C locale every byte above 127 is octal too.
 */

/** Letters that stand for control characters (C, 6.4.4.4). */
const LETTERS: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const BACKSLASH = 0x5c;

/** Whole lines of quoted names with the bytes above 127 as they are, so that a person reads UTF-8 in them; all else stays quoted. */
export function readableNames(lines: Buffer): Buffer {
  if (!lines.includes(BACKSLASH)) return lines;
  return Buffer.from(lines.toString('latin1').replace(/\\(?:\\|([2-3][0-7]{2}))/g, (all, octal: string | undefined) => (octal === undefined ? all : String.fromCharCode(parseInt(octal, 8)))), 'latin1');
}

/** The bytes of a quoted name. */
export function unquoteName(line: Buffer): Buffer {
  if (!line.includes(BACKSLASH)) return line;
  return Buffer.from(line.toString('latin1').replace(/\\([0-7]{3}|.)/g, (_, c: string) => LETTERS[c] ?? (c.length === 3 ? String.fromCharCode(parseInt(c, 8) & 0xff) : c)), 'latin1');
}

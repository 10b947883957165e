/** One line of an SFV file: a name (relative, `/` between parts) and the CRC-32 of the file. */
export interface SfvEntry {
  readonly name: string;
  readonly crc32: number;
}

/** Bad SFV text or names that the format cannot carry. */
export class SfvError extends Error {
  override name = 'SfvError';
  readonly code = 'SFV_INVALID';
}

/**
 * Text of an SFV file as cksfv reads it: comments begin with `;`, a line is the name, a blank and eight upper-case
 * hexadecimal digits. Equal input gives equal bytes: there is no date in it.
 * @throws SfvError for names with line breaks or a leading `;`.
 */
export function formatSfv(entries: readonly SfvEntry[], comments: readonly string[] = []): string {
  const lines = comments.map((c) => `; ${c}`);
  for (const { name, crc32 } of entries) {
    if (name === '' || /[\r\n]/.test(name) || name.startsWith(';')) throw new SfvError(`SFV cannot carry the name ${JSON.stringify(name)}`);
    lines.push(`${name} ${crc32.toString(16).toUpperCase().padStart(8, '0')}`);
  }
  return lines.join('\n') + '\n';
}

/**
 * Parses SFV text. Names may contain blanks: the CRC is the last word. CRLF and a missing last line end are accepted.
 * @throws SfvError naming the first bad line.
 */
export function parseSfv(text: string): SfvEntry[] {
  const out: SfvEntry[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.startsWith(';') || line.trim() === '') return;
    const match = /^(.+?)\s+([0-9A-Fa-f]{8})\s*$/.exec(line);
    if (match === null) throw new SfvError(`line ${String(i + 1)} is not "name CRC32": ${JSON.stringify(line.slice(0, 80))}`);
    out.push({ name: match[1] as string, crc32: parseInt(match[2] as string, 16) });
  });
  return out;
}

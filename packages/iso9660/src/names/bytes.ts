/**
 * File names on Linux are bytes. Here they are strings: valid UTF-8 as it is, every other byte as the lone surrogate
 * U+DC80..U+DCFF (Python's PEP 383 "surrogateescape"), so that any name survives the way in and out.
 */
const ESCAPED = /[\udc80-\udcff]/;
/** Matches every name that holds raw bytes, and some that do not (second halves of surrogate pairs). */
export const MAYBE_RAW = ESCAPED;

/** True when `name` holds bytes that are not UTF-8. */
export const hasRawBytes = (name: string): boolean => ESCAPED.test(name) && encodeSlowly(name) !== undefined;

/** Bytes of a name; see above. */
export function encodeName(name: string): Buffer {
  return (ESCAPED.test(name) ? encodeSlowly(name) : undefined) ?? Buffer.from(name);
}

/** `undefined` when every U+DCxx belongs to a surrogate pair. */
function encodeSlowly(name: string): Buffer | undefined {
  const parts: Buffer[] = [];
  let raw = false;
  for (const c of name) { // by code points: pairs stay whole
    const code = c.charCodeAt(0);
    if (c.length === 1 && code >= 0xdc80 && code <= 0xdcff) {
      parts.push(Buffer.from([code & 0xff]));
      raw = true;
    } else parts.push(Buffer.from(c));
  }
  return raw ? Buffer.concat(parts) : undefined;
}

/** Name from bytes; see above. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    const piece = bytes.subarray(at, at + length);
    const decoded = piece.toString('utf8');
    // A sequence is valid when it decodes to one character and back to the same bytes.
    if (length > 0 && piece.length === length && Buffer.from(decoded).equals(piece)) {
      out += decoded;
      at += length;
    } else {
      out += String.fromCharCode(0xdc00 + first);
      at++;
    }
  }
  return out;
}

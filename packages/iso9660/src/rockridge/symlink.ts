import { encodeName } from '../names/bytes.js';

const CONTINUE = 1;
const CURRENT = 2;
const PARENT = 4;
const ROOT = 8;
/** Bytes of components in one SL entry: its length is one byte, five of them are the entry's head (RRIP 1.12 4.1.3). */
const ROOM = 250;

/** A component still whole: flags and text. */
interface Component { readonly flags: number; readonly text: Buffer }

function split(target: string): Component[] {
  const bytes = encodeName(target);
  const out: Component[] = [];
  let start = 0;
  if (bytes[0] === 0x2f) {
    out.push({ flags: ROOT, text: Buffer.alloc(0) });
    start = 1;
  }
  let end = bytes.length;
  while (end > start && bytes[end - 1] === 0x2f) end--; // "a/" has no Rock Ridge form
  if (start >= end) return out;
  for (let at = start; at <= end; ) {
    const slash = bytes.indexOf(0x2f, at);
    const stop = slash === -1 || slash > end ? end : slash;
    const text = bytes.subarray(at, stop);
    if (text.length === 1 && text[0] === 0x2e) out.push({ flags: CURRENT, text: Buffer.alloc(0) });
    else if (text.length === 2 && text[0] === 0x2e && text[1] === 0x2e) out.push({ flags: PARENT, text: Buffer.alloc(0) });
    else out.push({ flags: 0, text });
    at = stop + 1;
  }
  return out;
}

const encode = (c: Component): Buffer => Buffer.concat([Buffer.from([c.flags, c.text.length]), c.text]);

/**
 * Component areas of the SL entries for a link target (RRIP 1.12 4.1.3), each at most 250 bytes. An entry that is
 * continued ends inside a component wherever one can be split: libarchive up to 3.6 forgets the slash between entries.
 */
export function symlinkAreas(target: string): Buffer[] {
  const queue = split(target).reverse();
  const areas: Buffer[] = [];
  let area: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    areas.push(Buffer.concat(area));
    area = [];
    size = 0;
  };
  for (let c = queue.pop(); c !== undefined; c = queue.pop()) {
    const rest = queue.length > 0;
    const whole = 2 + c.text.length;
    const fits = size + whole <= ROOM && c.text.length <= 255;
    // Would anything of what follows still fit? If not, this component is the last of its entry: split it.
    if (fits && !(rest && size + whole + 4 > ROOM && c.text.length >= 2)) {
      area.push(encode(c));
      size += whole;
      continue;
    }
    const room = Math.min(ROOM - size - 2, fits ? c.text.length - 1 : c.text.length);
    if (c.flags !== 0 || room < 1 || c.text.length < 2) {
      if (size === 0) throw new Error('bug: a component fits no entry');
      flush();
      queue.push(c);
      continue;
    }
    area.push(encode({ flags: CONTINUE, text: c.text.subarray(0, room) }));
    flush();
    queue.push({ flags: 0, text: c.text.subarray(room) });
  }
  if (area.length > 0 || areas.length === 0) flush();
  return areas;
}

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
    // The second of two slashes: as libisofs writes it; every reader makes a slash of it.
    if (text.length === 0) out.push({ flags: ROOT, text });
    else if (text.length === 1 && text[0] === 0x2e) out.push({ flags: CURRENT, text: Buffer.alloc(0) });
    else if (text.length === 2 && text[0] === 0x2e && text[1] === 0x2e) out.push({ flags: PARENT, text: Buffer.alloc(0) });
    else out.push({ flags: 0, text });
    at = stop + 1;
  }
  return out;
}

const encode = (c: Component): Buffer => Buffer.concat([Buffer.from([c.flags, c.text.length]), c.text]);
const canSplit = (c: Component): boolean => c.flags === 0 && c.text.length >= 2;

/**
 * Component areas of the SL entries for a link target (RRIP 1.12 4.1.3), each at most 250 bytes. An entry that is
 * continued ends inside a component wherever one can be split: libarchive up to 3.6 forgets the slash between entries.
 */
export function symlinkAreas(target: string): Buffer[] {
  const queue = split(target).reverse();
  const areas: Buffer[] = [];
  let area: Component[] = [];
  let size = 0;
  /** Ends the entry, although more follows: with the beginning of the last component that can be split. */
  const endInside = (): void => {
    const at = area.findLastIndex(canSplit);
    if (at >= 0) {
      const { text } = area[at] as Component;
      for (const later of area.splice(at).slice(1).reverse()) queue.push(later);
      queue.push({ flags: 0, text: text.subarray(-1) });
      area.push({ flags: CONTINUE, text: text.subarray(0, -1) });
    }
    end();
  };
  const end = (): void => {
    areas.push(Buffer.concat(area.map(encode)));
    area = [];
    size = 0;
  };
  for (let c = queue.pop(); c !== undefined; c = queue.pop()) {
    const room = ROOM - size - 2;
    if (c.text.length <= room) {
      area.push(c);
      size += 2 + c.text.length;
    } else if (c.flags === 0 && room >= 1) {
      area.push({ flags: CONTINUE, text: c.text.subarray(0, room) });
      queue.push({ flags: 0, text: c.text.subarray(room) });
      end();
    } else {
      queue.push(c);
      endInside();
    }
  }
  if (area.length > 0 || areas.length === 0) end();
  return areas;
}

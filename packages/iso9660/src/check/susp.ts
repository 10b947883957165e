import { SECTOR } from '../bytes.js';
import { parseDescriptorDate, parseRecordDate } from '../dates.js';
import type { RawRecord } from '../reader/record.js';
import type { CheckContext } from './context.js';

const KNOWN = new Set(['CE', 'PD', 'SP', 'ST', 'ER', 'ES', 'PX', 'PN', 'SL', 'NM', 'CL', 'PL', 'RE', 'TF', 'SF', 'RR', 'ZF', 'AA', 'AL', 'XA']);
/** Extension identifiers: Rock Ridge in its versions, and libisofs' attributes. */
export const ROCK_RIDGE_IDS: readonly string[] = ['RRIP_1991A', 'IEEE_P1282', 'IEEE_1282'];
const OTHER_IDS = ['AAIP_0200', 'ZISOFS', 'APPLE-ISO9660 EXTENSION'];
const MAX_AREAS = 32;

/** Which record a system use area belongs to. */
export type RecordKind = 'root' | 'self' | 'parent' | 'child';

interface Entry { readonly signature: string; readonly bytes: Buffer; readonly at: number }

/** What the system use area of a record says, where that matters to other checks. */
export interface UseFacts {
  readonly any: boolean;
  readonly name: string | undefined;
  readonly mode: number | undefined;
  readonly serial: number | undefined;
  readonly childLink: number | undefined;
  readonly parentLink: number | undefined;
  readonly relocated: boolean;
  readonly extensions: readonly string[];
}

/** Collects the entries of a record's areas, following continuations. */
async function collect(ctx: CheckContext, use: Buffer, at: number): Promise<Entry[]> {
  const out: Entry[] = [];
  const seen = new Set<string>();
  let area = use;
  let base = at;
  for (let hop = 0; ; hop++) {
    let next: { sector: number; offset: number; bytes: number; at: number } | undefined;
    let p = 0;
    while (p + 4 <= area.length && area[p] !== 0) {
      const signature = area.toString('latin1', p, p + 2);
      const length = area[p + 2] as number;
      if (length < 4 || p + length > area.length) {
        ctx.report('susp.entry', base + p + 2, `entry ${JSON.stringify(signature)} has length ${String(length)}, its area ${String(area.length - p)} bytes`);
        p = area.length;
        break;
      }
      const bytes = area.subarray(p, p + length);
      if (bytes[3] !== 1 && signature !== 'AA' && KNOWN.has(signature)) ctx.report('susp.entry', base + p + 3, `entry ${signature} has version ${String(bytes[3])}, not 1`);
      if (!KNOWN.has(signature)) ctx.report('susp.unknown', base + p, `entry ${JSON.stringify(signature)} is unknown`);
      if (signature === 'ST') {
        p = area.length;
        break;
      }
      if (signature === 'CE') {
        if (length === 28) {
          next = {
            sector: ctx.both32(bytes, 4, base + p, 'susp.both-endian', 'CE block'), offset: ctx.both32(bytes, 12, base + p, 'susp.both-endian', 'CE offset'),
            bytes: ctx.both32(bytes, 20, base + p, 'susp.both-endian', 'CE length'), at: base + p,
          };
        } else ctx.report('susp.ce', base + p + 2, `CE has length ${String(length)}, not 28`);
      } else out.push({ signature, bytes, at: base + p });
      p += length;
    }
    if (area.subarray(p).some((b) => b !== 0)) ctx.report('susp.entry', base + p, 'bytes behind the last entry are not zero');
    if (next === undefined) return out;
    const key = `${String(next.sector)}:${String(next.offset)}`;
    if (seen.has(key) || hop >= MAX_AREAS) {
      ctx.report('susp.ce', next.at, 'continuation areas go round in a circle or are more than 32');
      return out;
    }
    seen.add(key);
    if (next.bytes === 0 || next.offset + next.bytes > SECTOR || next.sector < 16 || next.sector >= ctx.limit) {
      ctx.report('susp.ce', next.at, `the continuation area (sector ${String(next.sector)}, ${String(next.bytes)} bytes at ${String(next.offset)}) is not within one block of the volume`);
      return out;
    }
    area = await ctx.source.read(next.sector * SECTOR + next.offset, next.bytes);
    base = next.sector * SECTOR + next.offset;
    ctx.claim(next.sector, 1, 'a continuation area', true);
  }
}

function checkName(ctx: CheckContext, entries: readonly Entry[]): string | undefined {
  const nm = entries.filter((e) => e.signature === 'NM');
  if (nm.length === 0) return undefined;
  const parts: Buffer[] = [];
  nm.forEach((e, i) => {
    const flags = e.bytes[4] ?? 0;
    if (e.bytes.length < 5) ctx.report('rr.nm', e.at, 'NM is too short');
    const last = i === nm.length - 1;
    if ((flags & 1) !== 0 && last) ctx.report('rr.nm', e.at + 4, 'the last NM says that the name continues');
    if ((flags & 1) === 0 && !last) ctx.report('rr.nm', e.at + 4, 'an NM follows one that ends the name');
    if ((flags & ~0x27) !== 0) ctx.report('rr.nm', e.at + 4, 'reserved flags of NM are set');
    if ((flags & 6) !== 0 && e.bytes.length > 5) ctx.report('rr.nm', e.at + 4, 'NM for "." or ".." has a name');
    parts.push(e.bytes.subarray(5));
  });
  const name = Buffer.concat(parts);
  const text = name.toString('latin1');
  const special = ((nm[0]?.bytes[4] ?? 0) & 0x26) !== 0;
  if (!special && (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0'))) ctx.report('rr.nm', nm[0]?.at ?? 0, `${JSON.stringify(text)} is no name`);
  return text;
}

function checkLink(ctx: CheckContext, entries: readonly Entry[]): boolean {
  const sl = entries.filter((e) => e.signature === 'SL');
  const open = { component: false }; // it goes on in the next
  sl.forEach((e, i) => {
    const flags = e.bytes[4] ?? 0;
    const last = i === sl.length - 1;
    if ((flags & ~1) !== 0) ctx.report('rr.sl', e.at + 4, 'reserved flags of SL are set');
    if ((flags & 1) !== 0 && last) ctx.report('rr.sl', e.at + 4, 'the last SL says that the target continues');
    if ((flags & 1) === 0 && !last) ctx.report('rr.sl', e.at + 4, 'an SL follows one that ends the target');
    let p = 5;
    while (p + 2 <= e.bytes.length) {
      const [cf, length] = [e.bytes[p] as number, e.bytes[p + 1] as number];
      if (p + 2 + length > e.bytes.length) break;
      if ((cf & ~0x0f) !== 0 || ((cf & 0x0e) !== 0 && length !== 0)) ctx.report('rr.sl', e.at + p, `component flags 0x${cf.toString(16)} with ${String(length)} bytes`);
      if (e.bytes.subarray(p + 2, p + 2 + length).some((b) => b === 0 || b === 0x2f)) ctx.report('rr.sl', e.at + p + 2, 'a component has a slash or NUL in it');
      open.component = (cf & 1) !== 0;
      p += 2 + length;
    }
    if (p !== e.bytes.length) ctx.report('rr.sl', e.at + p, 'components do not fill the entry');
  });
  if (open.component) ctx.report('rr.sl', sl.at(-1)?.at ?? 0, 'the last component says that it continues');
  return sl.length > 0;
}

function checkTf(ctx: CheckContext, e: Entry): void {
  const flags = e.bytes[4] ?? 0;
  const size = (flags & 0x80) === 0 ? 7 : 17;
  let dates = 0;
  for (let bit = 0; bit < 7; bit++) if ((flags & (1 << bit)) !== 0) dates++;
  if (e.bytes.length !== 5 + dates * size) {
    ctx.report('rr.tf', e.at + 2, `TF with flags 0x${flags.toString(16)} has ${String(e.bytes.length)} bytes, not ${String(5 + dates * size)}`);
    return;
  }
  for (let i = 0; i < dates; i++) {
    const date = e.bytes.subarray(5 + i * size, 5 + (i + 1) * size);
    if (date.every((b) => b === 0)) continue; // not recorded
    if ((size === 7 ? parseRecordDate(date) : parseDescriptorDate(date)) === undefined) ctx.report('rr.tf', e.at + 5 + i * size, `date ${String(i + 1)} of TF is no date`);
  }
}

function checkPx(ctx: CheckContext, entries: readonly Entry[], r: RawRecord, at: number, kind: RecordKind, rrip112: boolean | undefined): { mode: number | undefined; serial: number | undefined } {
  const px = entries.filter((e) => e.signature === 'PX');
  const [first] = px;
  if (px.length !== 1 || first === undefined) {
    ctx.report('rr.px', at, `a record has ${String(px.length)} PX entries`);
    return { mode: undefined, serial: undefined };
  }
  const { bytes } = first;
  const expected = rrip112 === undefined ? [36, 44] : rrip112 ? [44] : [36];
  if (!expected.includes(bytes.length)) {
    ctx.report('rr.px', first.at + 2, `PX has ${String(bytes.length)} bytes, not ${expected.join(' or ')} as its Rock Ridge version has`);
    if (bytes.length < 36) return { mode: undefined, serial: undefined };
  }
  const [mode] = ['mode', 'links', 'user', 'group'].map((what, i) => ctx.both32(bytes, 4 + i * 8, first.at, 'susp.both-endian', `PX ${what}`)) as [number];
  const serial = bytes.length >= 44 ? ctx.both32(bytes, 36, first.at, 'susp.both-endian', 'PX serial') : undefined;
  const type = mode & 0o170000;
  if (kind === 'parent' && mode === 0) ctx.report('rr.px.parent', first.at + 4, 'the mode of ".." is 0');
  else if (![0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000].includes(type) || mode > 0o177777) ctx.report('rr.px.mode', first.at + 4, `mode 0${mode.toString(8)} has no file type`);
  else if ((type === 0o040000) !== ((r.flags & 2) !== 0) && !entries.some((e) => e.signature === 'CL')) ctx.report('rr.px.mode', first.at + 4, `mode 0${mode.toString(8)} and the record's flags disagree about a directory`);
  return { mode, serial };
}

/**
 * Checks the system use area of a record. `kind` tells `.`, `..` and others apart; `rrip112`: PX has a serial number
 * (undefined: not known).
 */
export async function checkSystemUse(ctx: CheckContext, r: RawRecord, use: Buffer, at: number, kind: RecordKind, rrip112: boolean | undefined): Promise<UseFacts> {
  const entries = await collect(ctx, use, at);
  const relocated = entries.some((e) => e.signature === 'RE');
  const { mode, serial } = entries.length === 0 && kind !== 'child' ? { mode: undefined, serial: undefined } : checkPx(ctx, entries, r, at, kind, rrip112);
  const name = checkName(ctx, entries);
  const hasLink = checkLink(ctx, entries);
  for (const e of entries) if (e.signature === 'TF') checkTf(ctx, e);
  if (kind === 'child' && mode !== undefined) {
    const type = mode & 0o170000;
    if (hasLink !== (type === 0o120000)) ctx.report('rr.sl', at, hasLink ? 'an entry that is no symbolic link has a target' : 'a symbolic link has no target');
    const pn = entries.filter((e) => e.signature === 'PN');
    const device = type === 0o020000 || type === 0o060000;
    if (device !== (pn.length === 1)) ctx.report('rr.pn', at, device ? `a device node has ${String(pn.length)} PN entries` : 'an entry that is no device has PN');
    for (const e of pn) {
      if (e.bytes.length !== 20) ctx.report('rr.pn', e.at + 2, `PN has ${String(e.bytes.length)} bytes, not 20`);
      else for (const [o, what] of [[4, 'high'], [12, 'low']] as const) ctx.both32(e.bytes, o, e.at, 'susp.both-endian', `PN ${what}`);
    }
    if (name === undefined) ctx.report('rr.nm', at, 'an entry has no Rock Ridge name');
  }
  const link = (signature: string): number | undefined => {
    const e = entries.find((x) => x.signature === signature);
    if (e === undefined) return undefined;
    if (e.bytes.length === 12) return ctx.both32(e.bytes, 4, e.at, 'susp.both-endian', signature);
    ctx.report('rr.relocation', e.at + 2, `${signature} has ${String(e.bytes.length)} bytes, not 12`);
    return undefined;
  };
  const extensions = entries.filter((e) => e.signature === 'ER').map((e) => {
    const length = e.bytes[4] ?? 0;
    const id = e.bytes.toString('latin1', 8, 8 + length);
    if (e.bytes.length !== 8 + length + (e.bytes[5] ?? 0) + (e.bytes[6] ?? 0)) ctx.report('susp.er', e.at + 4, 'the lengths in ER do not add up');
    if (!ROCK_RIDGE_IDS.includes(id) && !OTHER_IDS.includes(id)) ctx.report('susp.er', e.at + 8, `extension ${JSON.stringify(id)} is unknown`);
    return id;
  });
  return { any: entries.length > 0, name, mode, serial, childLink: link('CL'), parentLink: link('PL'), relocated, extensions };
}

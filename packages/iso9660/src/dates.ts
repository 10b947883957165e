/** Time zone offset bytes count quarters of an hour (ECMA-119 8.4.26.1). */
const QUARTER = 15 * 60_000;
const FIRST_YEAR = Date.UTC(1900, 0, 1);
const LAST_YEAR = Date.UTC(2155, 11, 31, 23, 59, 59);

// Neighbouring entries mostly have equal times: the last one's fields are kept.
let lastSecond = Number.NaN;
const lastFields = new Uint8Array(6);

/** Writes the seven-byte date of directory records, in UTC (ECMA-119 9.1.5). `second` counts from 1970; times outside 1900-2155 are clamped. */
export function writeRecordDate(buf: Uint8Array, at: number, second: number): void {
  if (second !== lastSecond) {
    const d = new Date(Math.min(LAST_YEAR, Math.max(FIRST_YEAR, second * 1000)));
    lastFields.set([d.getUTCFullYear() - 1900, d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]);
    lastSecond = second;
  }
  for (let i = 0; i < 6; i++) buf[at + i] = lastFields[i] as number;
  buf[at + 6] = 0;
}

/** 17-byte date of volume descriptors, in UTC (ECMA-119 8.4.26.1); `undefined` gives the "not specified" form. */
export function descriptorDate(ms: number | undefined): Buffer {
  const buf = Buffer.alloc(17);
  const text = ms === undefined ? '0'.repeat(16) : new Date(Math.min(Date.UTC(9999, 11, 31), Math.max(Date.UTC(1, 0, 1), ms))).toISOString().replace(/[-:TZ.]/g, '').slice(0, 16);
  buf.write(text, 'latin1');
  return buf;
}

/** Days of a month, 1 to 12. */
const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Reads the seven-byte date; milliseconds since 1970, `undefined` when the fields are not a date. */
export function parseRecordDate(buf: Buffer): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = buf;
  const zone = buf.readInt8(6);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(1900 + year, month) || hour > 23 || minute > 59 || second > 59 || zone < -48 || zone > 52) return undefined;
  return Date.UTC(1900 + year, month - 1, day, hour, minute, second) - zone * QUARTER;
}

/** Reads the 17-byte date; `null` when it is "not specified" (all digits 0), `undefined` when it is malformed. */
export function parseDescriptorDate(buf: Buffer): number | null | undefined {
  const text = buf.toString('latin1', 0, 16);
  const zone = buf.readInt8(16);
  if (text === '0'.repeat(16)) return zone === 0 ? null : undefined;
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (m === null || zone < -48 || zone > 52) return undefined;
  const [year, month, day, hour, minute, second, hundredths] = m.slice(1).map(Number) as [number, number, number, number, number, number, number];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, hundredths * 10) - zone * QUARTER;
}

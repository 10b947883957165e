import { SECTOR } from '../bytes.js';
import type { ByteSource } from '../reader/source.js';
import { RULES, type Finding, type RuleId } from './rules.js';

/** Findings of one rule that are listed; the rest is counted. */
const PER_RULE = 100;

/** A run of sectors that something occupies. `shared` ones may be claimed again as a whole. */
export interface Claim { readonly start: number; readonly end: number; readonly what: string; readonly shared: boolean }

/** What the parts of the checker have in common: the source, the volume's size, findings, and who occupies what. */
export class CheckContext {
  readonly source: ByteSource;
  readonly findings: Finding[] = [];
  readonly claims: Claim[] = [];
  /** Sectors of the volume; set once the primary descriptor is read. */
  volumeSectors = 0;
  /** Volumes in the set. */
  setSize = 1;
  readonly #counts = new Map<RuleId, number>();

  readonly #notes: boolean;

  constructor(source: ByteSource, notes = false) {
    this.source = source;
    this.#notes = notes;
  }

  /** Notes a finding. */
  report(rule: RuleId, offset: number, text: string): void {
    if (RULES[rule].severity === 'note' && !this.#notes) return;
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count <= PER_RULE) this.findings.push({ rule, clause: RULES[rule].clause, severity: RULES[rule].severity, offset, text });
  }

  /** Adds what was counted but not listed. */
  close(): Finding[] {
    for (const [rule, count] of [...this.#counts]) {
      if (count > PER_RULE) this.report('check.truncated', 0, `${String(count - PER_RULE)} further findings of ${rule} are not listed`);
    }
    return this.findings.sort((a, b) => a.offset - b.offset);
  }

  /** Sectors that an extent may not go beyond: the volume, or what there is of it. */
  get limit(): number {
    const there = this.source.size === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(this.source.size / SECTOR);
    return Math.min(this.volumeSectors, there);
  }

  /** Reads sectors; `undefined` when they are not all there. */
  async sectors(start: number, count: number): Promise<Buffer | undefined> {
    if (this.source.size !== undefined && (start + count) * SECTOR > this.source.size) return undefined;
    const data = await this.source.read(start * SECTOR, count * SECTOR);
    return data.length < count * SECTOR ? undefined : data;
  }

  /** Notes who occupies an extent of `bytes` bytes. */
  claim(start: number, bytes: number, what: string, shared = false): void {
    if (bytes > 0) this.claims.push({ start, end: start + Math.ceil(bytes / SECTOR), what, shared });
  }

  /** Compares the halves of a both-endian number; returns the little-endian one. */
  both32(buf: Buffer, at: number, base: number, rule: RuleId, what: string): number {
    const le = buf.readUInt32LE(at);
    const be = buf.readUInt32BE(at + 4);
    if (le !== be) this.report(rule, base + at, `${what} is ${String(le)} little-endian, ${String(be)} big-endian`);
    return le;
  }

  /** As `both32`, for 16 bits. */
  both16(buf: Buffer, at: number, base: number, rule: RuleId, what: string): number {
    const le = buf.readUInt16LE(at);
    const be = buf.readUInt16BE(at + 2);
    if (le !== be) this.report(rule, base + at, `${what} is ${String(le)} little-endian, ${String(be)} big-endian`);
    return le;
  }
}

/** Reports extents that overlap in part, or that something unshared occupies. */
export function checkOverlaps(ctx: CheckContext): void {
  const sorted = ctx.claims.sort((a, b) => a.start - b.start || b.end - a.end);
  let widest: Claim | undefined;
  for (const c of sorted) {
    if (widest !== undefined && c.start < widest.end) {
      const same = c.start === widest.start && c.end === widest.end && c.shared && widest.shared;
      if (!same) ctx.report('extent.overlap', c.start * SECTOR, `${c.what} (sectors ${String(c.start)} to ${String(c.end - 1)}) overlaps ${widest.what} (${String(widest.start)} to ${String(widest.end - 1)})`);
    }
    if (widest === undefined || c.end > widest.end) widest = c;
  }
}

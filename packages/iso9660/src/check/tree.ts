import { SECTOR } from '../bytes.js';
import { suspSkip } from '../reader/directory.js';
import { FLAG, isParent, isSelf, parseRecord, recordsIn, type RawRecord } from '../reader/record.js';
import type { CheckContext } from './context.js';
import type { AnnouncedTree } from './descriptors.js';
import type { FoundDirectory } from './pathtables.js';
import { IdentifierCheck } from './identifiers.js';
import { checkRecord, compareIdentifiers } from './record.js';
import { checkSystemUse, ROCK_RIDGE_IDS, type UseFacts } from './susp.js';

const MAX_DIRECTORY = 256 << 20;
const MAX_ENTRIES = 2_000_000;
const MAX_TOTAL = 1 << 30;

interface Waiting { readonly sector: number; readonly bytes: number; readonly id: Buffer; readonly parent: Waiting | undefined; readonly at: number; readonly depth: number }

/** Walks one tree of an image and checks every directory and record of it. */
export class TreeCheck {
  readonly #ctx: CheckContext;
  readonly #tree: AnnouncedTree;
  readonly #found: FoundDirectory[] = [];
  /** Sectors of directories already in the tree. */
  readonly #seen = new Set<number>();
  readonly #serials = new Map<number, { sector: number; at: number }>();
  /** Relocated directories by sector: the record that carries RE, and the placeholder that carries CL. */
  readonly #moved = new Map<number, { re?: number; cl?: number; cap?: number; parent?: number; pl?: number }>();
  readonly #names: IdentifierCheck;
  #entries = 0;
  #bytes = 0;
  /** First sector behind everything that the tree points to. */
  #end = 0;
  /** Bytes to skip in system use areas; undefined: no Rock Ridge. */
  #skip: number | undefined;
  #rrip112: boolean | undefined;

  /** `enhancedNames`: the tree is that of an enhanced volume, too. */
  constructor(ctx: CheckContext, tree: AnnouncedTree, enhancedNames = false) {
    this.#names = new IdentifierCheck(enhancedNames);
    this.#ctx = ctx;
    this.#tree = tree;
  }

  /** First sector behind everything that the tree points to, after `run`. */
  get end(): number {
    return this.#end;
  }

  /** Returns all directories that were found. */
  async run(): Promise<readonly FoundDirectory[]> {
    const { root } = this.#tree;
    await this.#findRockRidge();
    const queue: Waiting[] = [{ ...root, id: Buffer.from([0]), parent: undefined, at: this.#tree.at + 156, depth: 1 }];
    for (const dir of queue) { // grows while it is gone through
      if (this.#seen.has(dir.sector)) {
        this.#ctx.report('dir.cycle', dir.at + 2, `the directory at sector ${String(dir.sector)} is in the tree already`);
        continue;
      }
      this.#seen.add(dir.sector);
      this.#found.push({ sector: dir.sector, parent: dir.parent?.sector ?? dir.sector, id: dir.id });
      if (this.#entries > MAX_ENTRIES || this.#bytes > MAX_TOTAL || dir.depth > 4096) {
        this.#ctx.report('dir.limits', dir.at, 'the tree is larger than what is checked');
        break;
      }
      await this.#directory(dir, queue);
    }
    this.#checkRelocations();
    this.#names.report(this.#ctx);
    return this.#found;
  }

  async #findRockRidge(): Promise<void> {
    if (this.#tree.names !== 'iso') return;
    const { sector } = this.#tree.root;
    const head = await this.#ctx.sectors(sector, 1);
    const self = head === undefined ? undefined : parseRecord(head, 0);
    if (head === undefined || self === undefined || !isSelf(self)) return;
    this.#skip = suspSkip(self);
    if (this.#skip !== undefined) return;
    // Rock Ridge entries anywhere in the root's sector without SP in front: readers will not see them.
    const at = sector * SECTOR + 33 + self.id.length;
    const has = [...recordsIn(head)].some((r) => typeof r !== 'number' && /^(PX|NM|RR|TF|SP)/.test(r.use.toString('latin1', 0, 2)));
    if (has) {
      this.#ctx.report('susp.sp', at, 'there are Rock Ridge entries, but no valid SP in the root\'s own record: readers ignore them');
      this.#skip = 0;
    }
  }

  async #directory(dir: Waiting, queue: Waiting[]): Promise<void> {
    const ctx = this.#ctx;
    const { names } = this.#tree;
    if (dir.bytes === 0 || dir.bytes % SECTOR !== 0) ctx.report('dir.size', dir.at + 10, `a directory has ${String(dir.bytes)} bytes`);
    const sectors = Math.ceil(dir.bytes / SECTOR);
    const data = dir.bytes === 0 || dir.bytes > MAX_DIRECTORY || dir.sector + sectors > ctx.limit ? undefined : await ctx.sectors(dir.sector, sectors);
    if (data === undefined) {
      ctx.report('dir.unreadable', dir.at + 2, `the directory at sector ${String(dir.sector)} (${String(dir.bytes)} bytes) is not within the volume`);
      return;
    }
    this.#bytes += data.length;
    ctx.claim(dir.sector, dir.bytes, `a directory of the ${names} tree`);
    const base = dir.sector * SECTOR;
    const rrNames = new Set<string>();
    let index = 0;
    let before: RawRecord | undefined;
    let end = 0;
    for (const r of recordsIn(data)) {
      if (typeof r === 'number') {
        ctx.report('dir.record', base + r, `the record at byte ${String(r)} of a directory is malformed`);
        end = Math.ceil((r + 1) / SECTOR) * SECTOR;
        continue;
      }
      this.#padding(data, end, r.at, base);
      end = r.at + r.bytes.length;
      this.#entries++;
      if (index < 2) this.#dots(dir, r, index);
      this.#end = Math.max(this.#end, r.sector + Math.ceil(r.size / SECTOR));
      const dots = isSelf(r) || isParent(r);
      if (index >= 2 && dots) ctx.report('dir.record', base + r.at, '"." or ".." stands behind other records');
      const facts = await this.#use(dir, r, base + r.at, index);
      const extent = checkRecord(ctx, r, base + r.at, names, facts?.childLink !== undefined, this.#names);
      if (!dots) {
        this.#sequence(before, r, base + r.at, extent);
        this.#child(dir, r, base + r.at, extent, facts, queue, rrNames, before);
        before = r;
      }
      index++;
    }
    this.#padding(data, end, data.length, base);
    if (index < 2) ctx.report('dir.self', base, 'a directory lacks "." or ".."');
    if (before !== undefined && (before.flags & FLAG.multiExtent) !== 0) ctx.report('rec.sections', base + before.at + 25, 'the last record of a directory says that another section follows');
  }

  #padding(data: Buffer, from: number, to: number, base: number): void {
    for (let at = from; at < to; at++) {
      if (data[at] === 0) continue;
      this.#ctx.report('dir.padding', base + at, 'bytes behind the last record of a sector are not zero');
      return;
    }
  }

  #dots(dir: Waiting, r: RawRecord, index: number): void {
    const at = dir.sector * SECTOR + r.at;
    const [what, rule, target] = index === 0 ? ['"."', 'dir.self', dir] as const : ['".."', 'dir.parent', dir.parent ?? dir] as const;
    if (!(index === 0 ? isSelf(r) : isParent(r))) {
      this.#ctx.report(rule, at + 33, `record ${String(index + 1)} of a directory is not ${what}`);
      return;
    }
    if (r.sector !== target.sector || r.size !== target.bytes || (r.flags & FLAG.directory) === 0) {
      const ownParent = index === 1 && this.#tree.names !== 'iso' && r.sector === dir.sector && r.size === dir.bytes;
      this.#ctx.report(ownParent ? 'joliet.parent' : rule, at + 2, `${what} says sector ${String(r.sector)}, ${String(r.size)} bytes; it is sector ${String(target.sector)}, ${String(target.bytes)} bytes`);
    }
  }

  async #use(dir: Waiting, r: RawRecord, at: number, index: number): Promise<UseFacts | undefined> {
    if (this.#skip === undefined) return undefined;
    const root = dir.parent === undefined && index === 0;
    const kind = root ? 'root' : isSelf(r) ? 'self' : isParent(r) ? 'parent' : 'child';
    const skip = root ? (r.use.toString('latin1', 14, 16) === 'SP' ? 14 : 0) : this.#skip;
    const start = at + r.bytes.length - r.use.length + skip;
    if (root) await this.#findVersion(r, skip);
    const facts = await checkSystemUse(this.#ctx, r, r.use.subarray(skip), start, kind, this.#rrip112);
    if (root && !facts.extensions.some((id) => ROCK_RIDGE_IDS.includes(id))) this.#ctx.report('susp.er', at, 'the root\'s own record names no Rock Ridge version (ER)');
    if (kind === 'parent' && facts.parentLink !== undefined) this.#note(dir.sector).pl = facts.parentLink;
    return facts;
  }

  /** Looks ahead for ER, so that PX of the root's own record is judged by the right version already. */
  async #findVersion(r: RawRecord, skip: number): Promise<void> {
    const texts = [r.use.subarray(skip).toString('latin1')];
    const ce = texts[0]?.indexOf('CE\x1c\x01') ?? -1;
    if (ce >= 0 && r.use.length >= skip + ce + 28) {
      const e = r.use.subarray(skip + ce);
      const [sector, offset, bytes] = [4, 12, 20].map((at) => e.readUInt32LE(at)) as [number, number, number];
      if (offset + bytes <= SECTOR && sector < this.#ctx.limit) texts.push((await this.#ctx.source.read(sector * SECTOR + offset, bytes)).toString('latin1'));
    }
    const all = texts.join('');
    // FreeBSD and others name IEEE_P1282 and write 36 bytes: that is a finding.
    this.#rrip112 = all.includes('RRIP_1991A') ? false : /IEEE_P?1282/.test(all) ? true : undefined;
  }

  /** Order, duplicates, and sections of one file. */
  #sequence(before: RawRecord | undefined, r: RawRecord, at: number, extent: { sector: number; bytes: number }): void {
    if (before === undefined) return;
    const ctx = this.#ctx;
    const more = (before.flags & FLAG.multiExtent) !== 0;
    if (more) {
      if (!before.id.equals(r.id)) ctx.report('rec.sections', at + 33, 'a further section was announced, but another file follows');
      else if (before.size % SECTOR !== 0 || before.sector + before.size / SECTOR !== extent.sector) ctx.report('rec.sections', at + 2, 'a section does not follow the one before it');
      return;
    }
    const order = compareIdentifiers(before.id, r.id, this.#tree.names);
    if (before.id.equals(r.id) || (order === 0 && this.#tree.names === 'iso' && stem(before.id) === stem(r.id))) ctx.report('dir.duplicate', at + 33, `identifier ${JSON.stringify(r.id.toString('latin1'))} is there twice`);
    // Version numbers sort downwards; Joliet writers differ in whether the dot counts as padding: both are accepted there.
    else if (order > 0 && !(this.#tree.names === 'joliet' && jolietPadded(before.id, r.id) <= 0)) ctx.report('dir.order', at + 33, `identifier ${JSON.stringify(r.id.toString('latin1'))} stands behind ${JSON.stringify(before.id.toString('latin1'))}`);
  }

  #note(sector: number): { re?: number; cl?: number; cap?: number; parent?: number; pl?: number } {
    const known = this.#moved.get(sector) ?? {};
    this.#moved.set(sector, known);
    return known;
  }

  #child(dir: Waiting, r: RawRecord, at: number, extent: { sector: number; bytes: number }, facts: UseFacts | undefined, queue: Waiting[], rrNames: Set<string>, before: RawRecord | undefined): void {
    const ctx = this.#ctx;
    const section = before !== undefined && (before.flags & FLAG.multiExtent) !== 0;
    if (facts?.name !== undefined && !section && !facts.relocated) {
      if (rrNames.has(facts.name)) ctx.report('rr.nm.duplicate', at, `name ${JSON.stringify(facts.name)} is in a directory twice`);
      rrNames.add(facts.name);
    }
    if (facts?.childLink !== undefined) Object.assign(this.#note(facts.childLink), { cl: at, cap: dir.sector });
    if ((r.flags & FLAG.directory) !== 0) {
      if (facts?.relocated === true) this.#note(extent.sector).re = at;
      queue.push({ ...extent, id: r.id, parent: dir, at, depth: dir.depth + 1 });
      return;
    }
    if (this.#tree.names === 'iso') ctx.claim(extent.sector, extent.bytes, 'a file', true);
    if (facts?.serial === undefined || extent.bytes === 0 || section) return;
    const same = this.#serials.get(facts.serial);
    if (same !== undefined && same.sector !== extent.sector) ctx.report('rr.px.serial', at, `two files with different data have serial number ${String(facts.serial)}`);
    this.#serials.set(facts.serial, { sector: extent.sector, at });
  }

  #checkRelocations(): void {
    for (const [sector, m] of this.#moved) {
      const at = m.cl ?? m.re ?? sector * SECTOR;
      if (!this.#seen.has(sector)) this.#ctx.report('rr.relocation', at, `CL points to sector ${String(sector)}, where no directory of the tree lies`);
      else if (m.cl === undefined && m.pl === undefined) continue; // RE alone only hides a directory: libisofs marks rr_moved itself
      else if (m.cl === undefined || m.pl === undefined) this.#ctx.report('rr.relocation', at, `the relocated directory at sector ${String(sector)} lacks ${m.cl === undefined ? 'a placeholder with CL' : 'PL in its ".."'}`);
      else if (m.re === undefined) this.#ctx.report('rr.relocation', at, `the relocated directory at sector ${String(sector)} is not marked with RE`);
      else if (m.pl !== m.cap) this.#ctx.report('rr.relocation', sector * SECTOR, `PL names sector ${String(m.pl)} as the parent, the placeholder lies in ${String(m.cap)}`);
    }
  }
}

const stem = (id: Buffer): string => id.toString('latin1').replace(/;\d+$/, '');

/** Joliet order with the dot as separator: name padded, then extension. */
function jolietPadded(a: Buffer, b: Buffer): number {
  const key = (id: Buffer): string[] => Buffer.from(id.subarray(0, id.length & ~1)).swap16().toString('utf16le').replace(/;\d+$/, '').split('.');
  const [x, y] = [key(a), key(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p = '', q = ''] = [x[i], y[i]];
    if (p !== q) return p < q ? -1 : 1;
  }
  return 0;
}

import { fromUtf16be } from '../bytes.js';
import type { RawRecord } from '../reader/record.js';
import type { CheckContext } from './context.js';
import type { AnnouncedTree } from './descriptors.js';

/** Most bytes of a Joliet identifier: 103 units, which a record can hold, and `;1`. */
const JOLIET_MAX = 206 + 4;
/** Breaches that are remembered until it is known what kind of names the tree has. */
const REMEMBERED = 10_000;

/**
 * Checks the identifiers of a tree. Some writers leave names untranslated throughout (xorriso does so for ISOLINUX
 * media): when a quarter of the names have lower case, such characters are notes; in a tree of translated names a
 * single one is an error.
 */
export class IdentifierCheck {
  readonly #enhanced: boolean;
  #names = 0;
  #lower = 0;
  readonly #relaxed: { readonly at: number; readonly text: string; readonly isDir: boolean; readonly mild: boolean }[] = [];

  constructor(enhanced: boolean) {
    this.#enhanced = enhanced;
  }

  /** Takes the identifier of a record. `placeholder`: it stands for a relocated directory. */
  add(ctx: CheckContext, r: RawRecord, at: number, names: AnnouncedTree['names'], placeholder: boolean): void {
    if (names === 'enhanced' || (this.#enhanced && names === 'iso')) return; // any bytes (ISO 9660:1999 7.5)
    if (names === 'joliet') checkJoliet(ctx, r, at);
    else this.#plain(ctx, r, at, placeholder);
  }

  #plain(ctx: CheckContext, r: RawRecord, at: number, placeholder: boolean): void {
    const isDir = (r.flags & 2) !== 0;
    const text = r.id.toString('latin1');
    this.#names++;
    if (/[a-z]/.test(text)) this.#lower++;
    const strict = isDir ? /^[A-Z0-9_]{1,31}$/ : /^[A-Z0-9_]*\.[A-Z0-9_]*;[0-9]{1,5}$/;
    const length = text.replace(/;\d+$/, '').length;
    if (strict.test(text) && text !== '.;1' && length <= 31) return;
    // Placeholders of relocated directories are files by their flags and directories by their names.
    if (placeholder && /^[A-Z0-9_.]{1,31}(;1)?$/.test(text)) return;
    const possible = /^[\x20-\x2e\x30-\x7e]+$/.test(text) && length <= 37;
    // A dot in directories and several in files, a missing dot or version: what every writer does on request.
    const mild = /^[A-Z0-9_.-]+(;[0-9]{1,5})?$/.test(text) && length <= 37;
    if (possible && this.#relaxed.length < REMEMBERED) this.#relaxed.push({ at: at + 33, text, isDir, mild });
    else ctx.report('rec.id-characters', at + 33, said(text, isDir));
  }

  /** Reports what was remembered; call at the end of the tree. */
  report(ctx: CheckContext): void {
    const untranslated = this.#lower * 4 >= this.#names;
    for (const r of this.#relaxed) ctx.report(r.mild || untranslated ? 'rec.id-relaxed' : 'rec.id-characters', r.at, said(r.text, r.isDir));
  }
}

const said = (text: string, isDir: boolean): string => `identifier ${JSON.stringify(text)} is none of ${isDir ? 'a directory' : 'a file'}`;

function checkJoliet(ctx: CheckContext, r: RawRecord, at: number): void {
  if ((r.id.length & 1) === 1 || r.id.length > JOLIET_MAX) ctx.report('joliet.name-length', at + 32, `a Joliet identifier has ${String(r.id.length)} bytes`);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const m = /[*/:?\\\u0000-\u001f]|;(?!\d+$)/.exec(fromUtf16be(r.id));
  if (m !== null) ctx.report('joliet.name-characters', at + 33 + m.index * 2, `Joliet identifier ${JSON.stringify(fromUtf16be(r.id))} has ${JSON.stringify(m[0])} in it`);
}

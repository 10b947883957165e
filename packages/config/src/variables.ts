import { MKCDREC } from './variables-mkcdrec.js';
import { REAR } from './variables-rear.js';

/** What a value became: keys of ours, what cdrec does anyway, nothing, or a question for somebody. */
export type Carried = { readonly set: Readonly<Record<string, unknown>>; readonly remark?: string } | { readonly same: string } | { readonly drop: string } | { readonly hand: string };

/** A variable of mkCDrec's Config.sh or ReaR's local.conf and its place here. */
export interface Variable {
  readonly source: 'mkcdrec' | 'rear';
  readonly name: string;
  /** Its default there, as far as it matters. */
  readonly default: string;
  /** Its place here: keys, options, commands; empty: it has none. */
  readonly place: string;
  /** How it was carried over, or why it went. */
  readonly why: string;
  /** What its value becomes; left out: nothing depends on the value. `words` are its elements, `all` the other variables. */
  readonly carry?: (words: readonly string[], all: ReadonlyMap<string, readonly string[]>) => Carried;
}

/** All variables that are known, mkCDrec's first. */
export const VARIABLES: readonly Variable[] = [...MKCDREC, ...REAR];

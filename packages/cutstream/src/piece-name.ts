/**
 * Suffix of piece `number` (from 1): `.001` to `.899`, then `.90900` to `.98999`, then `.9909000`...: the number, after as many
 * nines as keep the names in the order of the pieces when a shell sorts them (`cat NAME.*`), however many there come to be; the
 * way of GNU split, whose suffixes widen by themselves ("yzaaa" after "yz"), with the number still to be read.
 */
export function pieceSuffix(number: number): string {
  let nines = 0;
  let digits = 3;
  // A name of `nines` nines and `digits` digits must not begin with one more nine: that is the next width.
  while (number >= 9 * 10 ** (digits - 1)) {
    nines++;
    digits++;
  }
  return `.${'9'.repeat(nines)}${String(number).padStart(digits, '0')}`;
}

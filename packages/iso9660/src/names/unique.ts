/**
 * Names of one directory that are taken, and the counter that makes a further one unique. Counters go on where they
 * stood for the same base, so 5,000 names with one base cost 5,000 steps, not 12 millions.
 */
export class UniqueNames {
  readonly #taken = new Set<string>();
  readonly #key: (name: string) => string;
  readonly #next = new Map<string, number>();

  /** `key`: names with equal keys count as equal. */
  constructor(key: (name: string) => string = (name): string => name) {
    this.#key = key;
  }

  /**
   * Calls `build` with '' and then with '0', '1', '2'... until the name is new, and notes it. `base` is what equal
   * names have in common: names of different bases may still collide, and are kept apart too.
   */
  claim(base: string, build: (suffix: string) => string): string {
    let name = build('');
    if (this.#taken.has(this.#key(name))) {
      let n = this.#next.get(base) ?? 0;
      do name = build(String(n++)); while (this.#taken.has(this.#key(name)));
      this.#next.set(base, n);
    }
    this.#taken.add(this.#key(name));
    return name;
  }
}

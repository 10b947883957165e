/**
 * Names of one directory that are taken, and the counter that makes a further one unique. Counters go on where they
 * stood for the same base, so 5,000 names with one base cost 5,000 steps, not 12 millions.
 */
export class UniqueNames {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /**
   * Calls `build` with '' and then with '0', '1', '2'... until the name is new, and notes it. `base` is what equal
   * names have in common: names of different bases may still collide, and are kept apart too.
   */
  claim(base: string, build: (suffix: string) => string): string {
    let name = build('');
    if (this.#taken.has(name)) {
      let n = this.#next.get(base) ?? 0;
      do name = build(String(n++)); while (this.#taken.has(name));
      this.#next.set(base, n);
    }
    this.#taken.add(name);
    return name;
  }
}

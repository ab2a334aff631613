/**
 * Ends a text at the first of some strings. Text that may yet turn out to be the beginning of one is held back.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((s) => s !== "");
  }
  get stopped(): boolean {
    return this.#stopped;
  }

  /** More text; gives what can be shown for certain. The stop string itself and what is behind it never are. */
  push(text: string): string {
    if (this.#stopped) return "";
    const all = this.#held + text;
    const ends = this.#stops.map((s) => all.indexOf(s)).filter((at) => at >= 0);
    if (ends.length > 0) {
      this.#stopped = true;
      this.#held = "";
      return all.slice(0, Math.min(...ends));
    }
    const hold = this.#stops.reduce((most, s) => Math.max(most, overlap(all, s)), 0);
    this.#held = all.slice(all.length - hold);
    return all.slice(0, all.length - hold);
  }

  /** No more text comes: what was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

/** How long an end of `text` is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let n = Math.min(text.length, stop.length - 1); n > 0; n--) if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}

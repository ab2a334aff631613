import type { Session } from "@hulu/core";

/**
 * What stands at each position of a prompt, as one number: a token's id, or -1 minus the number of a visual row. Two
 * positions with the same number, and the same numbers before them, have the same keys and values.
 */
export type Identities = readonly number[];

export const tokenIdentity = (id: number): number => id;
export const rowIdentity = (row: number): number => -1 - row;

/** A session, and what stands at each of its positions. */
export class Prefix {
  #held: Identities;

  constructor(
    readonly session: Session,
    held: Identities = [],
  ) {
    this.#held = held;
  }

  get held(): Identities {
    return this.#held;
  }

  /** How many positions of a prompt are held, from its beginning on. */
  common(prompt: Identities): number {
    const most = Math.min(prompt.length, this.#held.length);
    let n = 0;
    while (n < most && prompt[n] === this.#held[n]) n++;
    return n;
  }

  truncate(n: number): void {
    this.session.truncate(n);
    this.#held = this.#held.slice(0, n);
  }

  /** After a run, whole or not: of these positions as many are held as the session says. */
  settle(positions: Identities): void {
    this.#held = positions.slice(0, this.session.length);
  }

  fork(): Prefix {
    return new Prefix(this.session.fork(), this.#held);
  }
}

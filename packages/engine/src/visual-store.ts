import type { EncodedItem, Tensor } from "@hulu/core";

/** A visual input that went through the encoder, pruning and the projector. Conversations share it; the last lets it go. */
export class EncodedVisual {
  #holders = 1;

  constructor(
    /** What all its rows depend on; see `visualKey`. */
    readonly key: string,
    /** The number of its first row among all rows that the conversation and its forks ever had. */
    readonly first: number,
    /** 1 for each token that was kept. */
    readonly keep: Uint8Array,
    /** The kept tokens, in parts of `[row, embed]`. */
    readonly parts: readonly Tensor[],
  ) {}

  get rows(): number {
    return this.parts.reduce((n, { shape: [rows = 0] }) => n + rows, 0);
  }
  retain(): this {
    this.#holders++;
    return this;
  }
  release(): void {
    this.#holders--;
    if (this.#holders === 0) for (const part of this.parts) part.dispose();
  }
}

/** The visual inputs that a conversation has encoded. A fork shares them, and the numbering of rows. */
export class VisualStore {
  readonly #entries = new Map<string, EncodedVisual>();
  readonly #rows: { next: number };

  constructor(rows: { next: number } = { next: 0 }) {
    this.#rows = rows;
  }

  get(key: string): EncodedVisual | undefined {
    return this.#entries.get(key);
  }
  all(): IterableIterator<EncodedVisual> {
    return this.#entries.values();
  }

  add(key: string, { keep, visual }: EncodedItem): EncodedVisual {
    const entry = new EncodedVisual(key, this.#rows.next, keep, visual);
    this.#rows.next += entry.rows;
    this.#entries.set(key, entry);
    return entry;
  }

  /** Let go of all but these. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, entry] of this.#entries)
      if (!keys.has(key)) {
        this.#entries.delete(key);
        entry.release();
      }
  }

  fork(): VisualStore {
    const twin = new VisualStore(this.#rows);
    for (const [key, entry] of this.#entries) twin.#entries.set(key, entry.retain());
    return twin;
  }

  dispose(): void {
    this.keepOnly(new Set());
  }
}

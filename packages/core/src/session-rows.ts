import { GrowingFloats } from "./growing.js";

/** Numbers that forks share until one of them writes. */
class Block {
  holders = 1;
  capacity = 0;
  readonly numbers: GrowingFloats;
  constructor(most: number) {
    this.numbers = new GrowingFloats(most);
  }
}

/** The rows of one state: `[heads, capacity, width / heads]`, zero beyond those that are held. */
export class Rows {
  #block: Block;
  readonly #part: number;

  /** @param most the most positions */
  constructor(
    readonly width: number,
    readonly heads: number,
    readonly most: number,
  ) {
    this.#part = width / heads;
    this.#block = new Block(most * width);
  }

  get data(): Float32Array {
    return this.#block.numbers.data;
  }
  get capacity(): number {
    return this.#block.capacity;
  }

  grow(capacity: number): void {
    if (this.#block.holders > 1) {
      this.#move(capacity, this.capacity);
      return;
    }
    const [held, room] = [this.capacity * this.#part, capacity * this.#part];
    this.#block.numbers.grow(capacity * this.width);
    // The last head first: each moves to where only those behind it were.
    for (let head = this.heads - 1; head >= 0; head--) {
      this.data.copyWithin(head * room, head * held, (head + 1) * held);
      this.data.fill(0, head * room + held, (head + 1) * room);
    }
    this.#block.capacity = capacity;
  }

  /** Position after position; a view where they lie so. */
  read(length: number): Float32Array {
    if (this.heads === 1) return this.data.subarray(0, length * this.width);
    const rows = new Float32Array(length * this.width);
    this.#exchange(0, length, (stored, at) => rows.set(stored, at));
    return rows;
  }

  /** Write behind the first `at` positions, which are all that are held. */
  write(rows: Float32Array, at: number, count: number): void {
    if (count === 0) return;
    this.#own(at);
    if (this.heads === 1) this.data.set(rows, at * this.width);
    else this.#exchange(at, count, (stored, from) => stored.set(rows.subarray(from, from + this.#part)));
  }

  /** Zeros instead of what no longer counts: a kernel that weighs it by nothing must not meet a NaN. */
  clear(from: number, to: number): void {
    if (from === to) return;
    this.#own(from);
    for (let head = 0; head < this.heads; head++) this.#head(head).fill(0, from * this.#part, to * this.#part);
  }

  /** The same rows for a fork; none is copied before one of the two writes. */
  share(): Rows {
    const twin = new Rows(this.width, this.heads, this.most);
    twin.#block = this.#block;
    this.#block.holders++;
    return twin;
  }

  release(): void {
    if (--this.#block.holders === 0) this.#block.numbers.free();
  }

  /** Before a write: of shared storage get one's own, with as many positions. */
  #own(count: number): void {
    if (this.#block.holders > 1) this.#move(this.capacity, count);
  }

  /** To storage of one's own, with the first `count` positions. */
  #move(capacity: number, count: number): void {
    const own = new Block(this.most * this.width);
    own.numbers.grow(capacity * this.width);
    for (let head = 0; head < this.heads; head++)
      own.numbers.data.set(this.#head(head).subarray(0, count * this.#part), head * capacity * this.#part);
    own.capacity = capacity;
    this.#block.holders--;
    this.#block = own;
  }

  #head(head: number): Float32Array {
    const size = this.capacity * this.#part;
    return this.data.subarray(head * size, (head + 1) * size);
  }

  /** Visit each head of each of `count` positions: where it is stored, and where it stands among their rows. */
  #exchange(at: number, count: number, visit: (stored: Float32Array, row: number) => void): void {
    for (let head = 0; head < this.heads; head++) {
      const stored = this.#head(head);
      for (let i = 0; i < count; i++) {
        const from = (at + i) * this.#part;
        visit(stored.subarray(from, from + this.#part), i * this.width + head * this.#part);
      }
    }
  }
}

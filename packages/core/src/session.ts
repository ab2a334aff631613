import { readArchive, writeArchive } from "./archive.js";
import { type Session, SessionError } from "./backend.js";
import { type Programs, paramsOf } from "./graph/graph.js";
import { print } from "./graph/print.js";
import { type Env, printSize } from "./graph/size.js";
import { GrowingFloats } from "./growing.js";
import type { WeightSource } from "./weights/source.js";

/** The states of all programs, each with the number of elements in one position's row. */
export function stateWidths(programs: Programs): ReadonlyMap<string, number> {
  const widths = new Map<string, number>();
  for (const graph of Object.values(programs))
    for (const { name, past } of graph.states) {
      const fixed = past.dims.filter((d) => d.name !== "past" && d.name !== "batch").map((d) => d.size);
      const width = fixed.reduce<number>((n, size) => (typeof size === "number" ? n * size : Number.NaN), 1);
      if (Number.isNaN(width))
        throw new SessionError(`the state ${name} has rows of ${fixed.map(printSize).join(" x ")}: they must be fixed`);
      widths.set(name, width);
    }
  return widths;
}

/** What a session belongs to: one compiled set of programs. */
export interface SessionOwner {
  readonly widths: ReadonlyMap<string, number>;
  /** Into how many heads a state's storage is divided; one, position after position, unless given. */
  readonly heads?: ReadonlyMap<string, number>;
  /** Of the programs and weights; a saved session says whose it is. */
  readonly fingerprint: string;
  /** The most positions that a session may hold. */
  readonly most: number;
}

/** What the sessions of some programs belong to. @param max of the compile options */
export const sessionOwner = async (
  programs: Programs,
  weights: WeightSource,
  max: Env = {},
): Promise<SessionOwner> => ({
  widths: stateWidths(programs),
  fingerprint: await fingerprint(programs, weights),
  most: max.past ?? 1 << 20,
});

/** Storage grows by this many positions. */
const STEP = 256;

/** What a `HostSession` takes when it holds so many positions, in bytes. */
export function sessionBytes(programs: Programs, positions: number): number {
  const width = [...stateWidths(programs).values()].reduce((n, w) => n + w, 0);
  return Math.ceil(positions / STEP) * STEP * width * Float32Array.BYTES_PER_ELEMENT;
}

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
class Rows {
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

/** A session whose rows lie on the host. Storage grows in steps up to the capacity: a short conversation takes little.
 * Forks share it until one of them writes. */
export class HostSession implements Session {
  readonly capacity: number;
  readonly #owner: SessionOwner;
  #states: Map<string, Rows> | undefined;
  #length = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** How many runs are under way or wait for their turn. */
  #waiting = 0;

  constructor(owner: SessionOwner, options: { readonly capacity?: number; readonly from?: Uint8Array } = {}) {
    this.#owner = owner;
    this.capacity = options.capacity ?? owner.most;
    if (!Number.isSafeInteger(this.capacity) || this.capacity < 1)
      throw new SessionError(`a capacity is a positive whole number, not ${this.capacity}`);
    if (this.capacity > owner.most)
      throw new SessionError(`a capacity of ${this.capacity} is over the ${owner.most} positions of this compilation`);
    const heads = (name: string) => owner.heads?.get(name) ?? 1;
    this.#states = new Map(
      [...owner.widths].map(([name, width]) => [name, new Rows(width, heads(name), this.capacity)]),
    );
    if (options.from !== undefined) this.#restore(options.from);
  }

  get length(): number {
    return this.#length;
  }
  belongsTo(owner: SessionOwner): boolean {
    return this.#owner === owner;
  }

  /** Run `body` when every earlier run on this session has ended. */
  inTurn<T>(body: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const next = this.#turn.then(body, body).finally(() => this.#waiting--);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** The rows of a state, `[length, width]`; perhaps a view that the next `append` leaves behind. */
  rows(name: string): Float32Array {
    return this.#state(name).read(this.#length);
  }

  /** A state's storage as it lies, `[heads, capacity, width / heads]`, zero beyond the session's length. */
  storage(name: string): { readonly data: Float32Array; readonly capacity: number } {
    return this.#state(name);
  }

  /** Put one run's rows behind those held, all states or none. */
  append(rows: ReadonlyMap<string, Float32Array>, count: number): void {
    this.reserve(count);
    for (const [name, data] of rows)
      if (data.length !== count * this.#state(name).width)
        throw new SessionError(`${count} positions of ${name} came with ${data.length} numbers`);
    const length = this.#length + count;
    const room = Math.min(this.capacity, Math.ceil(length / STEP) * STEP);
    for (const state of this.#alive().values()) if (state.capacity < length) state.grow(room);
    for (const [name, data] of rows) this.#state(name).write(data, this.#length, count);
    this.#length = length;
  }

  /** @throws SessionError when `count` more positions do not fit */
  reserve(count: number): void {
    this.#alive();
    if (this.#length + count > this.capacity)
      throw new SessionError(
        `${count} more positions do not fit: the session holds ${this.#length} of ${this.capacity}`,
      );
  }

  truncate(n: number): void {
    const states = this.#alive();
    if (!Number.isSafeInteger(n) || n < 0 || n > this.#length)
      throw new SessionError(`cannot keep ${n} of ${this.#length} positions`);
    for (const state of states.values()) state.clear(n, this.#length);
    this.#length = n;
  }

  fork(): HostSession {
    const states = this.#alive();
    const twin = new HostSession(this.#owner, { capacity: this.capacity });
    twin.#states = new Map([...states].map(([name, state]) => [name, state.share()]));
    twin.#length = this.#length;
    return twin;
  }

  async save(): Promise<Uint8Array> {
    const tensors = [...this.#alive()].map(([name, state]) => ({
      name,
      shape: [this.#length, state.width],
      data: state.read(this.#length),
    }));
    return writeArchive(tensors, { fingerprint: this.#owner.fingerprint, length: String(this.#length) });
  }

  dispose(): void {
    const states = this.#states;
    this.#states = undefined;
    this.#length = 0;
    const release = () => {
      for (const state of states?.values() ?? []) state.release();
    };
    // A run that is under way reads them to its end.
    if (this.#waiting === 0) release();
    else void this.inTurn(async () => release());
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #restore(bytes: Uint8Array): void {
    const { metadata, tensors } = readArchive(bytes);
    if (metadata.get("fingerprint") !== this.#owner.fingerprint)
      throw new SessionError("the saved session belongs to other programs or weights");
    const count = Number(metadata.get("length"));
    const fits = [...this.#owner.widths].every(
      ([name, width]) => tensors.get(name)?.shape.join(" ") === `${count} ${width}`,
    );
    if (!fits || tensors.size !== this.#owner.widths.size || metadata.get("length") !== String(count))
      throw new SessionError("the saved session is damaged");
    this.append(new Map([...tensors].map(([name, t]) => [name, t.data])), count);
  }

  #alive(): Map<string, Rows> {
    if (this.#states === undefined) throw new SessionError("the session was disposed");
    return this.#states;
  }
  #state(name: string): Rows {
    const state = this.#alive().get(name);
    if (state === undefined) throw new SessionError(`there is no state ${name}`);
    return state;
  }
}

/**
 * A short hash of programs and weights: of the printed programs, every weight's type and shape, and the first row of some
 * of them (reading all would take as long as loading). 64 bits of FNV-1a: it finds a mistake, it does not stop a forger.
 */
export async function fingerprint(programs: Programs, weights: WeightSource): Promise<string> {
  const hash = new Fnv();
  const params = new Set<string>();
  for (const name of Object.keys(programs).sort()) {
    const graph = programs[name]!;
    hash.text(print(graph));
    for (const path of paramsOf(graph).keys()) params.add(path);
  }
  const sorted = [...params].sort();
  for (const path of sorted) hash.text(`${path} ${JSON.stringify(weights.info(path) ?? null)}`);
  const every = Math.ceil(sorted.length / 16);
  for (let i = 0; i < sorted.length; i += every) hash.bytes(await weights.read(sorted[i]!, { rows: [0, 1] }));
  return hash.digest();
}

class Fnv {
  #low = 0x811c9dc5;
  #high = 0x01000193;
  bytes(data: Uint8Array): void {
    for (const byte of data) {
      this.#low = Math.imul(this.#low ^ byte, 0x01000193);
      this.#high = Math.imul(this.#high ^ (byte + 0x9e), 0x85ebca6b);
    }
  }
  text(s: string): void {
    this.bytes(new TextEncoder().encode(s));
  }
  digest(): string {
    return [this.#high, this.#low].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

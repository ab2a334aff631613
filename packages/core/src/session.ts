import { type Session, SessionError } from "./backend.js";
import { fingerprint } from "./fingerprint.js";
import type { Programs } from "./graph/graph.js";
import { type Env, printSize } from "./graph/size.js";
import {
  checkKept,
  checkRoom,
  restoredSession,
  savedSession,
  sessionCapacity,
  sessionRoom,
  Turns,
} from "./session-parts.js";
import { Rows } from "./session-rows.js";
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

/** @throws SessionError when the memory is not to be had */
function growTo(state: Rows, positions: number): void {
  try {
    state.grow(positions);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SessionError(`there is no memory for ${positions} positions`, { cause });
  }
}

/** What a `HostSession` takes when it holds so many positions, in bytes. */
export function sessionBytes(programs: Programs, positions: number): number {
  const width = [...stateWidths(programs).values()].reduce((n, w) => n + w, 0);
  return sessionRoom(positions) * width * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * A session whose rows lie on the host. Storage grows in steps up to the capacity: a short conversation takes little.
 * Forks share it until one of them writes.
 */
export class HostSession implements Session {
  readonly capacity: number;
  readonly #owner: SessionOwner;
  #states: Map<string, Rows> | undefined;
  #length = 0;
  readonly #turns = new Turns();

  constructor(owner: SessionOwner, options: { readonly capacity?: number; readonly from?: Uint8Array } = {}) {
    this.#owner = owner;
    this.capacity = sessionCapacity(owner, options.capacity);
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
    return this.#turns.next(body);
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
    const room = sessionRoom(length, this.capacity);
    for (const state of this.#alive().values()) if (state.capacity < length) growTo(state, room);
    for (const [name, data] of rows) this.#state(name).write(data, this.#length, count);
    this.#length = length;
  }

  /** @throws SessionError when `count` more positions do not fit */
  reserve(count: number): void {
    this.#alive();
    checkRoom(this, count);
  }

  truncate(n: number): void {
    const states = this.#alive();
    checkKept(n, this.#length);
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
    const rows = new Map([...this.#alive()].map(([name, state]) => [name, state.read(this.#length)]));
    return savedSession(this.#owner, this.#length, rows);
  }

  dispose(): void {
    const states = this.#states;
    this.#states = undefined;
    this.#length = 0;
    const release = () => {
      for (const state of states?.values() ?? []) state.release();
    };
    // A run that is under way reads them to its end.
    if (this.#turns.idle) release();
    else void this.inTurn(async () => release());
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #restore(bytes: Uint8Array): void {
    const { count, rows } = restoredSession(this.#owner, bytes);
    this.append(rows, count);
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

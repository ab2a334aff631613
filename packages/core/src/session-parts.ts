import { readArchive, writeArchive } from "./archive.js";
import { SessionError } from "./backend.js";
import type { SessionOwner } from "./session.js";

// What is the same for every session, wherever its rows lie.

/** Storage grows by this many positions. */
export const SESSION_STEP = 256;

/** Positions that a session makes room for when it holds so many: whole steps, up to the capacity. */
export const sessionRoom = (positions: number, capacity = Number.POSITIVE_INFINITY): number =>
  Math.min(capacity, Math.ceil(positions / SESSION_STEP) * SESSION_STEP);

/** The capacity of a new session. @throws SessionError for what is none, or is over the compilation's */
export function sessionCapacity(owner: SessionOwner, capacity = owner.most): number {
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw new SessionError(`a capacity is a positive whole number, not ${capacity}`);
  if (capacity > owner.most)
    throw new SessionError(`a capacity of ${capacity} is over the ${owner.most} positions of this compilation`);
  return capacity;
}

/** @throws SessionError when `count` more positions do not fit behind those held */
export function checkRoom({ length, capacity }: { length: number; capacity: number }, count: number): void {
  if (length + count > capacity)
    throw new SessionError(`${count} more positions do not fit: the session holds ${length} of ${capacity}`);
}

/** @throws SessionError when the first `n` of `length` positions are none that could be kept */
export function checkKept(n: number, length: number): void {
  if (!Number.isSafeInteger(n) || n < 0 || n > length)
    throw new SessionError(`cannot keep ${n} of ${length} positions`);
}

/** A session as bytes, the same wherever its rows lie. @param rows of each state, `[length, width]` */
export function savedSession(owner: SessionOwner, length: number, rows: ReadonlyMap<string, Float32Array>): Uint8Array {
  const tensors = [...owner.widths].map(([name, width]) => ({ name, shape: [length, width], data: rows.get(name)! }));
  return writeArchive(tensors, { fingerprint: owner.fingerprint, length: String(length) });
}

/**
 * The rows that `savedSession` wrote, by state.
 * @throws SessionError when they are another's, or damaged
 */
export function restoredSession(
  owner: SessionOwner,
  bytes: Uint8Array,
): { readonly count: number; readonly rows: ReadonlyMap<string, Float32Array> } {
  const { metadata, tensors } = readArchive(bytes);
  if (metadata.get("fingerprint") !== owner.fingerprint)
    throw new SessionError("the saved session belongs to other programs or weights");
  const count = Number(metadata.get("length"));
  const fits = [...owner.widths].every(([name, width]) => tensors.get(name)?.shape.join(" ") === `${count} ${width}`);
  if (!fits || tensors.size !== owner.widths.size || metadata.get("length") !== String(count))
    throw new SessionError("the saved session is damaged");
  return { count, rows: new Map([...tensors].map(([name, t]) => [name, t.data])) };
}

/** Runs that follow one another: each begins when every earlier one has ended, however it did. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether none is under way or waits. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  next<T>(body: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#last.then(body, body).finally(() => this.#waiting--);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

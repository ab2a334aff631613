import { readArchive, writeArchive } from "./archive.js";
import { type Session, SessionError } from "./backend.js";
import { type Programs, paramsOf } from "./graph/graph.js";
import { print } from "./graph/print.js";
import { printSize } from "./graph/size.js";
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
  /** Of the programs and weights; a saved session says whose it is. */
  readonly fingerprint: string;
  /** The most positions that a session may hold. */
  readonly most: number;
}

const STEP = 256;

/**
 * A session whose rows lie on the host, position after position: `[capacity, width]` for each state. Storage grows in
 * steps up to the capacity, so that a short conversation takes little.
 */
export class HostSession implements Session {
  readonly capacity: number;
  readonly #owner: SessionOwner;
  #rows: Map<string, Float32Array> | undefined;
  #length = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(owner: SessionOwner, options: { readonly capacity?: number; readonly from?: Uint8Array } = {}) {
    this.#owner = owner;
    this.capacity = options.capacity ?? owner.most;
    if (!Number.isSafeInteger(this.capacity) || this.capacity < 1)
      throw new SessionError(`a capacity is a positive whole number, not ${this.capacity}`);
    if (this.capacity > owner.most)
      throw new SessionError(`a capacity of ${this.capacity} is over the ${owner.most} positions of this compilation`);
    this.#rows = new Map([...owner.widths].map(([name]) => [name, new Float32Array(0)]));
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
    const next = this.#turn.then(body, body);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** The rows of a state, `[length, width]`; a view that the next `append` may leave behind. */
  rows(name: string): Float32Array {
    return this.#state(name).subarray(0, this.#length * this.#width(name));
  }

  /** Put one run's rows behind those held, all states or none. */
  append(rows: ReadonlyMap<string, Float32Array>, count: number): void {
    const length = this.#length + count;
    this.reserve(count);
    for (const [name, data] of rows)
      if (data.length !== count * this.#width(name))
        throw new SessionError(`${count} positions of ${name} came with ${data.length} numbers`);
    for (const [name, data] of rows) this.#grown(name, length).set(data, this.#length * this.#width(name));
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
    this.#alive();
    if (!Number.isSafeInteger(n) || n < 0 || n > this.#length)
      throw new SessionError(`cannot keep ${n} of ${this.#length} positions`);
    this.#length = n;
  }

  fork(): HostSession {
    const twin = new HostSession(this.#owner, { capacity: this.capacity });
    twin.append(new Map([...this.#alive().keys()].map((name) => [name, this.rows(name)])), this.#length);
    return twin;
  }

  async save(): Promise<Uint8Array> {
    const tensors = [...this.#alive().keys()].map((name) => ({
      name,
      shape: [this.#length, this.#width(name)],
      data: this.rows(name),
    }));
    return writeArchive(tensors, { fingerprint: this.#owner.fingerprint, length: String(this.#length) });
  }

  dispose(): void {
    this.#rows = undefined;
    this.#length = 0;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #restore(bytes: Uint8Array): void {
    const { metadata, tensors } = readArchive(bytes);
    if (metadata.get("fingerprint") !== this.#owner.fingerprint)
      throw new SessionError("the saved session belongs to other programs or weights");
    const count = Number(metadata.get("length"));
    if (
      !Number.isSafeInteger(count) ||
      tensors.size !== this.#owner.widths.size ||
      [...this.#owner.widths.keys()].some((k) => !tensors.has(k))
    )
      throw new SessionError("the saved session is damaged");
    this.append(new Map([...tensors].map(([name, t]) => [name, t.data])), count);
  }

  #alive(): Map<string, Float32Array> {
    if (this.#rows === undefined) throw new SessionError("the session was disposed");
    return this.#rows;
  }
  #width(name: string): number {
    return this.#owner.widths.get(name) ?? 0;
  }
  #state(name: string): Float32Array {
    const rows = this.#alive().get(name);
    if (rows === undefined) throw new SessionError(`there is no state ${name}`);
    return rows;
  }
  #grown(name: string, length: number): Float32Array {
    const rows = this.#state(name);
    const width = this.#width(name);
    if (length * width <= rows.length) return rows;
    const room = Math.min(
      this.capacity,
      Math.max(Math.ceil(length / STEP) * STEP, Math.ceil((rows.length / width) * 1.5)),
    );
    const grown = new Float32Array(room * width);
    grown.set(rows);
    this.#rows?.set(name, grown);
    return grown;
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

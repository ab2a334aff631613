import {
  checkKept,
  checkRoom,
  restoredSession,
  type Session,
  SessionError,
  type SessionOwner,
  savedSession,
  sessionCapacity,
  sessionRoom,
  Turns,
} from "@hulu/core";
import type { DeviceBuffer } from "../device.js";
import type { DeviceMemory } from "./memory.js";
import { aligned } from "./results.js";
import { DeviceRows } from "./session-rows.js";

const WORD = 4;

const releaseAll = (states: ReadonlyMap<string, DeviceRows>): void => {
  for (const state of states.values()) state.release();
};

/** A session whose rows lie on a device. They grow in steps up to the capacity; forks share them until one writes. */
export class DeviceSession implements Session {
  readonly capacity: number;
  readonly #owner: SessionOwner;
  readonly #memory: DeviceMemory;
  readonly #states: Map<string, DeviceRows>;
  #disposed = false;
  #length = 0;
  readonly #turns = new Turns();

  constructor(
    owner: SessionOwner,
    memory: DeviceMemory,
    options: { readonly capacity?: number; readonly from?: Uint8Array } = {},
  ) {
    this.#owner = owner;
    this.#memory = memory;
    this.capacity = sessionCapacity(owner, options.capacity);
    const states = new Map([...owner.widths].map(([name, width]) => [name, new DeviceRows(name, width, memory)]));
    this.#states = states;
    memory.watch(this, () => releaseAll(states));
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

  /** @throws SessionError when `count` more positions do not fit */
  reserve(count: number): void {
    this.#alive();
    checkRoom(this, count);
  }

  /** Whether `count` more positions can be written at once. */
  hasRoom(count: number): boolean {
    return count === 0 || [...this.#alive().values()].every((state) => state.writable(this.#length + count));
  }

  /**
   * Make room for `count` more positions, one state after the other: no more than one lies there twice.
   * @throws DeviceError when there is no memory for it; the session is as it was
   */
  async makeRoom(count: number): Promise<void> {
    const length = this.#length;
    const room = sessionRoom(length + count, this.capacity);
    for (const state of this.#alive().values()) {
      if (state.writable(length + count)) continue;
      const capacity = Math.max(room, state.capacity);
      if (length > 0) await state.move(capacity, length);
      else state.renew(capacity);
      if (this.#disposed || this.#length !== length) return;
    }
  }

  /** Where a state's rows lie; undefined where it has none. */
  buffer(name: string): DeviceBuffer | undefined {
    return this.#alive().get(name)?.buffer;
  }

  /** Count the rows that a run has put behind those held. */
  advance(count: number): void {
    this.#alive();
    this.#length += count;
  }

  /** Let go of room in which nothing is held, when it is not sure to be there. */
  dropEmpty(): void {
    if (this.#length === 0) releaseAll(this.#states);
  }

  truncate(n: number): void {
    this.#alive();
    checkKept(n, this.#length);
    this.#length = n;
  }

  fork(): DeviceSession {
    const states = this.#alive();
    const twin = new DeviceSession(this.#owner, this.#memory, { capacity: this.capacity });
    for (const [name, state] of states) twin.#states.set(name, state.share());
    twin.#length = this.#length;
    return twin;
  }

  async save(): Promise<Uint8Array> {
    const length = this.#length;
    // Shared meanwhile: what writes to the session takes other memory.
    const states = [...this.#alive().values()].map((state) => state.share());
    try {
      const rows = new Map<string, Float32Array>();
      for (const state of states) rows.set(state.name, await this.#read(state, length));
      return savedSession(this.#owner, length, rows);
    } finally {
      for (const state of states) state.release();
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#length = 0;
    this.#memory.unwatch(this);
    releaseAll(this.#states);
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #read({ buffer, width }: DeviceRows, length: number): Promise<Float32Array> {
    if (buffer === undefined || length * width === 0) return new Float32Array(0);
    const bytes = aligned(await this.#memory.device.read(buffer, 0, length * width * WORD));
    return new Float32Array(bytes.buffer, bytes.byteOffset, length * width);
  }

  #restore(bytes: Uint8Array): void {
    const { count, rows } = restoredSession(this.#owner, bytes);
    this.reserve(count);
    if (count === 0) return;
    try {
      for (const [name, state] of this.#alive()) {
        state.renew(sessionRoom(count, this.capacity));
        const { buffer, byteOffset, byteLength } = rows.get(name)!;
        this.#memory.device.write(state.buffer!, 0, new Uint8Array(buffer, byteOffset, byteLength));
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
    this.#length = count;
  }

  #alive(): ReadonlyMap<string, DeviceRows> {
    if (this.#memory.disposed) throw new SessionError("the model was disposed");
    if (this.#disposed) throw new SessionError("the session was disposed");
    return this.#states;
  }
}

import { countOf, FeedError, SessionError, type Tensor } from "@hulu/core";
import type { DeviceBuffer } from "../device.js";
import { allocated, type DeviceMemory } from "./memory.js";

const WORD = 4;

/** The numbers of a result, which tensors of several shapes and runs that are fed with them hold together. */
export class Held {
  #holders = 1;
  constructor(
    readonly buffer: DeviceBuffer,
    readonly bytes: number,
    readonly results: Results,
  ) {}

  retain(): this {
    this.#holders++;
    return this;
  }
  release(): void {
    if (--this.#holders === 0) this.results.giveBack(this.buffer);
  }
}

/**
 * The results of one executable's runs. A buffer that is disposed of is kept for the next result of its size, as long as all
 * of them come to no more than one result of each program: a caller that lets go of what it has read makes decoding ask for
 * no memory.
 */
export class Results {
  /** Oldest first. */
  readonly #free: DeviceBuffer[] = [];
  /** Bytes of results, those that are free among them. */
  #held = 0;
  readonly #usual = new Map<string, number>();

  constructor(readonly memory: DeviceMemory) {}

  /** What a program's results come to in a run. */
  expect(program: string, bytes: number): void {
    this.#usual.set(program, Math.max(bytes, this.#usual.get(program) ?? 0));
  }

  /** Room for one result; free it by `release`. */
  make(bytes: number, label: string): Held {
    const size = allocated(bytes);
    const at = this.#free.findIndex((b) => b.bytes === size);
    if (at >= 0) return new Held(this.#free.splice(at, 1)[0]!, bytes, this);
    this.#trim(size);
    const buffer = this.memory.alloc(bytes, label);
    this.#held += buffer.bytes;
    return new Held(buffer, bytes, this);
  }

  /** A result as its caller gets it. */
  tensor(held: Held, dtype: "f32" | "i32", shape: readonly number[]): Tensor {
    const tensor = new DeviceTensor(held, dtype, shape);
    this.memory.watch(tensor, () => held.release());
    return tensor;
  }

  giveBack(buffer: DeviceBuffer): void {
    if (this.memory.disposed) return;
    this.#free.push(buffer);
    this.#trim(0);
  }

  /** Let go of every buffer that is kept for later. */
  drop(): void {
    this.#trim(Number.POSITIVE_INFINITY);
  }

  /** Let go of the oldest free buffers until `more` bytes fit beside what is held. */
  #trim(more: number): void {
    const most = [...this.#usual.values()].reduce((n, bytes) => n + bytes, 0);
    while (this.#free.length > 0 && this.#held + more > most) {
      const oldest = this.#free.shift()!;
      this.#held -= oldest.bytes;
      this.memory.free(oldest);
    }
  }
}

/** A result that lies on the device; each `read` fetches it anew. */
export class DeviceTensor implements Tensor {
  readonly #held: Held;
  #disposed = false;

  constructor(
    held: Held,
    readonly dtype: "f32" | "i32",
    readonly shape: readonly number[],
  ) {
    this.#held = held;
  }

  /** What it holds, one holder more. @throws FeedError when it was disposed of, or is another executable's */
  share(results: Results): Held {
    if (this.#held.results !== results)
      throw new FeedError("a result of another model was fed: read it, and feed that");
    if (this.#disposed) throw new FeedError("a result was fed that was disposed of");
    return this.#held.retain();
  }

  async read(): Promise<Float32Array | Int32Array> {
    const held = this.#alive();
    const { memory } = held.results;
    if (held.bytes === 0) return this.dtype === "f32" ? new Float32Array(0) : new Int32Array(0);
    const { buffer, byteOffset, byteLength } = aligned(await memory.device.read(held.buffer, 0, held.bytes));
    return this.dtype === "f32"
      ? new Float32Array(buffer, byteOffset, byteLength / WORD)
      : new Int32Array(buffer, byteOffset, byteLength / WORD);
  }

  reshape(shape: readonly number[]): Tensor {
    const held = this.#alive();
    if (countOf(shape) !== countOf(this.shape))
      throw new FeedError(`[${this.shape.join(" ")}] does not reshape to [${shape.join(" ")}]`);
    return held.results.tensor(held.retain(), this.dtype, shape);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#held.results.memory.unwatch(this);
    this.#held.release();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #alive(): Held {
    if (this.#held.results.memory.disposed) throw new SessionError("the model was disposed");
    if (this.#disposed) throw new SessionError("the result was disposed");
    return this.#held;
  }
}

/** Bytes at an address where words may stand. */
export const aligned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.byteOffset % WORD === 0 ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);

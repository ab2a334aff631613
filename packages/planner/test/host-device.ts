import {
  type AnyKernel,
  type Arrays,
  type BufferSpec,
  bufferBytes,
  defaultLimits,
  type Launch,
  type Params,
  paramBytes,
  presetFor,
  type Storage,
  unpack,
  variantFor,
  writeParams,
} from "@hulu/kernels";
import { type DeviceBuffer, DeviceError, type DeviceKernel, type KernelDevice } from "../src/device.js";

const WORD = 4;

/** What a device without any feature offers. */
const abilities = {
  features: new Set<string>(),
  limits: { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16384 },
};

export class HostBuffer implements DeviceBuffer {
  destroyed = false;
  /** There was no memory for it: whatever is done with it shows where the device is waited for. */
  invalid = false;
  /** Goes up with each write, so that what is unpacked of a weight can be kept. */
  version = 0;
  #data: ArrayBuffer;

  constructor(
    readonly bytes: number,
    readonly label: string,
    readonly device: HostDevice,
  ) {
    this.#data = new ArrayBuffer(bytes);
  }

  get data(): ArrayBuffer {
    if (this.destroyed) throw new Error(`${this.label} was used after it was destroyed`);
    return this.#data;
  }
  destroy(): void {
    if (this.destroyed) throw new Error(`${this.label} was destroyed twice`);
    this.destroyed = true;
    this.device.buffers.delete(this);
    this.#data = new ArrayBuffer(0);
  }
}

/** What was asked of a device so far, and what it holds. */
export interface Counts {
  readonly allocations: number;
  readonly launches: number;
  readonly reads: number;
  readonly settles: number;
  readonly bytes: number;
}

/**
 * A device of the host: each call of a kernel is its reference. It refuses what a real device would answer with nonsense: a
 * buffer after its end, one that is read and written in one launch, words beyond an end.
 */
export class HostDevice implements KernelDevice {
  readonly limits = { ...defaultLimits, maxBufferSize: 2 ** 30 };
  readonly buffers = new Set<HostBuffer>();
  allocations = 0;
  launches = 0;
  reads = 0;
  settles = 0;
  /** The most bytes that were held at a time. */
  peak = 0;
  /** The most bytes that were written since the device was last waited for. */
  largestWrite = 0;
  /** Bytes that it has; an `alloc` beyond them shows at the next `settled`, as on a GPU. */
  capacity = Number.POSITIVE_INFINITY;
  /** How much of the stated rounding a reference's numbers get: results are rounded to float32. */
  #written = 0;
  #failed: DeviceError | undefined;
  #call: { kernel: DeviceKernel; params: Params; buffers: unknown; left: number } | undefined;
  readonly #unpacked = new WeakMap<HostBuffer, { version: number; storage: Storage; numbers: Float32Array }>();

  get bytes(): number {
    return [...this.buffers].reduce((n, b) => n + b.bytes, 0);
  }
  get counts(): Counts {
    const { allocations, launches, reads, settles, bytes } = this;
    return { allocations, launches, reads, settles, bytes };
  }

  alloc(bytes: number, label: string): HostBuffer {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % WORD !== 0)
      throw new Error(`${label}: a buffer of ${bytes} bytes`);
    if (bytes > this.limits.maxBufferSize) throw new DeviceError("out-of-memory", `${label}: ${bytes} bytes`);
    const buffer = new HostBuffer(bytes, label, this);
    this.buffers.add(buffer);
    this.allocations++;
    this.peak = Math.max(this.peak, this.bytes);
    if (this.bytes > this.capacity) {
      buffer.invalid = true;
      this.#failed ??= new DeviceError("out-of-memory", `${label}: there are no ${bytes} bytes`);
    }
    return buffer;
  }

  write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): void {
    const to = this.#part(buffer, offset, bytes.byteLength);
    if (bytes.byteLength === 0) throw new Error("nothing is written");
    new Uint8Array(to.data).set(bytes, offset);
    to.version++;
    this.#written += bytes.byteLength;
    this.largestWrite = Math.max(this.largestWrite, this.#written);
  }

  copy(from: DeviceBuffer, fromOffset: number, to: DeviceBuffer, toOffset: number, bytes: number): void {
    if (from === to) throw new Error("a copy within one buffer");
    if (bytes === 0) throw new Error("nothing is copied");
    const source = this.#part(from, fromOffset, bytes);
    const target = this.#part(to, toOffset, bytes);
    new Uint8Array(target.data).set(new Uint8Array(source.data, fromOffset, bytes), toOffset);
    target.version++;
  }

  async compile(): Promise<void> {}

  async prepare(kernel: AnyKernel, storage?: Storage): Promise<DeviceKernel> {
    return { kernel, variant: variantFor(kernel, abilities, storage), preset: presetFor(kernel, abilities) };
  }

  launch(
    prepared: DeviceKernel,
    launch: Launch,
    params: Params,
    buffers: Readonly<Record<string, DeviceBuffer>>,
  ): void {
    this.launches++;
    if (launch.workgroups.includes(0)) throw new Error(`${prepared.kernel.name}: a launch of no workgroups`);
    if (launch.workgroups.some((n) => n > this.limits.maxComputeWorkgroupsPerDimension))
      throw new Error(`${prepared.kernel.name}: too many workgroups`);
    const { kernel, variant, preset } = prepared;
    const all = { ...params, ...(launch.params as Params) };
    writeParams(kernel, all, new DataView(new ArrayBuffer(paramBytes(kernel))));
    // The reference computes the whole call: once, at its first launch.
    const call = this.#call;
    if (call !== undefined && call.kernel === prepared && call.params === params && call.buffers === buffers) {
      if (--call.left === 0) this.#call = undefined;
      return;
    }
    if (call !== undefined) throw new Error(`${call.kernel.kernel.name}: ${call.left} launches are missing`);
    const count = kernel
      .launches(params, { variant, preset, limits: this.limits })
      .filter((l) => !l.workgroups.includes(0)).length;
    this.#compute(prepared, params, buffers);
    if (count > 1) this.#call = { kernel: prepared, params, buffers, left: count - 1 };
  }

  async read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<Uint8Array> {
    this.reads++;
    const data = new Uint8Array(this.#part(buffer, offset, bytes).data).slice(offset, offset + bytes);
    await this.#later();
    return data;
  }

  async settled(): Promise<void> {
    this.settles++;
    await this.#later();
    this.#written = 0;
  }

  async #later(): Promise<void> {
    const failed = this.#failed;
    this.#failed = undefined;
    await new Promise((resume) => setImmediate(resume));
    if (failed !== undefined) throw failed;
  }

  #part(buffer: DeviceBuffer, offset: number, bytes: number): HostBuffer {
    const own = buffer as HostBuffer;
    if (own.device !== this) throw new Error("a buffer of another device");
    if (offset % WORD !== 0 || bytes % WORD !== 0) throw new Error(`${own.label}: ${offset} and ${bytes} are no words`);
    if (own.invalid) this.#failed ??= new DeviceError("failed", `${own.label} is invalid`);
    if (offset + bytes > own.data.byteLength)
      throw new Error(`${own.label}: ${offset} + ${bytes} is beyond its ${own.bytes} bytes`);
    return own;
  }

  #compute({ kernel, variant }: DeviceKernel, params: Params, buffers: Readonly<Record<string, DeviceBuffer>>): void {
    const used = Object.entries(kernel.buffers).filter(([, spec]) => !spec.shape(params).includes(0));
    const writers = new Set<HostBuffer>();
    const readers = new Set<HostBuffer>();
    for (const [name, spec] of Object.entries(kernel.buffers)) {
      const buffer = buffers[name] as HostBuffer | undefined;
      if (buffer === undefined) continue;
      void buffer.data;
      if (buffer.invalid) this.#failed ??= new DeviceError("failed", `${buffer.label} is invalid`);
      const writes = spec.role !== "input";
      if (writers.has(buffer) || (writes && readers.has(buffer)))
        throw new Error(`${kernel.name}: ${buffer.label} is read and written in one launch`);
      (writes ? writers : readers).add(buffer);
    }
    const inputs: Record<string, ArrayLike<number>> = {};
    for (const [name, spec] of used) {
      const buffer = buffers[name] as HostBuffer | undefined;
      if (buffer === undefined) {
        if (spec.element === "scale" && variant.storage?.startsWith("i") !== true) continue;
        throw new Error(`${kernel.name} needs ${name} [${spec.shape(params).join(" ")}]`);
      }
      const bytes = bufferBytes(spec, params, variant.storage);
      if (bytes > buffer.bytes)
        throw new Error(
          `${kernel.name}: ${name} [${spec.shape(params).join(" ")}] needs ${bytes} bytes, ${buffer.label} has ${buffer.bytes}`,
        );
      if (spec.role !== "input" && spec.role !== "inout") continue;
      if (spec.element === "scale") continue;
      inputs[name] =
        spec.element === "weight"
          ? this.#weight(buffer, buffers.scale as HostBuffer | undefined, spec, params, variant.storage ?? "f32")
          : viewOf(spec, buffer.data).subarray(0, countOf(spec, params));
    }
    const results: Arrays = kernel.reference(params, inputs);
    for (const [name, spec] of used) {
      const [numbers, buffer] = [results[name], buffers[name] as HostBuffer | undefined];
      if (numbers === undefined || buffer === undefined || spec.role === "input" || spec.role === "scratch") continue;
      viewOf(spec, buffer.data).set(numbers);
      buffer.version++;
    }
  }

  #weight(
    buffer: HostBuffer,
    scale: HostBuffer | undefined,
    spec: BufferSpec,
    params: Params,
    storage: Storage,
  ): Float32Array {
    if (storage === "f32") return new Float32Array(buffer.data).subarray(0, countOf(spec, params));
    const known = this.#unpacked.get(buffer);
    if (known !== undefined && known.version === buffer.version && known.storage === storage) return known.numbers;
    const [rows = 1, ...rest] = spec.shape(params);
    const packed = {
      words: new Uint32Array(buffer.data),
      scales: scale === undefined ? new Float32Array(0) : new Float32Array(scale.data),
    };
    const numbers = unpack(
      storage,
      packed,
      rows,
      rest.reduce((n, d) => n * d, 1),
    );
    this.#unpacked.set(buffer, { version: buffer.version, storage, numbers });
    return numbers;
  }
}

const countOf = (spec: BufferSpec, params: Params): number => spec.shape(params).reduce((n, d) => n * d, 1);

function viewOf({ element }: BufferSpec, data: ArrayBuffer): Float32Array | Int32Array | Uint32Array {
  if (element === "i32") return new Int32Array(data);
  return element === "u32" ? new Uint32Array(data) : new Float32Array(data);
}

import { type AnyKernel, gpuUsage, type Launch, type LaunchLimits, type Params, type Storage } from "@hulu/kernels";
import { type DeviceBuffer, DeviceError, type DeviceKernel, type KernelDevice } from "@hulu/planner";
import { GpuBuffer, ownedBy } from "./buffer.js";
import { Faults } from "./faults.js";
import { Recorder, ROOM } from "./recorder.js";
import type { ReadyKernel, SharedDevice } from "./shared.js";

const { COPY_DST, COPY_SRC, gpuBytes, MAP_READ, READ, STORAGE } = gpuUsage;

/** Bytes written past the recording after which the queue is told to go on: until then it keeps a copy of them. */
const MOST_UPLOAD = 16 * 2 ** 20;
/** A buffer of at most so many bytes is kept for the next reading: logits of 256,000 tokens fit. */
const KEPT_READ = 2 ** 20;

/** Bytes of GPU memory that a model has beside its buffers: for uniform blocks, and for what is read. */
export const OWN_BYTES = ROOM + KEPT_READ;

/**
 * What one model does on a GPU that it may share with others: buffers, a recording, and errors of its own. Launches are
 * recorded until something is read, so a token is one submit.
 */
export class WebgpuDevice implements KernelDevice {
  readonly limits: LaunchLimits & { readonly maxBufferSize: number };
  readonly #shared: SharedDevice;
  readonly #faults: Faults;
  readonly #recorder: Recorder;
  readonly #buffers = new Set<GpuBuffer>();
  readonly #spares = new Map<number, GpuBuffer>();
  #ids = 0;
  #uploaded = 0;
  /** Of `KEPT_READ` bytes, while nobody reads. */
  #reading: GPUBuffer | undefined;
  #disposed = false;

  constructor(shared: SharedDevice) {
    shared.alive();
    this.#shared = shared;
    this.limits = shared.gpu.limits;
    this.#faults = new Faults(shared.gpu);
    shared.listen(this.#faults);
    this.#recorder = new Recorder(shared.gpu, this.#faults, {
      owner: this,
      spare: (binding) => this.#spare(binding),
    });
  }

  /** How many buffers there are that were not given back. */
  get buffers(): number {
    return this.#buffers.size;
  }
  /** How many bind groups are kept. */
  get groups(): number {
    return this.#recorder.bindings.count;
  }

  alloc(bytes: number, label: string): GpuBuffer {
    this.#alive();
    const size = gpuBytes(bytes);
    const { maxBufferSize } = this.limits;
    if (size > maxBufferSize)
      throw new DeviceError(
        "out-of-memory",
        `${label}: ${bytes} bytes; a buffer of this GPU has at most ${maxBufferSize}`,
      );
    const gpu = this.#faults.guarded(`${label} (${bytes} bytes)`, () =>
      this.#shared.gpu.createBuffer({ label, size, usage: STORAGE | COPY_SRC | COPY_DST }),
    );
    const buffer = new GpuBuffer(this, this.#ids++, gpu, bytes, label, (b) => this.#destroy(b));
    this.#buffers.add(buffer);
    return buffer;
  }

  write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): void {
    this.#alive();
    if (bytes.byteLength === 0) return;
    const to = this.#own(buffer);
    // What goes straight to the queue overtakes what is recorded. That does no harm unless the recording uses the buffer.
    if (this.#recorder.uses(to)) {
      if (this.#recorder.write(to, offset, bytes)) return;
      this.#recorder.submit();
    }
    this.#faults.guarded(`${to.label} (a write of ${bytes.byteLength} bytes at ${offset})`, () =>
      this.#shared.gpu.queue.writeBuffer(to.gpu, offset, bytes as Uint8Array<ArrayBuffer>),
    );
    this.#uploaded += bytes.byteLength;
    if (this.#uploaded < MOST_UPLOAD) return;
    this.#uploaded = 0;
    this.#recorder.submit();
    this.#shared.gpu.queue.submit([]);
  }

  copy(from: DeviceBuffer, fromOffset: number, to: DeviceBuffer, toOffset: number, bytes: number): void {
    this.#alive();
    if (bytes === 0) return;
    const [source, target] = [this.#own(from), this.#own(to)];
    if (source !== target) {
      this.#recorder.copy(source, fromOffset, target, toOffset, bytes);
      return;
    }
    // WebGPU copies only from one buffer to another.
    const between = this.alloc(bytes, `a copy within ${source.label}`);
    this.#recorder.copy(source, fromOffset, between, 0, bytes);
    this.#recorder.copy(between, 0, target, toOffset, bytes);
    between.destroy();
  }

  async prepare(kernel: AnyKernel, storage?: Storage): Promise<DeviceKernel> {
    return this.#shared.prepare(kernel, storage);
  }

  compile(kernel: DeviceKernel, entries: readonly string[]): Promise<void> {
    return this.#shared.compile(kernel as ReadyKernel, entries);
  }

  launch(kernel: DeviceKernel, launch: Launch, params: Params, buffers: Readonly<Record<string, DeviceBuffer>>): void {
    this.#alive();
    this.#recorder.launch({ kernel: kernel as ReadyKernel, launch, params, buffers });
  }

  async read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<Uint8Array> {
    this.#alive();
    if (bytes === 0) return new Uint8Array(0);
    const from = this.#own(buffer);
    const target = this.#readingBuffer(bytes);
    try {
      await this.#faults.heard(() => {
        this.#recorder.copyOut(from, offset, target, bytes);
        this.#recorder.submit();
        return this.#shared.orLost(target.mapAsync(READ, 0, bytes));
      });
      // Somebody else may have heard of it before, and these bytes are not what was to be computed.
      const failure = this.#recorder.failureOf(from);
      if (failure !== undefined) throw failure;
      return new Uint8Array(target.getMappedRange(0, bytes)).slice();
    } finally {
      this.#endReading(target);
    }
  }

  async settled(): Promise<void> {
    this.#alive();
    this.#recorder.submit();
    await this.#faults.heard(() => this.#shared.orLost(this.#shared.gpu.queue.onSubmittedWorkDone()));
  }

  /** Give back everything that is left: the end of a model. The device itself stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#recorder.dispose();
    for (const buffer of this.#buffers) buffer.destroy();
    for (const buffer of this.#spares.values()) buffer.destroy();
    this.#reading?.destroy();
    this.#shared.unlisten(this.#faults);
    this.#disposed = true;
  }

  #readingBuffer(bytes: number): GPUBuffer {
    const kept = this.#reading;
    if (kept !== undefined && bytes <= KEPT_READ) {
      this.#reading = undefined;
      return kept;
    }
    const size = Math.max(KEPT_READ, gpuBytes(bytes));
    return this.#faults.guarded(`a reading of ${bytes} bytes`, () =>
      this.#shared.gpu.createBuffer({ label: "what is read", size, usage: MAP_READ | COPY_DST }),
    );
  }

  #endReading(target: GPUBuffer): void {
    const keep = this.#reading === undefined && !this.#disposed && target.size === KEPT_READ;
    if (keep && target.mapState === "mapped") {
      target.unmap();
      this.#reading = target;
    } else target.destroy();
  }

  /** What a binding holds that is not used: each one its own, since one buffer cannot be read and written in a launch. */
  #spare(binding: number): GpuBuffer {
    const spare = this.#spares.get(binding) ?? this.alloc(0, "not used");
    this.#buffers.delete(spare);
    this.#spares.set(binding, spare);
    return spare;
  }

  #own(buffer: DeviceBuffer): GpuBuffer {
    if (!ownedBy(this, buffer)) throw new DeviceError("failed", "the buffer is of another device");
    if (!buffer.alive) throw new DeviceError("failed", `the buffer of ${buffer.label} was given back`);
    return buffer;
  }

  #destroy(buffer: GpuBuffer): void {
    this.#buffers.delete(buffer);
    this.#recorder.destroy(buffer);
  }

  #alive(): void {
    if (this.#disposed) throw new DeviceError("failed", "the model was disposed of");
    this.#shared.alive();
  }
}

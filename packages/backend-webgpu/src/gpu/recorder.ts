import { gpuUsage, type Params, writeParams } from "@hulu/kernels";
import type { DeviceError } from "@hulu/planner";
import { type BindingOptions, Bindings, type Call } from "./bindings.js";
import type { GpuBuffer } from "./buffer.js";
import type { Faults } from "./faults.js";
import type { ReadyKernel } from "./shared.js";

const { COPY_DST, COPY_SRC, UNIFORM, UNIFORM_STEP: STEP } = gpuUsage;

/** Room for the uniform blocks of 2,048 launches, and for small writes: a token of 36 layers takes a quarter of it. */
export const ROOM = 2048 * STEP;
/**
 * Multiplications and additions of one submit. What a system's watchdog takes for hanging is one submit that runs for seconds;
 * a token of 70 billion parameters stays below this, and a long prompt becomes several.
 */
const MOST_FLOPS = 2e11;

/**
 * Launches and copies of one model, recorded into one command buffer until it is submitted. Their uniform blocks, and what is
 * written in between, lie in one buffer that is filled once for all of them.
 */
export class Recorder {
  /** The number of the recording that is open. */
  now = 1;
  readonly bindings: Bindings;
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #staged = new Uint8Array(ROOM);
  readonly #view = new DataView(this.#staged.buffer);
  readonly #ring: GPUBuffer;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: GPUComputePipeline | undefined;
  #used = 0;
  #flops = 0;
  /** Recordings that the device refused, of which nothing was computed. */
  readonly #failed = new Map<number, DeviceError>();
  /** Buffers that were given back while the recording uses them. */
  #doomed: GPUBuffer[] = [];

  constructor(device: GPUDevice, faults: Faults, buffers: Pick<BindingOptions, "owner" | "spare">) {
    this.#device = device;
    this.#faults = faults;
    const usage = UNIFORM | COPY_SRC | COPY_DST;
    this.#ring = faults.guarded("uniform blocks", () =>
      device.createBuffer({ label: "uniform blocks", size: ROOM, usage }),
    );
    this.bindings = new Bindings({ device, faults, uniform: this.#ring, ...buffers });
  }

  /** Whether what is recorded and not submitted uses a buffer. */
  uses(buffer: GpuBuffer): boolean {
    return buffer.usedIn === this.now;
  }

  /** Why a buffer does not hold what it was to hold, where the recording that used it last was refused. */
  failureOf(buffer: GpuBuffer): DeviceError | undefined {
    return this.#failed.get(buffer.usedIn);
  }

  launch(call: Call): void {
    const { kernel, launch, params } = call;
    if (launch.workgroups.includes(0)) return;
    const pipeline = kernel.pipelines.get(launch.entry) ?? this.#compile(kernel, launch.entry);
    if (this.#used + kernel.block > ROOM || this.#flops > MOST_FLOPS) this.submit();
    const { group, buffers } = this.bindings.of(call);
    const given = launch.params === undefined ? params : { ...params, ...(launch.params as Params) };
    writeParams(kernel.kernel, given, this.#view, this.#used);
    this.#pass ??= this.#encode().beginComputePass();
    if (this.#pipeline !== pipeline) this.#pass.setPipeline(pipeline);
    this.#pipeline = pipeline;
    this.#pass.setBindGroup(0, group, [this.#used]);
    this.#pass.dispatchWorkgroups(...launch.workgroups);
    for (const buffer of buffers) buffer.usedIn = this.now;
    this.#used += Math.ceil(kernel.block / STEP) * STEP;
    this.#flops += kernel.kernel.work(params, kernel.variant).flops;
  }

  copy(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, bytes: number): void {
    this.#between().copyBufferToBuffer(from.gpu, fromOffset, to.gpu, toOffset, bytes);
    from.usedIn = this.now;
    to.usedIn = this.now;
  }

  /** The bytes of a buffer into one that the host will read. */
  copyOut(from: GpuBuffer, offset: number, to: GPUBuffer, bytes: number): void {
    this.#between().copyBufferToBuffer(from.gpu, offset, to, 0, bytes);
  }

  /** Write behind what is recorded, with it. @returns false where the bytes are too many for that */
  write(buffer: GpuBuffer, offset: number, bytes: Uint8Array): boolean {
    if (this.#used + bytes.byteLength > ROOM) return false;
    this.#staged.set(bytes, this.#used);
    this.#between().copyBufferToBuffer(this.#ring, this.#used, buffer.gpu, offset, bytes.byteLength);
    buffer.usedIn = this.now;
    this.#used += Math.ceil(bytes.byteLength / STEP) * STEP;
    return true;
  }

  /** Destroy a buffer, once what is recorded has been submitted: the queue itself runs to the end what uses it. */
  destroy(buffer: GpuBuffer): void {
    this.bindings.evict(buffer);
    if (this.uses(buffer)) this.#doomed.push(buffer.gpu);
    else buffer.gpu.destroy();
  }

  /** Give the queue everything that was recorded. */
  submit(): void {
    const encoder = this.#encoder;
    if (encoder === undefined) return;
    this.#endPass();
    this.#encoder = undefined;
    const submit = () => {
      // The queue runs one after the other: the blocks of the submit before have been read when these are written.
      if (this.#used > 0) this.#device.queue.writeBuffer(this.#ring, 0, this.#staged, 0, this.#used);
      this.#device.queue.submit([encoder.finish()]);
    };
    const recording = this.now;
    this.#faults.guarded("a run", submit, (error) => this.#failed.set(recording, error));
    this.#used = 0;
    this.#flops = 0;
    this.now++;
    for (const buffer of this.#doomed.splice(0)) buffer.destroy();
  }

  dispose(): void {
    this.submit();
    this.#ring.destroy();
  }

  /** For a launch that nobody foresaw. */
  #compile(kernel: ReadyKernel, entry: string): GPUComputePipeline {
    const doing = `${kernel.kernel.name}.${entry}`;
    const pipeline = this.#faults.guarded(doing, () => kernel.compileNow(entry));
    kernel.pipelines.set(entry, pipeline);
    return pipeline;
  }

  #encode(): GPUCommandEncoder {
    this.#encoder ??= this.#device.createCommandEncoder();
    return this.#encoder;
  }

  /** The encoder, outside of a pass. */
  #between(): GPUCommandEncoder {
    this.#endPass();
    return this.#encode();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#pipeline = undefined;
  }
}

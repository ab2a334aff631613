import { boundBytes, bufferBytes, gpuUsage, type Launch, type Params } from "@hulu/kernels";
import { type DeviceBuffer, DeviceError } from "@hulu/planner";
import { type GpuBuffer, ownedBy } from "./buffer.js";
import type { Faults } from "./faults.js";
import type { ReadyKernel } from "./shared.js";

const { gpuBytes } = gpuUsage;

/** What one binding of a launch holds. */
interface Bound {
  readonly buffer: GpuBuffer;
  readonly offset: number;
  readonly size: number;
}

/** One launch: the kernel, its call, and the buffers by name. */
export interface Call {
  readonly kernel: ReadyKernel;
  readonly launch: Launch;
  readonly params: Params;
  readonly buffers: Readonly<Record<string, DeviceBuffer>>;
}

export interface BindingOptions {
  readonly device: GPUDevice;
  readonly faults: Faults;
  /** Binding 0 of every launch, at a dynamic offset. */
  readonly uniform: GPUBuffer;
  /** Whose buffers they are. */
  readonly owner: object;
  /** A small buffer that stands in a binding that a call does not use. */
  readonly spare: (binding: number) => GpuBuffer;
}

/** The bind groups of one model's launches: made once for the same kernel and buffers, gone with any of these buffers. */
export class Bindings {
  readonly #options: BindingOptions;
  readonly #groups = new Map<string, { readonly group: GPUBindGroup; readonly buffers: readonly GpuBuffer[] }>();

  constructor(options: BindingOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#groups.size;
  }

  /**
   * The bind group of a launch, and the buffers that are in it.
   * @throws DeviceError for a buffer that is missing, given back, or too small for what the kernel does with it
   */
  of(call: Call): { readonly group: GPUBindGroup; readonly buffers: readonly GpuBuffer[] } {
    const bound = call.kernel.specs.map((_, i) => this.#bound(call, i));
    let key = `${call.kernel.id}`;
    for (const { buffer, offset, size } of bound) key += `|${buffer.id},${offset},${size}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = this.#options.faults.guarded(call.kernel.kernel.name, () => this.#make(call.kernel, bound));
    const made = { group, buffers: bound.map(({ buffer }) => buffer) };
    this.#groups.set(key, made);
    for (const buffer of made.buffers) buffer.groups.add(key);
    return made;
  }

  /** A buffer goes, and with it the groups that it is in. */
  evict(buffer: GpuBuffer): void {
    for (const key of buffer.groups) {
      for (const other of this.#groups.get(key)?.buffers ?? []) if (other !== buffer) other.groups.delete(key);
      this.#groups.delete(key);
    }
    buffer.groups.clear();
  }

  #bound(call: Call, index: number): Bound {
    const { kernel, launch, params, buffers } = call;
    const [name, spec] = kernel.specs[index]!;
    const storage = kernel.variant.storage;
    const { offset, size } = boundBytes(spec, params, launch.rows, name, storage);
    if (size === 0) return { buffer: this.#options.spare(index), offset: 0, size: gpuBytes(0) };
    const buffer = buffers[name];
    const wrong = (why: string) => new DeviceError("failed", `${kernel.kernel.name}: its buffer ${name} ${why}`);
    if (buffer === undefined) throw wrong(`was not given; it takes ${bufferBytes(spec, params, storage)} bytes`);
    if (!ownedBy(this.#options.owner, buffer)) throw wrong("is of another device");
    if (!buffer.alive) throw wrong(`(${buffer.label}) was given back`);
    if (buffer.bytes < offset + size) throw wrong(`(${buffer.label}) has ${buffer.bytes} bytes, not ${offset + size}`);
    if (launch.rows?.[name] !== undefined) return { buffer, offset, size };
    const most = this.#options.device.limits.maxStorageBufferBindingSize;
    if (size > most) throw wrong(`takes ${size} bytes; a binding has at most ${most}`);
    // The whole buffer, and not what is used of it: then a longer call has the same group.
    return { buffer, offset, size: Math.min(gpuBytes(buffer.bytes), most - (most % 4)) };
  }

  #make({ layout, block }: ReadyKernel, bound: readonly Bound[]): GPUBindGroup {
    const { device, uniform } = this.#options;
    return device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: uniform, offset: 0, size: block } },
        ...bound.map(({ buffer, offset, size }, i) => ({
          binding: i + 1,
          resource: { buffer: buffer.gpu, offset, size },
        })),
      ],
    });
  }
}

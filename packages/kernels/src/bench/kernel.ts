/// <reference types="@webgpu/types" preserve="true" />
import type { AnyKernel, Arrays, Params, Preset, Variant } from "../kernel.js";
import { bufferBytes, KernelError } from "../layout.js";
import { Random } from "../random.js";
import { bindLaunches, type Dispatch } from "../webgpu/dispatch.js";
import { type PreparedKernel, prepareKernel } from "../webgpu/prepare.js";
import { COPY_DST, gpuBytes, STORAGE } from "../webgpu/usage.js";
import type { DeviceLimits } from "./limits.js";
import { type Stopwatch, secondsOf } from "./stopwatch.js";

/** One kernel in one form at one size, measured. */
export interface KernelFigure {
  readonly kernel: string;
  /** The name of its place in a model: one of the contract's `cases.bench`. */
  readonly place: string;
  readonly variant: string;
  readonly preset: string;
  readonly seconds: number;
  /** Bytes a second that it must move at the least, and of the device's copy. */
  readonly bytes: number;
  readonly ofCopy: number;
  /** Operations a second, and of the device's multiplication. */
  readonly flops: number;
  readonly ofMultiply: number;
}

export interface KernelPlace {
  readonly kernel: AnyKernel;
  readonly place: string;
  readonly variant: Variant;
  readonly preset: Preset;
}

/** Sizes alone: what a benchmark runs on is filled on the device, as a head of half a billion numbers is not made on the host. */
class Nothing extends Random {
  constructor() {
    super(0, false);
  }
  override numbers(): Float32Array {
    return new Float32Array();
  }
  override whole(): Int32Array {
    return new Int32Array();
  }
}

export async function measureKernel(
  device: GPUDevice,
  { kernel, place, variant, preset }: KernelPlace,
  watch: Stopwatch,
  limits: DeviceLimits,
): Promise<KernelFigure> {
  const sizes = kernel.cases.bench[place];
  if (sizes === undefined) throw new KernelError(`${kernel.name} is not measured at ${place}`);
  const { params } = kernel.cases.make(sizes, new Nothing()) as { params: Params; inputs: Arrays };
  const prepared = await prepareKernel(device, kernel, { variant, preset });
  const made: GPUBuffer[] = [];
  try {
    const record = recorded(device, prepared, params, made);
    const seconds = await secondsOf(watch, record);
    const work = kernel.work(params, variant);
    const [bytes, flops] = [work.bytes / seconds, work.flops / seconds];
    const ratios = { ofCopy: bytes / limits.copy, ofMultiply: flops / limits.multiply };
    return { kernel: kernel.name, place, variant: variant.name, preset: preset.name, seconds, bytes, flops, ...ratios };
  } finally {
    for (const buffer of made) buffer.destroy();
  }
}

function recorded(device: GPUDevice, prepared: PreparedKernel, params: Params, made: GPUBuffer[]): Dispatch {
  const { kernel, variant, preset } = prepared;
  const create = (size: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: gpuBytes(size), usage });
    made.push(buffer);
    return buffer;
  };
  const buffers = new Map(
    Object.entries(kernel.buffers).map(([name, spec]) => {
      const buffer = create(bufferBytes(spec, params, variant.storage), STORAGE | COPY_DST);
      // Zeros are read as fast, but some devices compress them; indices stay 0.
      if (spec.role === "input" && spec.element !== "i32") fill(device, buffer);
      return [name, buffer];
    }),
  );
  const launches = kernel.launches(params, { variant, preset, limits: device.limits });
  return bindLaunches(device, prepared, params, launches, { buffers, create });
}

const PIECE = 2 ** 20;

/** Words whose bits are a float of ordinary size, a pair of halves, and small quantized numbers alike. */
function fill(device: GPUDevice, buffer: GPUBuffer): void {
  const random = new Random(1, false);
  const words = Uint32Array.from({ length: PIECE / 4 }, () => 0x3c003800 | (random.unit() * 0x03ff03ff));
  for (let at = 0; at < buffer.size; at += PIECE)
    device.queue.writeBuffer(buffer, at, words, 0, Math.min(PIECE, buffer.size - at) / 4);
}

import { type CompileOptions, checkParams, SessionError, type StoredTensor, type WeightSource } from "@hulu/core";
import type { Storage } from "@hulu/kernels";
import { type DeviceBuffer, DeviceError, type KernelDevice } from "../device.js";
import type { Plan } from "../plan.js";
import { DeviceMemory } from "./memory.js";
import { oversized, type StorageOf, type WeightLayout, weightLayouts } from "./weight-layout.js";
import { PIECE, pieces } from "./weight-pieces.js";

/** A weight on the device. */
export interface HeldWeight {
  readonly storage: Storage;
  readonly buffer: DeviceBuffer;
  /** Of a quantized one. */
  readonly scale: DeviceBuffer | undefined;
}

/** The weights of some plans on a device. */
export interface Weights {
  get(path: string): HeldWeight;
  dispose(): void;
}

export interface LoadOptions extends Pick<CompileOptions, "signal" | "onProgress"> {
  /** How a matrix shall lie on the device; as it is stored unless given. */
  readonly storageOf?: StorageOf;
}

/**
 * Bring the weights of some plans to a device, piece by piece: the host holds one piece at a time, of 16 MiB as
 * stored, and the device as much beside the weights.
 * @throws WeightError when a weight is missing or has another shape, before any is read
 * @throws DeviceError when there is no memory for them; what was uploaded is freed then, as after an abort
 */
export async function loadWeights(
  plans: ReadonlyMap<string, Plan>,
  source: WeightSource,
  device: KernelDevice,
  { storageOf, signal, onProgress }: LoadOptions = {},
): Promise<Weights> {
  checkParams(Object.fromEntries([...plans].map(([name, { graph }]) => [name, graph])), source);
  const layouts = weightLayouts(plans.values(), (path) => source.info(path) as StoredTensor, storageOf);
  checkSizes(layouts, device);
  const memory = new DeviceMemory(device);
  const upload = new Upload(device);
  const held = new Map<string, HeldWeight>();
  try {
    for (const [path, layout] of layouts) {
      signal?.throwIfAborted();
      held.set(path, await load(layout, source, memory, upload, signal));
      onProgress?.(held.size, layouts.size, path);
    }
    await device.settled();
    signal?.throwIfAborted();
  } catch (error) {
    memory.dispose();
    throw error;
  }
  return {
    get: (path) => {
      const weight = held.get(path);
      if (weight === undefined) throw new SessionError(`there is no weight ${path}`);
      return weight;
    },
    dispose: () => memory.dispose(),
  };
}

async function load(
  layout: WeightLayout,
  source: WeightSource,
  memory: DeviceMemory,
  upload: Upload,
  signal: AbortSignal | undefined,
): Promise<HeldWeight> {
  const { path, storage, bytes, scaleBytes } = layout;
  const buffer = memory.alloc(bytes, path);
  const scale = scaleBytes > 0 ? memory.alloc(scaleBytes, `${path} scales`) : undefined;
  for await (const { words, at, scales, scalesAt } of pieces(layout, source, signal)) {
    signal?.throwIfAborted();
    await upload.write(words.byteLength + scales.byteLength, () => {
      if (words.byteLength > 0) memory.device.write(buffer, at, words);
      if (scale !== undefined && scales.byteLength > 0) memory.device.write(scale, scalesAt, scales);
    });
  }
  return { storage, buffer, scale };
}

/** Writes that the device waits for: without this a queue would hold a copy of everything that it has not come to. */
class Upload {
  #pending = 0;
  constructor(readonly device: KernelDevice) {}

  async write(bytes: number, body: () => void): Promise<void> {
    if (this.#pending > 0 && this.#pending + bytes > PIECE) {
      await this.device.settled();
      this.#pending = 0;
    }
    body();
    this.#pending += bytes;
  }
}

function checkSizes(layouts: ReadonlyMap<string, WeightLayout>, { limits }: KernelDevice): void {
  const large = oversized(layouts, limits.maxBufferSize);
  if (large !== undefined)
    throw new DeviceError(
      "out-of-memory",
      `${large.path} takes ${large.bytes} bytes; a buffer of this device holds at most ${limits.maxBufferSize}: store it in fewer bits`,
    );
}

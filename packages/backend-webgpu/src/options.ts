import type { Storage } from "@hulu/kernels";
import type { StorageOf } from "@hulu/planner";

/**
 * How the matrices of a model lie on the GPU. `stored`: as the checkpoint has them, in 16 bits where it has 16; `f32`, `f16`:
 * in these; `int8`, `int4`: quantized while loading, each 32 numbers of a row with a scale of their own. Norms, biases and what
 * else is no matrix lie in float32 always, and sums are float32 always.
 */
export type WeightFormat = "stored" | "f32" | "f16" | "int8" | "int4";

export interface WebgpuOptions {
  /**
   * Where adapters come from: `navigator.gpu` unless given. In Node, which has none, it is that of the npm package `webgpu`, as
   * `nodeGpu` of @hulu/kernels/node gives it, on the system's drivers.
   */
  readonly gpu?: GPU;
  /** A device to run on, which stays the caller's: it is never destroyed here. Its limits and features are what models get. */
  readonly device?: GPUDevice;
  /** Which adapter, where there are several. */
  readonly powerPreference?: GPUPowerPreference;
  /** How matrices lie; a function decides for each by its path and its shape in the checkpoint. `stored` unless given. */
  readonly weights?: WeightFormat | ((path: string, shape: readonly number[]) => WeightFormat);
  /** The most bytes of GPU memory that a model may take, by its estimate: a larger one is refused before it is loaded. */
  readonly maxBytes?: number;
}

const STORAGES: ReadonlyMap<WeightFormat, Storage | "stored"> = new Map([
  ["stored", "stored"],
  ["f32", "f32"],
  ["f16", "f16"],
  ["int8", "i8"],
  ["int4", "i4"],
]);

/** @throws RangeError for an option that cannot be */
export function checkOptions({ weights, maxBytes }: WebgpuOptions): void {
  if (typeof weights !== "function" && weights !== undefined) storageFor(weights);
  if (maxBytes !== undefined && !(maxBytes > 0)) throw new RangeError(`maxBytes is a number above 0, not ${maxBytes}`);
}

/** How each matrix shall lie. */
export function storageOf({ weights = "stored" }: WebgpuOptions): StorageOf {
  if (typeof weights !== "function") return () => storageFor(weights);
  return (path, { shape }) => storageFor(weights(path, shape));
}

/** @throws RangeError for a format that is not known */
function storageFor(format: WeightFormat): Storage | "stored" {
  const storage = STORAGES.get(format);
  if (storage !== undefined) return storage;
  throw new RangeError(`weights are ${[...STORAGES.keys()].join(", ")}, not ${String(format)}`);
}

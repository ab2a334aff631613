import type { SessionOwner, StoredTensor, WeightSource } from "@hulu/core";
import { oversized, type Plan, type StorageOf, weightLayouts } from "@hulu/planner";
import { WebgpuError } from "./errors.js";

const WORD = 4;

type Limits = Pick<GPUSupportedLimits, "maxBufferSize" | "maxStorageBufferBindingSize">;

/** @throws WebgpuError `too-large` when an estimate is over what the caller allows */
export function checkBytes(peak: number, maxBytes: number | undefined): void {
  if (maxBytes !== undefined && peak > maxBytes)
    throw new WebgpuError(
      "too-large",
      `the model takes ${peak} bytes of GPU memory, and maxBytes allows ${maxBytes}: take a shorter context, or store its weights in fewer bits (weights: "int8", "int4")`,
    );
}

/** @throws WebgpuError `too-large` when a weight is larger than a buffer of the device can be */
export function checkWeights(
  plans: ReadonlyMap<string, Plan>,
  weights: Pick<WeightSource, "info">,
  storageOf: StorageOf,
  { maxBufferSize }: Limits,
): void {
  const layouts = weightLayouts(plans.values(), (path) => weights.info(path) as StoredTensor, storageOf);
  const large = oversized(layouts, maxBufferSize);
  if (large !== undefined)
    throw new WebgpuError(
      "too-large",
      `${large.path} takes ${large.bytes} bytes, and a buffer of this GPU has at most ${maxBufferSize}: store it in fewer bits (weights: "int8", "int4")`,
    );
}

/** The rows of a state are one binding of a kernel: a session ends where that does. */
export function sessionsWithin(
  owner: SessionOwner,
  { maxBufferSize, maxStorageBufferBindingSize }: Limits,
): SessionOwner {
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize) / WORD;
  const widest = Math.max(1, ...owner.widths.values());
  return { ...owner, most: Math.min(owner.most, Math.floor(most / widest)) };
}

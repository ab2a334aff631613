import { type Env, type MemoryEstimate, memoryEstimate, type WeightSource } from "@hulu/core";
import { estimatePlans, type Plan, type StorageOf } from "@hulu/planner";
import { OWN_BYTES } from "./gpu/device.js";

/** What plans take of GPU memory, from headers; and what each model has beside that, whatever it computes. */
export function estimate(
  plans: ReadonlyMap<string, Plan>,
  weights: Pick<WeightSource, "info">,
  max: Env,
  storageOf: StorageOf,
): MemoryEstimate {
  const { peak: _, ...parts } = estimatePlans(plans, weights, max, storageOf);
  return memoryEstimate({ ...parts, fixed: parts.fixed + OWN_BYTES });
}

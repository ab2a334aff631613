import {
  type CompileOptions,
  checkParams,
  type Env,
  type Executable,
  type Programs,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import { loadWeights, type Plan, plannedExecutable, planProgram } from "@hulu/planner";
import type { Devices } from "./devices.js";
import { estimate } from "./estimate.js";
import { WebgpuDevice } from "./gpu/device.js";
import { storageOf, type WebgpuOptions } from "./options.js";
import { checkBytes, checkWeights, sessionsWithin } from "./room.js";

/** The plans of some programs. @throws UnsupportedError for what no kernel computes */
export const plansOf = (programs: Programs, max: Env): ReadonlyMap<string, Plan> =>
  new Map(Object.entries(programs).map(([name, graph]) => [name, planProgram(graph, { max })]));

/** Plan, look whether it fits, and bring the weights to the GPU. */
export async function compile(
  programs: Programs,
  weights: WeightSource,
  { max = {}, signal, onProgress }: CompileOptions,
  { devices, ...options }: WebgpuOptions & { readonly devices: Devices },
): Promise<Executable> {
  const plans = plansOf(programs, max);
  checkParams(programs, weights);
  const storage = storageOf(options);
  checkBytes(estimate(plans, weights, max, storage).peak, options.maxBytes);
  signal?.throwIfAborted();
  const shared = await devices.get();
  checkWeights(plans, weights, storage, shared.gpu.limits);
  const owner = sessionsWithin(await sessionOwner(programs, weights, max), shared.gpu.limits);
  const device = new WebgpuDevice(shared);
  try {
    const held = await loadWeights(plans, weights, device, {
      storageOf: storage,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const executable = await plannedExecutable({ device, plans, weights: held, owner, max });
    return withDevice(executable, device);
  } catch (error) {
    device.dispose();
    throw error;
  }
}

/** Disposal that takes with it what the device keeps for this model. */
function withDevice(executable: Executable, device: WebgpuDevice): Executable {
  const dispose = () => {
    executable.dispose();
    device.dispose();
  };
  return Object.freeze({ ...executable, dispose, [Symbol.dispose]: dispose });
}

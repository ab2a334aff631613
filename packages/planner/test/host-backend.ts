import {
  type Backend,
  type CompileOptions,
  type Env,
  type Executable,
  type Programs,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import {
  estimatePlans,
  loadWeights,
  type Plan,
  plannedExecutable,
  planProgram,
  type StorageOf,
  supports,
} from "../src/index.js";
import { HostDevice } from "./host-device.js";

const plansOf = (programs: Programs, max: Env): ReadonlyMap<string, Plan> =>
  new Map(Object.entries(programs).map(([name, graph]) => [name, planProgram(graph, { max })]));

/**
 * Everything of a backend on kernels but the device: graphs become plans, and these run where each kernel is its reference.
 * After `dispose` nothing may be left on the device.
 */
export const hostBackend = (device: HostDevice = new HostDevice(), storageOf?: StorageOf): Backend => ({
  name: "kernels on the host",
  supports,
  estimate: (programs: Programs, weights: WeightSource, max: Env) =>
    estimatePlans(plansOf(programs, max), weights, max, storageOf),
  compile: async (programs: Programs, weights: WeightSource, options: CompileOptions = {}): Promise<Executable> => {
    const max = options.max ?? {};
    const plans = plansOf(programs, max);
    options.signal?.throwIfAborted();
    const owner = await sessionOwner(programs, weights, max);
    const held = await loadWeights(plans, weights, device, { ...options, ...(storageOf && { storageOf }) });
    return plannedExecutable({ device, plans, weights: held, owner, max });
  },
});

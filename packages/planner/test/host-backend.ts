import {
  type Backend,
  type CompileOptions,
  type Env,
  type Executable,
  type Programs,
  sessionOwner,
  type WeightSource,
} from "@hulu/core";
import { type AnyKernel, storages } from "@hulu/kernels";
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
import { withStandIns } from "./stand-in.js";

/** A kernel that is only a contract yet, as a device can be asked for it. */
const launchable = (kernel: AnyKernel): AnyKernel =>
  kernel.variants.length > 0
    ? kernel
    : {
        ...kernel,
        variants: Object.values(kernel.buffers).some((spec) => spec.element === "weight")
          ? storages.map((storage) => ({ name: storage, storage, features: [], wgsl: [] }))
          : [{ name: "plain", features: [], wgsl: [] }],
        presets: [{ name: "one", constants: {}, invocations: 1, workgroupBytes: 0 }],
        launches: () => [{ entry: "main", workgroups: [1, 1, 1] }],
      };
export const kernels = withStandIns.map(launchable);

const plansOf = (programs: Programs, max: Env): ReadonlyMap<string, Plan> =>
  new Map(Object.entries(programs).map(([name, graph]) => [name, planProgram(graph, { max, kernels })]));

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

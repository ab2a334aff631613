import { composeVlm, decoder, type Env, evaluate, projector, vit, vlmPrograms } from "@hulu/core";
import {
  type AnyKernel,
  boundBytes,
  defaultLimits,
  type Launch,
  type Params,
  paramBytes,
  type Variant,
  writeParams,
} from "@hulu/kernels";
import { expect, test } from "vitest";
import type { Step } from "../plan.js";
import { planProgram } from "./program.js";

// The sizes of Hulu-Med 7B, of which a layer is like the others, on a device that has no more than every device.

const programs = vlmPrograms(
  composeVlm({
    vision: vit({
      ...{ width: 1152, layers: 1, heads: 16, hidden: 4304, channels: 3, patch: 14 },
      ...{ eps: 1e-6, ropeTheta: 10_000, pairing: "half" },
    }),
    projector: projector("mlp2x_gelu", 1152, 3584),
    decoder: decoder({
      ...{
        family: "qwen2",
        vocab: 152_064,
        embed: 3584,
        layers: 1,
        heads: 28,
        kvHeads: 4,
        headDim: 128,
        hidden: 18_944,
      },
      ...{ ropeTheta: 1e6, eps: 1e-6, qkvBias: true, outBias: false, qkNorm: false, tied: false },
    }),
  }),
);
const sizes: Env = {
  batch: 1,
  frame: 1,
  token: 4096,
  window: 4,
  row: 16_384,
  kept: 16_384,
  seq: 16_384,
  past: 16_384,
  pick: 1,
};
const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension, minStorageBufferOffsetAlignment } =
  defaultLimits;

/** What a device would refuse of a launch. */
function refused(kernel: AnyKernel, variant: Variant, params: Params, launch: Launch): string[] {
  const block = new DataView(new ArrayBuffer(paramBytes(kernel)));
  writeParams(kernel, { ...params, ...(launch.params as Params) }, block);
  const grid = launch.workgroups.filter((n) => !(n >= 0 && n <= maxComputeWorkgroupsPerDimension));
  const bound = Object.entries(kernel.buffers).flatMap(([name, spec]) => {
    const { offset, size } = boundBytes(spec, params, launch.rows, name, variant.storage);
    const fits = size <= maxStorageBufferBindingSize && offset % minStorageBufferOffsetAlignment === 0;
    return fits ? [] : [`${kernel.name}: ${size} bytes of ${name} at ${offset}`];
  });
  return [...grid.map((n) => `${kernel.name}: ${n} workgroups`), ...bound];
}

function refusedOf({ kernel, params }: Step, env: Env): string[] {
  const numbers = Object.fromEntries(Object.entries(params).map(([name, size]) => [name, evaluate(size, env)]));
  return kernel.variants.flatMap((variant) =>
    kernel.presets.flatMap((preset) =>
      kernel
        .launches(numbers, { variant, preset, limits: defaultLimits })
        .flatMap((launch) => refused(kernel, variant, numbers, launch)),
    ),
  );
}

test.each(Object.entries(programs))("%s, in bindings and workgroups that every device has", (_, graph) => {
  const { steps } = planProgram(graph, { max: sizes });
  expect(steps.flatMap((step) => [sizes, { ...sizes, seq: 1 }].flatMap((env) => refusedOf(step, env)))).toEqual([]);
});

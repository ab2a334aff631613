import { formsOf } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { type AnyKernel, anyKernel } from "./kernel.js";
import { addRmsNorm } from "./kernels/add-rms-norm.js";
import { binary } from "./kernels/binary.js";
import { layerNorm } from "./kernels/layer-norm.js";
import { qkNormRotate } from "./kernels/qk-norm-rotate.js";
import { rmsNorm } from "./kernels/rms-norm.js";
import { rope1d } from "./kernels/rope-1d.js";
import { rope2d } from "./kernels/rope-2d.js";
import { ropeTable } from "./kernels/rope-table.js";
import { rotate } from "./kernels/rotate.js";
import { softmax } from "./kernels/softmax.js";
import { swiglu } from "./kernels/swiglu.js";
import { tokenMerge } from "./kernels/token-merge.js";
import { unary } from "./kernels/unary.js";
import { Random } from "./random.js";
import { launchesOf, tightLimits } from "./testing/limits.js";

/** Whether one of the examples that are always tried is cut by small bindings, and so held against the reference. */
const isCut = (kernel: AnyKernel) =>
  kernel.cases.always.some((sizes) => {
    const [form] = formsOf(kernel);
    const { params } = kernel.cases.make(sizes, new Random(1, true));
    const limits = tightLimits(form!, params, "bindings");
    return limits !== undefined && launchesOf(form!, params, limits).length > 1;
  });

test("every kernel has an example that small bindings cut", () => {
  const all = [
    anyKernel(addRmsNorm),
    anyKernel(binary),
    anyKernel(layerNorm),
    anyKernel(qkNormRotate),
    anyKernel(rmsNorm),
    anyKernel(rope1d),
    anyKernel(rope2d),
    anyKernel(ropeTable),
    anyKernel(rotate),
    anyKernel(softmax),
    anyKernel(swiglu),
    anyKernel(tokenMerge),
    anyKernel(unary),
  ];
  expect(all.filter((kernel) => !isCut(kernel)).map(({ name }) => name)).toEqual([]);
});

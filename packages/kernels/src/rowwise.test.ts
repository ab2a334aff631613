import { type KernelForm, testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../test/device.js";
import { tight } from "../test/tight.js";
import { anyKernel } from "./kernel.js";
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

test("what is over the limit of a binding, or of a dimension of the grid, is cut, and comes out the same", async () => {
  const runner = await testRunner();
  const only = ({ variant, preset }: KernelForm) => variant.features.length === 0 && preset.constants.THREADS === 64;
  for (const kernel of [
    anyKernel(tight(layerNorm, 768, [{ rows: 70, width: 3, far: 0 }])),
    anyKernel(tight(rmsNorm, 768, [{ rows: 70, width: 3 }])),
    anyKernel(tight(softmax, 768, [{ rows: 70, width: 3, spread: 1, masked: 1 }])),
    anyKernel(tight(tokenMerge, 3072, [{ rows: 70, m: 2, width: 3, bilinear: 0 }])),
    anyKernel(tight(ropeTable, 512, [{ seq: 300, n: 2, far: 12 }])),
    anyKernel(tight(rotate, 1024, [{ batch: 2, seq: 70, heads: 1, half: 2, interleaved: 1 }])),
    anyKernel(tight(addRmsNorm, 768, [{ rows: 70, width: 3 }])),
    anyKernel(tight(qkNormRotate, 1024, [{ batch: 2, seq: 35, heads: 1, half: 2, interleaved: 0 }])),
    anyKernel(tight(rope1d, 1024, [{ rows: 70, heads: 1, half: 2, interleaved: 0, far: 10 }])),
    anyKernel(tight(rope2d, 1024, [{ rows: 70, heads: 1, quarter: 1, interleaved: 0, side: 9 }])),
    anyKernel(tight(swiglu, 1024, [{ count: 700, spread: 1 }])),
    anyKernel(tight(unary, 1024, [{ count: 700, op: 5, small: 1 }])),
    anyKernel(tight(binary, 1024, [{ count: 700, op: 1 }])),
  ])
    expect(await testKernel(kernel, runner, { runs: 0, only })).toBe(1);
});

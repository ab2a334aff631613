import { type KernelForm, testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../test/device.js";
import { tight } from "../test/tight.js";
import { anyKernel } from "./kernel.js";
import { binary } from "./kernels/binary.js";
import { layerNorm } from "./kernels/layer-norm.js";
import { rmsNorm } from "./kernels/rms-norm.js";
import { ropeTable } from "./kernels/rope-table.js";
import { rotate } from "./kernels/rotate.js";
import { softmax } from "./kernels/softmax.js";
import { tokenMerge } from "./kernels/token-merge.js";
import { unary } from "./kernels/unary.js";

test("what is over the limit of a binding, or of a dimension of the grid, is cut, and comes out the same", async () => {
  const runner = await testRunner();
  const only = ({ variant, preset }: KernelForm) => variant.features.length === 0 && preset.invocations === 64;
  for (const kernel of [
    anyKernel(tight(layerNorm, 768, [{ rows: 70, width: 3, far: 0 }])),
    anyKernel(tight(rmsNorm, 768, [{ rows: 70, width: 3 }])),
    anyKernel(tight(softmax, 768, [{ rows: 70, width: 3, spread: 1, masked: 1 }])),
    anyKernel(tight(tokenMerge, 3072, [{ rows: 70, m: 2, width: 3, bilinear: 0 }])),
    anyKernel(tight(ropeTable, 512, [{ seq: 300, n: 2, far: 12 }])),
    anyKernel(tight(rotate, 1024, [{ batch: 2, seq: 70, heads: 1, half: 2, interleaved: 1 }])),
    anyKernel(tight(unary, 1024, [{ count: 700, op: 5, small: 1 }])),
    anyKernel(tight(binary, 1024, [{ count: 700, op: 1 }])),
  ])
    expect(await testKernel(kernel, runner, { runs: 0, only })).toBe(1);
});

import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testDevice, withLimits } from "../../test/device.js";
import { type AnyKernel, anyKernel, defaultLimits, type Launch, type LaunchLimits, type Params } from "../kernel.js";
import { boundBytes } from "../layout.js";
import { Random } from "../random.js";
import { binaryI32 } from "./binary-i32.js";
import { compare } from "./compare.js";
import { compareI32 } from "./compare-i32.js";
import { copy } from "./copy.js";
import { gather } from "./gather.js";
import { iota } from "./iota.js";
import { reduce } from "./reduce.js";
import { select } from "./select.js";
import { splice } from "./splice.js";
import { toF32 } from "./to-f32.js";
import { toI32 } from "./to-i32.js";

const device = testDevice();

const elementwise = [
  anyKernel(binaryI32),
  anyKernel(compare),
  anyKernel(compareI32),
  anyKernel(iota),
  anyKernel(select),
  anyKernel(toF32),
  anyKernel(toI32),
];
const all = [...elementwise, anyKernel(copy), anyKernel(gather), anyKernel(reduce), anyKernel(splice)];

test.each(all.map((kernel) => [kernel.name, kernel] as const))("%s, against its definition", async (_, kernel) => {
  expect(await testKernel(kernel, webgpuRunner(await device))).toBeGreaterThan(0);
});

/** Long enough to be cut, 150 rows of 4 numbers; no rows so long that 64 of them, which an index is cut by, are too many. */
const longSplice = anyKernel({
  ...splice,
  cases: {
    ...splice.cases,
    sizes: { ...splice.cases.sizes, width: [1, 4] },
    always: [{ rows: 150, width: 4, visuals: 9, outside: 1 }],
  },
});
/** What a binding holds: so little that some of the cases that are always tried do not fit. */
const cut = [
  ...elementwise.map((k) => [k, 1024] as const),
  [longSplice, 1024] as const,
  [anyKernel(copy), 8192] as const,
];

test.each(cut.map(([k, bytes]) => [k.name, k, bytes] as const))(
  "%s, where bindings are small",
  async (_, kernel, bytes) => {
    const limits = { ...defaultLimits, maxStorageBufferBindingSize: bytes };
    expect(await testKernel(kernel, webgpuRunner(withLimits(await device, limits)), { runs: 5 })).toBeGreaterThan(0);
    const calls = kernel.cases.always.map((sizes) => kernel.cases.make(sizes, new Random(1, true)).params);
    const cutCalls = calls.map((params) => ({ params, launches: launchesOf(kernel, params, limits) }));
    expect(Math.max(...cutCalls.map(({ launches }) => launches.length))).toBeGreaterThan(1);
    for (const { params, launches } of cutCalls)
      for (const { offset, size } of launches.flatMap((launch) => bound(kernel, launch, params))) {
        expect(offset % limits.minStorageBufferOffsetAlignment).toBe(0);
        expect(size).toBeLessThanOrEqual(bytes);
      }
  },
);

const launchesOf = ({ launches, variants, presets }: AnyKernel, params: Params, limits: LaunchLimits) =>
  launches(params, { variant: variants[0]!, preset: presets[0]!, limits });
const bound = ({ buffers }: AnyKernel, launch: Launch, params: Params) =>
  Object.entries(buffers).map(([name, spec]) => boundBytes(spec, params, launch.rows, name));

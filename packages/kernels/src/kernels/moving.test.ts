import { testKernel, webgpuRunner } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testDevice } from "../../test/device.js";
import { anyKernel, defaultLimits } from "../kernel.js";
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

const all = [
  anyKernel(binaryI32),
  anyKernel(compare),
  anyKernel(compareI32),
  anyKernel(copy),
  anyKernel(gather),
  anyKernel(iota),
  anyKernel(reduce),
  anyKernel(select),
  anyKernel(splice),
  anyKernel(toF32),
  anyKernel(toI32),
];
test.each(all.map((kernel) => [kernel.name, kernel] as const))("%s, against its definition", async (_, kernel) => {
  expect(await testKernel(kernel, webgpuRunner(await device))).toBeGreaterThan(0);
});

test("copy, cut along several axes", async () => {
  const always = [{ a: 1, b: 2, c: 2, d: 3, e: 4, f: 16, gap: 1, repeat: 0 }];
  const limits = { ...defaultLimits, maxStorageBufferBindingSize: 1024 };
  const cut: typeof copy = {
    ...copy,
    cases: { ...copy.cases, always },
    launches: (params, choice) => copy.launches(params, { ...choice, limits }),
  };
  expect(
    await testKernel(cut, webgpuRunner(await device), { runs: 1, only: ({ preset }) => preset === copy.presets[0] }),
  ).toBeGreaterThan(0);
  const { params } = copy.cases.make(always[0]!, new Random(1, true));
  const launches = cut.launches(params, {
    variant: copy.variants[0]!,
    preset: copy.presets[0]!,
    limits: defaultLimits,
  });
  // More than b and c have places.
  expect(launches.length).toBeGreaterThan(4);
  for (const { rows } of launches)
    for (const [from, to] of [rows!.x!, rows!.y!]) {
      expect(from % 64).toBe(0);
      expect(to - from).toBeLessThanOrEqual(256);
    }
});

test("copy, of places that repeat what no binding holds whole", async () => {
  const limits = { ...defaultLimits, maxStorageBufferBindingSize: 1024 };
  // Four elements, a hundred apart, twice one after the other.
  const axes = { d0: 1, d1: 1, d2: 1, d3: 1, d4: 2, d5: 4 };
  const steps = { s0: 0, s1: 0, s2: 0, s3: 0, s4: 0, s5: 100, t0: 0, t1: 0, t2: 0, t3: 0, t4: 4, t5: 1 };
  const params = { count: 8, ...axes, ...steps, from: 0, to: 0, size: 8 };
  const wide: typeof copy = {
    ...copy,
    launches: (params, choice) => copy.launches(params, { ...choice, limits }),
    cases: {
      ...copy.cases,
      sizes: {},
      always: [{}],
      make: (_, random) => ({ params, inputs: { x: random.whole(301, 0, 99), y: random.whole(8, 0, 99) } }),
    },
  };
  expect(await testKernel(wide, webgpuRunner(await device), { runs: 1 })).toBeGreaterThan(0);
});

test.each([anyKernel(binaryI32), anyKernel(compare), anyKernel(compareI32), anyKernel(reduce)])(
  "$name does not take an op that is none",
  (kernel) => {
    const params = { count: 1, outer: 1, width: 1, inner: 1, op: 6 };
    const choice = { variant: kernel.variants[0]!, preset: kernel.presets[0]!, limits: defaultLimits };
    expect(() => kernel.launches(params, choice)).toThrow(`${kernel.name}: op is 6, it must be one of`);
  },
);

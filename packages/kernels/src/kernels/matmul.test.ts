import { type KernelForm, testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { anyKernel, defaultLimits } from "../kernel.js";
import { boundBytes } from "../layout.js";
import type { Storage } from "../storage.js";
import { matmul } from "./matmul.js";

// Tiles are slow to compile on a CPU, and their presets differ in sizes alone: not each is tried with each storage.
const { name: small } = matmul.presets.at(-1)!;
const many = process.env.HULU_FUZZ === "many";
const only = ({ variant, preset }: KernelForm) =>
  many || (preset.name === small && (variant.features.length === 0 || variant.storage === "i4"));

test("any sizes, against the definition", { timeout: many ? 600_000 : 240_000 }, async () => {
  expect(await testKernel(matmul, await testRunner(), { runs: 8, only })).toBeGreaterThan(0);
});

/** The launches of a call at the limits that every device has, and what they bind. */
function plan(storage: Storage, m: number, n: number, k: number) {
  const params = { m, n, k, bias: 0, activation: 0, residual: 0 };
  const kernel = anyKernel(matmul);
  const variant = kernel.variants.find((v) => v.storage === storage)!;
  const launches = kernel.launches(params, { variant, preset: kernel.presets[0]!, limits: defaultLimits });
  const bound = launches.flatMap((launch) =>
    Object.entries(kernel.buffers).map(([name, spec]) => boundBytes(spec, params, launch.rows, name, storage)),
  );
  return { launches, bound };
}

test.each([
  // 1792 bytes a row and 448 of scales, so parts begin at each fourth row: 74896 of them in 128 MiB.
  ["i4", 1, 3],
  ["bf16", 1, 9],
  // 622 MB of logits: 5 times as many parts.
  ["i4", 1024, 15],
] as const)(
  "a head of 152064 x 3584 in %s, of %d rows of x, runs at the limits that every device has",
  (storage, m, count) => {
    const { launches, bound } = plan(storage, m, 152064, 3584);
    expect(launches.length).toBe(count);
    for (const { offset, size } of bound) {
      expect(offset % defaultLimits.minStorageBufferOffsetAlignment).toBe(0);
      expect(size).toBeLessThanOrEqual(defaultLimits.maxStorageBufferBindingSize);
    }
    for (const { workgroups } of launches) expect(Math.max(...workgroups)).toBeLessThanOrEqual(65535);
    // Every number of y is some launch's, and no other's.
    const numbers = launches.map(({ params }) => params!.m! * params!.rows!);
    expect(numbers.reduce((n, d) => n + d, 0)).toBe(m * 152064);
    const corners = launches.map(({ params, rows }) => `${rows?.y?.[0] ?? 0} ${params!.row0}`);
    expect(new Set(corners).size).toBe(count);
  },
);

test("rows that no binding can hold are refused", () => {
  expect(() => plan("f32", 1, 2, 2 ** 26)).toThrow(
    "rows of 268435456 bytes are cut by 32, and a binding of 134217728 bytes holds 0",
  );
});

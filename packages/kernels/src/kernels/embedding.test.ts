import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { defaultLimits } from "../kernel.js";
import { embedding } from "./embedding.js";

test("rows of any width in any storage, against the definition", async () => {
  expect(await testKernel(embedding, await testRunner(), { runs: 10 })).toBeGreaterThan(0);
});

test("a table over the limit of a binding is cut, and each row is in one part", () => {
  const variant = embedding.variants.find((v) => v.storage === "bf16")!;
  const choice = { variant, preset: embedding.presets[0]!, limits: defaultLimits };
  const launches = embedding.launches({ count: 100, rows: 152064, width: 3584 }, choice);
  // 7168 bytes a row: 18724 rows in 128 MiB.
  expect(launches.map(({ rows }) => rows?.weight)).toEqual(
    Array.from({ length: 9 }, (_, i) => [i * 18724, Math.min(152064, (i + 1) * 18724)]),
  );
});

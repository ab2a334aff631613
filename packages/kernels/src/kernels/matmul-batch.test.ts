import { type KernelForm, testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { matmulBatch } from "./matmul-batch.js";

// Tiles are slow to compile on a CPU: the larger ones with more examples only.
const { name: small } = matmulBatch.presets.at(-1)!;
const only = ({ preset }: KernelForm) => process.env.HULU_FUZZ === "many" || preset.name === small;

test("any sizes, against the definition", { timeout: 60_000 }, async () => {
  expect(await testKernel(matmulBatch, await testRunner(), { runs: 15, only })).toBeGreaterThan(0);
});

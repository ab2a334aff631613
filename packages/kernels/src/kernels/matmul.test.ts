import { testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { matmul } from "./matmul.js";

// Software devices take long to compile tiles, and presets differ only in their sizes: not all are tried with all storages.
const small = matmul.presets.at(-1)!.name;
const many = process.env.HULU_FUZZ === "many";

test("any sizes, against the definition", async () => {
  const only = (form: { variant: { storage?: string }; preset: { name: string } }) =>
    many || form.preset.name === small || form.variant.storage === "f32";
  expect(await testKernel(matmul, await testRunner(), { runs: 8, only })).toBeGreaterThan(0);
});

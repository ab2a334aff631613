import { type KernelForm, testKernel } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { matmul } from "./matmul.js";

// Tiles are slow to compile on a CPU, and their presets differ in sizes alone: not each is tried with each storage.
const { name: small } = matmul.presets.at(-1)!;
const many = process.env.HULU_FUZZ === "many";
const only = ({ variant, preset }: KernelForm) =>
  many || (preset.name === small && (variant.features.length === 0 || variant.storage === "i4"));

test("any sizes, against the definition", { timeout: many ? 600_000 : 60_000 }, async () => {
  expect(await testKernel(matmul, await testRunner(), { runs: 8, only })).toBeGreaterThan(0);
});

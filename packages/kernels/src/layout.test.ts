import { expect, test } from "vitest";
import { type AnyKernel, anyKernel, type Feature } from "./kernel.js";
import { embedding } from "./kernels/embedding.js";
import { matmul } from "./kernels/matmul.js";
import { rmsNorm } from "./kernels/rms-norm.js";
import { paramBytes, variantFor, writeParams } from "./layout.js";

const device = (...features: Feature[]) => ({
  features: new Set(features),
  limits: { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16384 },
});
const chosen = (features: Feature[], products?: "f32" | "f16") =>
  variantFor(anyKernel(matmul), device(...features), "i4", products).name;

test("products are float16 only where they are asked for, and only where the device can", () => {
  expect(chosen([])).toBe("i4");
  expect(chosen(["shader-f16", "subgroups"])).toBe("i4, subgroups");
  expect(chosen(["shader-f16", "subgroups"], "f16")).toBe("i4, f16 products, subgroups");
  expect(chosen(["shader-f16"], "f16")).toBe("i4, f16 products");
  expect(chosen(["subgroups"], "f16")).toBe("i4, subgroups");
});

test("a storage that a kernel does not have is refused", () => {
  const only = { ...anyKernel(embedding), variants: embedding.variants.slice(0, 1) };
  expect(() => variantFor(only, device(), "i4")).toThrow(
    "embedding has no variant for weights stored as i4; it has f32",
  );
  expect(variantFor(anyKernel(rmsNorm), device(), "i4").name).toBe("f32");
});

test("parameters of a launch lie behind those of the call", () => {
  const kernel: AnyKernel = anyKernel(embedding);
  const block = new DataView(new ArrayBuffer(paramBytes(kernel) + 4));
  expect(paramBytes(kernel)).toBe(32);
  writeParams(kernel, { count: 1, rows: 2, width: 3, row0: 4, bound: 5 }, block, 4);
  expect([0, 1, 2, 3, 4, 5].map((i) => block.getUint32(4 * i, true))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(() => writeParams(kernel, { count: 1, rows: 2, width: 3, row0: 4 }, block)).toThrow(
    "embedding needs the parameter bound",
  );
  expect(() => writeParams(kernel, { count: -1 }, block)).toThrow("count is -1, it must be of type u32");
});

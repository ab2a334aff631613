import { NodeGpuError, type NodeGpuOptions } from "@hulu/kernels/node";
import { expect, test } from "vitest";
import { openGpu } from "./gpu.js";

const offering = (description: string | undefined): GPU =>
  ({ requestAdapter: async () => (description === undefined ? null : { info: { description } }) }) as never;

/** Opens the system's WebGPU, and SwiftShader, as this machine would have them. */
const machine = (hardware: string | undefined, software: GPU | Error) => async (options?: NodeGpuOptions) => {
  if (options?.kind !== "software") return offering(hardware);
  if (software instanceof Error) throw software;
  return software;
};

async function opened(open: ReturnType<typeof machine>): Promise<readonly [GPU, string]> {
  let notes = "";
  const gpu = await openGpu((text) => {
    notes += text;
  }, open);
  return [gpu, notes];
}

test("the system's adapter is taken, and named", async () => {
  const [, notes] = await opened(machine("NVIDIA L4", new Error("not asked")));
  expect(notes).toBe("webgpu: NVIDIA L4\n");
});

test("an adapter of the system that computes on the CPU is said to do so", async () => {
  const [, notes] = await opened(machine("llvmpipe (LLVM 15)", new Error("not asked")));
  expect(notes).toBe("webgpu: llvmpipe (LLVM 15), which computes on the CPU\n");
});

test("without an adapter SwiftShader is taken, and that is said", async () => {
  const swiftShader = offering("SwiftShader");
  const [gpu, notes] = await opened(machine(undefined, swiftShader));
  expect(gpu).toBe(swiftShader);
  expect(notes).toBe("webgpu: no GPU was found, so SwiftShader computes on the CPU: right, and slow\n");
});

test("without an adapter and without SwiftShader, what to install is said", async () => {
  const missing = new NodeGpuError("SwiftShader needs the npm package koffi");
  await expect(opened(machine(undefined, missing))).rejects.toThrow("install @sparticuz/chromium and koffi");
});

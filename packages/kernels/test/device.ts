import type { LaunchLimits } from "@hulu/kernels";
import { nodeGpu } from "@hulu/kernels/node";
import { type Runner, webgpuRunner } from "@hulu/kernels/testing";
import { afterAll } from "vitest";

/**
 * The device that tests run on: the drivers of `VK_DRIVER_FILES` where the environment names some (CI: lavapipe), else
 * SwiftShader. It is destroyed behind the tests of a file.
 */
export async function testDevice(): Promise<GPUDevice> {
  const gpu = await nodeGpu({ kind: process.env.VK_DRIVER_FILES === undefined ? "software" : "hardware" });
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("there is no adapter to test on");
  const features = ["shader-f16", "subgroups"] as const;
  // What some presets need beyond the least that every device has.
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX, maxComputeWorkgroupStorageSize } =
    adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: features.filter((f) => adapter.features.has(f)),
    requiredLimits: {
      maxComputeInvocationsPerWorkgroup: Math.min(1024, maxComputeInvocationsPerWorkgroup),
      maxComputeWorkgroupSizeX: Math.min(1024, maxComputeWorkgroupSizeX),
      maxComputeWorkgroupStorageSize: Math.min(32768, maxComputeWorkgroupStorageSize),
    },
  });
  afterAll(() => device.destroy());
  return device;
}

export const testRunner = async (): Promise<Runner> => webgpuRunner(await testDevice(), "node");

/** The same device as one that says less of itself: for launches that are cut because a binding holds too little. */
export function withLimits(device: GPUDevice, limits: Partial<LaunchLimits>): GPUDevice {
  const all = new Proxy(device.limits, {
    get: (own, name) => Reflect.get(limits, name) ?? Reflect.get(own, name, own),
  });
  return new Proxy(device, {
    get(own, name) {
      const value: unknown = name === "limits" ? all : Reflect.get(own, name, own);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
}

import { nodeGpu } from "@hulu/kernels/node";

/** What tests run on: the drivers of `VK_DRIVER_FILES` where the environment names some (CI: lavapipe), else SwiftShader. */
export const testGpu = (): Promise<GPU> =>
  nodeGpu({ kind: process.env.VK_DRIVER_FILES === undefined ? "software" : "hardware" });

/** A device of it, with all that presets make use of. */
export async function openDevice(): Promise<GPUDevice> {
  const adapter = await (await testGpu()).requestAdapter();
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
  return device;
}

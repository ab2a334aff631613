// Every kernel at the sizes of a real model, held against what the device reaches in a plain copy and in multiplications. Needs
// a GPU and a build; on an adapter that computes on the CPU nothing is timed.

import { benchKernels, describeFigure, describeLimits } from "../packages/kernels/dist/bench.js";
import { adapterName, isSoftware, kernels } from "../packages/kernels/dist/index.js";
import { nodeGpu } from "../packages/kernels/dist/node.js";

const adapter = await (await nodeGpu()).requestAdapter({ powerPreference: "high-performance" });
if (adapter === null) console.log("no GPU was found: nothing to measure");
else if (isSoftware(adapter.info)) console.log(`${adapterName(adapter.info)} computes on the CPU: nothing to measure`);
else await measure(adapter);

async function measure(adapter) {
  const wanted = ["shader-f16", "subgroups", "timestamp-query"];
  const { maxStorageBufferBindingSize, maxBufferSize, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } =
    adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxStorageBufferBindingSize,
      maxBufferSize,
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize: adapter.limits.maxComputeWorkgroupStorageSize,
    },
  });
  console.log(adapterName(adapter.info));
  await benchKernels(device, kernels, {
    onLimits: (limits) => console.log(describeLimits(limits)),
    onFigure: (figure) => console.log(describeFigure(figure)),
    onRefused: (kernel, place, why) => console.log(`${kernel}, ${place}: not measured, ${why}`),
  });
  device.destroy();
}

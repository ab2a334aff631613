/// <reference types="@webgpu/types" preserve="true" />
import { adapterName, isSoftware } from "@hulu/kernels";
import { nodeGpu } from "@hulu/kernels/node";

/** Which adapter is told, and so which one models must be run on. */
export const powerPreference: GPUPowerPreference = "high-performance";

/**
 * WebGPU for the command: what the system's drivers offer, and where they offer nothing, SwiftShader, if the npm packages that
 * bring it are installed. Which adapter it is goes to `note`.
 * @throws NodeGpuError when WebGPU for Node is not installed
 * @throws Error when there is no adapter at all
 */
export async function openGpu(note: (text: string) => void, open: typeof nodeGpu = nodeGpu): Promise<GPU> {
  const hardware = await open();
  const found = await hardware.requestAdapter({ powerPreference });
  if (found !== null) {
    note(`webgpu: ${adapterName(found.info)}${isSoftware(found.info) ? ", which computes on the CPU" : ""}\n`);
    return hardware;
  }
  const software = await open({ kind: "software" }).catch((cause: unknown) => {
    throw new Error(
      "no GPU was found; to compute on the CPU all the same, install @sparticuz/chromium and koffi, which bring SwiftShader",
      { cause },
    );
  });
  note("webgpu: no GPU was found, so SwiftShader computes on the CPU: right, and slow\n");
  return software;
}

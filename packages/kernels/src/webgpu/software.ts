/// <reference types="@webgpu/types" preserve="true" />

/** Names of adapters that compute on the CPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b/i;

/** Whether an adapter computes on the CPU: its results count, its speed says nothing. */
export const isSoftware = (info: GPUAdapterInfo): boolean =>
  info.isFallbackAdapter || SOFTWARE.test(`${info.description} ${info.architecture} ${info.device}`);

/** An adapter's name for a person. */
export const adapterName = (info: GPUAdapterInfo): string =>
  info.description ||
  [info.vendor, info.architecture, info.device].filter(Boolean).join(" ") ||
  "an adapter without a name";

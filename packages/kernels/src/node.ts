/**
 * WebGPU in Node, with or without a GPU: for servers, and to test kernels where there is none.
 * @module
 */
export { NodeGpuError, type NodeGpuOptions, nodeGpu } from "./node/gpu.js";
export { type SoftwareVulkan, swiftShader } from "./node/software.js";

export * from "./cases.js";
export * from "./kernel.js";
export { kernels } from "./kernels/index.js";
export { rmsNorm } from "./kernels/rms-norm.js";
export * from "./layout.js";
export { Random } from "./random.js";
export * from "./storage.js";
export * from "./webgpu/prepare.js";
export * from "./webgpu/run.js";

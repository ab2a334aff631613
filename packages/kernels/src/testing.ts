/**
 * Tests for kernels, on whatever runs them: `await testKernel(rmsNorm, webgpuRunner(device))`. Needs fast-check.
 * @module
 */
export { formsOf, KernelMismatch, type TestOptions, testKernel } from "./testing/check.js";
export { type KernelForm, type Runner, webgpuRunner } from "./testing/runner.js";

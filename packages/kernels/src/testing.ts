/**
 * Tests for kernels, on whatever runs them: `await testKernel(rmsNorm, webgpuRunner(device))`. Needs fast-check, and no test
 * framework.
 * @module
 */
export { asStored, formsOf, type TestOptions, testKernel } from "./testing/check.js";
export { fillGarbage, isGarbage } from "./testing/garbage.js";
export type { Tightness } from "./testing/limits.js";
export { type Example, KernelMismatch, type Wrong } from "./testing/mismatch.js";
export { type KernelForm, type Runner, webgpuRunner } from "./testing/runner.js";

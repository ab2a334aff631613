import { type AnyKernel, anyKernel } from "../kernel.js";
import { rmsNorm } from "./rms-norm.js";

/** Every kernel, for what treats all of them alike: tests, benchmarks, a table. */
export const kernels: readonly AnyKernel[] = [anyKernel(rmsNorm)];

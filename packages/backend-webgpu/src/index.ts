/// <reference types="@webgpu/types" preserve="true" />
import type { Backend, CompileOptions, Env, Programs, WeightSource } from "@hulu/core";
import { supports } from "@hulu/planner";
import { compile, plansOf } from "./compile.js";
import { Devices } from "./devices.js";
import { estimate } from "./estimate.js";
import { pageGpu } from "./gpu/open.js";
import { checkOptions, storageOf, type WebgpuOptions } from "./options.js";

export { WebgpuError, type WebgpuErrorCode } from "./errors.js";
export type { WebgpuOptions, WeightFormat } from "./options.js";

/** The WebGPU backend with options of its own. All that it compiles runs on one device. */
export function webgpuBackend(options: WebgpuOptions = {}): Backend {
  checkOptions(options);
  const devices = new Devices(options);
  return Object.freeze({
    name: "webgpu",
    ...originOf(options),
    supports,
    estimate: (programs: Programs, weights: WeightSource, max: Env) =>
      estimate(plansOf(programs, max), weights, max, storageOf(options)),
    compile: (programs: Programs, weights: WeightSource, compileOptions: CompileOptions = {}) =>
      compile(programs, weights, compileOptions, { ...options, devices }),
  });
}

/**
 * A worker of a page has a GPU as the page has, and makes the same backend unless it was given what cannot be sent. In Node
 * models stay where they are: the GPU works beside the thread anyway, and a worker that ends while it waits for it would end
 * the process.
 */
function originOf({ gpu, device, ...options }: WebgpuOptions): Pick<Backend, "origin"> {
  const plain = gpu === undefined && device === undefined && typeof options.weights !== "function";
  if (!plain || pageGpu() === undefined) return {};
  return { origin: { module: import.meta.url, name: "webgpuBackend", options } };
}

/** Runs programs with WebGPU: in pages on `navigator.gpu`, in Node with the npm package `webgpu`. */
export const webgpu: Backend = webgpuBackend();

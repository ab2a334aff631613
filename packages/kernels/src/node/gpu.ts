/// <reference types="@webgpu/types" preserve="true" />
import { type SoftwareVulkan, swiftShader } from "./software.js";

/** WebGPU in Node cannot be had: the message says which package is missing, or that there is no adapter. */
export class NodeGpuError extends Error {
  override readonly name = "NodeGpuError";
}

export interface NodeGpuOptions {
  /**
   * `hardware`: what the system's drivers offer. `software`: SwiftShader, from the npm package `@sparticuz/chromium`. `null`:
   * Dawn's backend that compiles and runs nothing, whose results are whatever was in memory. The hardware unless given.
   */
  readonly kind?: "hardware" | "software" | "null";
  /** Only an adapter whose name holds this: `llvmpipe`. */
  readonly adapter?: string;
}

/**
 * Dawn writes loops that fill workgroup memory with zeros. The driver would be told to do it, and SwiftShader then compiles a store
 * for every number: a kernel of 14 KB takes 8 times as long to compile.
 */
const ZEROS_BY_LOOPS = "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension";

type Create = (flags: string[]) => GPU;

// What `create` gave must stay reachable: the next garbage collection would end the process (dawn-gpu/node-webgpu issue 18). On
// the global object, since a list that nothing reads is left out by bundlers.
const KEPT = Symbol.for("hulu.node-gpu");

function keep(gpu: GPU): void {
  const holder = globalThis as { [KEPT]?: GPU[] };
  holder[KEPT] = [...(holder[KEPT] ?? []), gpu];
}

/**
 * WebGPU in Node, by the npm package `webgpu` (Dawn), an optional peer dependency.
 * @throws NodeGpuError when the package, or for `software` one of its two others, is not installed
 */
export async function nodeGpu({ kind = "hardware", adapter }: NodeGpuOptions = {}): Promise<GPU> {
  if (kind === "software") await useSoftware();
  const create = await dawn();
  const flags = [
    ...(kind === "null" ? ["backend=null"] : []),
    ...(kind === "software" ? [ZEROS_BY_LOOPS] : []),
    ...(adapter === undefined ? [] : [`adapter=${adapter}`]),
  ];
  const gpu = create(flags);
  keep(gpu);
  return gpu;
}

/** The npm package, loaded on first use. */
async function dawn(): Promise<Create> {
  try {
    return ((await import("webgpu")) as { create: Create }).create;
  } catch (cause) {
    throw new NodeGpuError("WebGPU in Node needs the npm package webgpu: npm install webgpu", { cause });
  }
}

let software: SoftwareVulkan | undefined;

/** From here on the process finds SwiftShader, and no other driver. */
async function useSoftware(): Promise<void> {
  if (software !== undefined) return;
  const found = await swiftShader();
  if (found === undefined)
    throw new NodeGpuError("SwiftShader needs the npm package @sparticuz/chromium, on Linux on x64");
  const koffi = await import("koffi").catch((cause: unknown) => {
    throw new NodeGpuError("SwiftShader needs the npm package koffi", { cause });
  });
  // Dawn asks for the loader by its bare name, and gets the one that is loaded already.
  koffi.default.load(found.loader, { global: true });
  process.env.VK_DRIVER_FILES = found.driver;
  software = found;
}

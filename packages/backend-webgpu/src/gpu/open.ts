import { WebgpuError } from "../errors.js";
import type { WebgpuOptions } from "../options.js";

const MIB = 2 ** 20;

/**
 * What models can use, beyond what every device has. A device gets only what is asked for, so each of these is asked for as far
 * as the adapter has it.
 */
const WANTED = {
  maxBufferSize: 2 ** 34,
  // A binding's sizes are 32 bits in shaders.
  maxStorageBufferBindingSize: 2 ** 32 - 4,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: MIB / 16,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupSizeY: 1024,
} as const;

const FEATURES: readonly GPUFeatureName[] = ["shader-f16", "subgroups"];

/**
 * A device of our own.
 * @throws WebgpuError `no-webgpu`, `package-missing`, `no-adapter`
 */
export async function openDevice({ gpu, powerPreference }: WebgpuOptions): Promise<GPUDevice> {
  const from = gpu ?? (await defaultGpu());
  const adapter = await from.requestAdapter(powerPreference && { powerPreference }).catch(noAdapter);
  if (adapter === null) return noAdapter();
  const limits = Object.entries(WANTED).map(([name, most]) => {
    return [name, Math.min(most, adapter.limits[name as keyof typeof WANTED])] as const;
  });
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  return adapter
    .requestDevice({ label: "hulu", requiredLimits: Object.fromEntries(limits), requiredFeatures })
    .catch(noAdapter);
}

function noAdapter(cause?: unknown): never {
  const said = cause === undefined ? "" : ` It said: ${cause instanceof Error ? cause.message : String(cause)}`;
  const why = `WebGPU finds no GPU that it can use: look whether this machine has one, whether its driver is installed, and whether WebGPU is enabled.${said}`;
  throw new WebgpuError("no-adapter", why, { cause });
}

async function defaultGpu(): Promise<GPU> {
  const own = pageGpu();
  if (own !== undefined) return own;
  if (typeof process === "undefined" || process.versions?.node === undefined)
    throw new WebgpuError(
      "no-webgpu",
      "this browser has no WebGPU (navigator.gpu), or not for a page that came over http: take one that has, and https",
    );
  return fromNode();
}

/** That of a page, or of a runtime that has one as pages do. */
export const pageGpu = (): GPU | undefined =>
  typeof navigator === "undefined" ? undefined : (navigator as Partial<Pick<Navigator, "gpu">>).gpu;

async function fromNode(): Promise<GPU> {
  // Under a name that bundlers cannot follow: it is for Node alone.
  const name: string = "@hulu/kernels/node";
  const { nodeGpu } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as {
    nodeGpu(): Promise<GPU>;
  };
  try {
    return await nodeGpu();
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new WebgpuError("package-missing", said, { cause });
  }
}

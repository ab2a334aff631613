/// <reference types="@webgpu/types" preserve="true" />
import type { AnyKernel, Preset, Variant } from "../kernel.js";
import { KernelError, paramBytes, presetFor, variantFor } from "../layout.js";
import type { Storage } from "../storage.js";

/** A kernel compiled for one device. */
export interface PreparedKernel {
  readonly kernel: AnyKernel;
  readonly variant: Variant;
  readonly preset: Preset;
  /** Binding 0 is a uniform buffer with a dynamic offset, the others are the contract's buffers in their order. */
  readonly layout: GPUBindGroupLayout;
  /** By entry point. */
  readonly pipelines: ReadonlyMap<string, GPUComputePipeline>;
}

export interface KernelChoice {
  /** How its weight lies. */
  readonly storage?: Storage | undefined;
  /** `f16`: products in float16 where the device and the kernel can, which are faster and less exact. */
  readonly products?: "f32" | "f16" | undefined;
  /** One of the kernel's variants; chosen by the device and the storage unless given. */
  readonly variant?: Variant | undefined;
  /** One of the kernel's presets; the first that fits the device unless given. */
  readonly preset?: Preset | undefined;
}

/** The source of a variant, whole. */
export const wgslOf = (variant: Variant): string => variant.wgsl.join("\n");

/** The entry points of a variant. */
export const entriesOf = (variant: Variant): string[] =>
  [...wgslOf(variant).matchAll(/@compute\b[^{;]*?\bfn\s+(\w+)/g)].map(([, name]) => name as string);

/** A kernel on a device whose entry points are compiled one by one, each when it is wanted. */
export interface OpenKernel extends Omit<PreparedKernel, "pipelines"> {
  /** @throws KernelError with what the compiler said */
  compile(entry: string): Promise<GPUComputePipeline>;
  /** The same at once, for who cannot wait; what is wrong becomes an error of the device. */
  compileNow(entry: string): GPUComputePipeline;
}

/** Bring a kernel's source to a device. @throws KernelError when it cannot run there */
export function openKernel(device: GPUDevice, kernel: AnyKernel, choice: KernelChoice = {}): OpenKernel {
  const variant = choice.variant ?? variantFor(kernel, device, choice.storage, choice.products);
  const preset = choice.preset ?? presetFor(kernel, device);
  // What is wrong with the source is told by the pipelines, and not to the page as an error that nobody caught.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: `${kernel.name} ${variant.name}`, code: wgslOf(variant) });
  void device.popErrorScope().catch(() => undefined);
  const layout = bindGroupLayout(device, kernel);
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const descriptor = (entryPoint: string): GPUComputePipelineDescriptor => ({
    label: `${kernel.name}.${entryPoint}, ${variant.name}, ${preset.name}`,
    layout: pipelineLayout,
    compute: { module, entryPoint, constants: { ...preset.constants } },
  });
  return {
    ...{ kernel, variant, preset, layout },
    compileNow: (entry) => device.createComputePipeline(descriptor(entry)),
    compile: async (entry) => {
      try {
        return await device.createComputePipelineAsync(descriptor(entry));
      } catch (cause) {
        const { messages } = await module.getCompilationInfo();
        const said = messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join("; ");
        const words = said || (cause instanceof Error ? cause.message : String(cause));
        throw new KernelError(`${kernel.name}, ${variant.name}, ${preset.name}: ${words}`, { cause });
      }
    },
  };
}

/**
 * Compile a kernel, all of its entry points.
 * @throws KernelError when the device cannot run it; it has what the compiler said, with line and column
 */
export async function prepareKernel(
  device: GPUDevice,
  kernel: AnyKernel,
  choice: KernelChoice = {},
): Promise<PreparedKernel> {
  const { compile, compileNow: _, ...open } = openKernel(device, kernel, choice);
  const entries = entriesOf(open.variant).map(async (entry) => [entry, await compile(entry)] as const);
  return { ...open, pipelines: new Map(await Promise.all(entries)) };
}

function bindGroupLayout(device: GPUDevice, kernel: AnyKernel): GPUBindGroupLayout {
  const visibility = 4; // GPUShaderStage.COMPUTE, which Node has no global for
  return device.createBindGroupLayout({
    label: kernel.name,
    entries: [
      {
        binding: 0,
        visibility,
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: paramBytes(kernel) },
      },
      ...Object.values(kernel.buffers).map(({ role }, i) => ({
        binding: i + 1,
        visibility,
        buffer: { type: role === "input" ? ("read-only-storage" as const) : ("storage" as const) },
      })),
    ],
  });
}

/// <reference types="@webgpu/types" />
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

/**
 * Compile a kernel.
 * @throws KernelError when the device cannot run it; it has what the compiler said, with line and column
 */
export async function prepareKernel(
  device: GPUDevice,
  kernel: AnyKernel,
  choice: KernelChoice = {},
): Promise<PreparedKernel> {
  const variant = choice.variant ?? variantFor(kernel, device, choice.storage);
  const preset = choice.preset ?? presetFor(kernel, device);
  // What is wrong with the source is told by the pipelines below, and not to the page as an error that nobody caught.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: `${kernel.name} ${variant.name}`, code: wgslOf(variant) });
  void device.popErrorScope().catch(() => undefined);
  const layout = bindGroupLayout(device, kernel);
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const compile = async (entryPoint: string) =>
    [
      entryPoint,
      await device.createComputePipelineAsync({
        label: `${kernel.name}.${entryPoint}, ${variant.name}, ${preset.name}`,
        layout: pipelineLayout,
        compute: { module, entryPoint, constants: { ...preset.constants } },
      }),
    ] as const;
  try {
    const pipelines = new Map(await Promise.all(entriesOf(variant).map(compile)));
    return { kernel, variant, preset, layout, pipelines };
  } catch (cause) {
    const { messages } = await module.getCompilationInfo();
    const said = messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join("; ");
    const words = said || (cause instanceof Error ? cause.message : String(cause));
    throw new KernelError(`${kernel.name}, ${variant.name}, ${preset.name}: ${words}`, { cause });
  }
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

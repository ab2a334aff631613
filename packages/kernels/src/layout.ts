import type { AnyKernel, BufferSpec, Feature, Launch, Params, Preset, Variant } from "./kernel.js";
import { type Storage, scalesPerRow, wordsPerRow } from "./storage.js";

/** A kernel cannot be run as it was called: the message says what is missing or does not fit. */
export class KernelError extends Error {
  override readonly name = "KernelError";
}

const WORD = 4;

/** What the uniform block has, in its order. */
const blockOf = ({ params, launchParams = {} }: AnyKernel) => Object.entries({ ...params, ...launchParams });

/** Bytes of the uniform block; its size is a multiple of 16. */
export const paramBytes = (kernel: AnyKernel): number => Math.ceil((blockOf(kernel).length * WORD) / 16) * 16;

/**
 * Write the uniform block of a launch.
 * @param params of the call, with those of the launch over them
 * @throws KernelError for a parameter that is missing, or does not fit its type
 */
export function writeParams(kernel: AnyKernel, params: Params, into: DataView, at = 0): void {
  for (const [i, [name, { type }]] of blockOf(kernel).entries()) {
    const value = params[name];
    if (value === undefined) throw new KernelError(`${kernel.name} needs the parameter ${name}`);
    const fits =
      type === "f32" || (Number.isInteger(value) && (type === "u32" ? value === value >>> 0 : value === (value | 0)));
    if (!fits) throw new KernelError(`${kernel.name}: ${name} is ${value}, it must be of type ${type}`);
    if (type === "f32") into.setFloat32(at + i * WORD, value, true);
    else into.setInt32(at + i * WORD, value, true);
  }
}

/** Bytes of one row, the first axis apart, of a buffer as a storage lays it out. */
export function rowBytes(spec: BufferSpec, params: Params, storage: Storage = "f32"): number {
  const [, ...rest] = spec.shape(params);
  const width = rest.reduce((n, d) => n * d, 1);
  if (spec.element === "weight") return wordsPerRow(storage, width) * WORD;
  if (spec.element === "scale") return scalesPerRow(storage, width) * WORD;
  return width * WORD;
}

/** Bytes of a whole buffer; 0 where the call does not use it. */
export const bufferBytes = (spec: BufferSpec, params: Params, storage: Storage = "f32"): number =>
  (spec.shape(params)[0] ?? 1) * rowBytes(spec, params, storage);

/** What a launch binds of each buffer, in bytes. */
export function boundBytes(
  spec: BufferSpec,
  params: Params,
  rows: Launch["rows"],
  name: string,
  storage?: Storage,
): { readonly offset: number; readonly size: number } {
  const range = rows?.[name];
  if (range === undefined) return { offset: 0, size: bufferBytes(spec, params, storage) };
  const row = rowBytes(spec, params, storage);
  return { offset: range[0] * row, size: (range[1] - range[0]) * row };
}

/** What a device offers to kernels; a `GPUDevice` has both. */
export interface Abilities {
  readonly features: { has(feature: Feature): boolean };
  readonly limits: {
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupStorageSize: number;
  };
}

/**
 * The form of a kernel that a device runs.
 * @param storage of the weight; needed where a kernel has one
 * @param products `f16`: in float16 where the device and the kernel can
 * @throws KernelError when no variant has that storage, or the device none of their features
 */
export function variantFor(
  kernel: AnyKernel,
  device: Abilities,
  storage?: Storage,
  products: "f32" | "f16" = "f32",
): Variant {
  const stored = kernel.variants.filter((v) => v.storage === undefined || v.storage === storage);
  const precise = stored.filter((v) => products === "f16" || v.products === undefined);
  const variant = precise.find((v) => v.features.every((f) => device.features.has(f)));
  if (variant !== undefined) return variant;
  const have = [...new Set(kernel.variants.map((v) => v.storage))].join(", ");
  throw new KernelError(
    stored.length === 0
      ? `${kernel.name} has no variant for weights stored as ${storage}; it has ${have}`
      : `${kernel.name} needs features that this device has not: ${stored.map((v) => v.features.join(" and ")).join("; ")}`,
  );
}

/** The first preset whose workgroups a device can hold. @throws KernelError when there is none */
export function presetFor(kernel: AnyKernel, { limits }: Abilities): Preset {
  const preset = kernel.presets.find(
    (p) =>
      p.invocations <= limits.maxComputeInvocationsPerWorkgroup &&
      p.workgroupBytes <= limits.maxComputeWorkgroupStorageSize,
  );
  if (preset === undefined) throw new KernelError(`${kernel.name} has no preset that this device can hold`);
  return preset;
}

/** A grid for so many threads (or rows, with `per` = 1), in as many dimensions as the limit asks for: x first. */
export function grid(count: number, per: number, most: number): readonly [number, number, number] {
  const groups = Math.ceil(count / per);
  if (groups <= most) return [groups, 1, 1];
  const y = Math.ceil(groups / most);
  return [Math.ceil(groups / y), y, 1];
}

/** What a parameter that chooses among functions stands for. @throws KernelError when it is none of them */
export function opName<O extends string>(kernel: string, ops: Readonly<Record<O, number>>, op: number): O {
  const name = (Object.keys(ops) as O[]).find((o) => ops[o] === op);
  if (name !== undefined) return name;
  throw new KernelError(`${kernel}: op is ${op}, it must be one of ${JSON.stringify(ops)}`);
}

/**
 * The contract of a kernel: everything that one needs to launch it, to know what it must give, and to test it, on whatever
 * runs it. A contract names no device and holds no state. Sources lie in the top-level folder `kernels`, one name per kernel in
 * each language.
 */
import type { Cases } from "./cases.js";
import type { Storage } from "./storage.js";

/** The numbers of one call, as they lie in the uniform block: sizes, switches (0 or 1), constants. */
export type Params<P extends string = string> = Readonly<Record<P, number>>;
/** Row-major numbers by the name of their buffer. */
export type Arrays<B extends string = string> = Readonly<Partial<Record<B, ArrayLike<number>>>>;

/** One number of the uniform block. All are four bytes, in the order of the contract. */
export interface ParamSpec {
  readonly type: "u32" | "i32" | "f32";
  /** What it means, and its unit. */
  readonly about: string;
}

/**
 * One storage buffer; the first of a contract is binding 1, as binding 0 has the parameters. Elements take four bytes, but for a
 * `weight`, which lies as its variant's storage says, in words of four bytes: it is binding 2, and its `scale` binding 3.
 */
export interface BufferSpec<P extends string = string> {
  /**
   * An output is written whole; of an `inout`, what is not written stays, and the reference is given it as an input. A scratch
   * buffer holds what one launch leaves for the next.
   */
  readonly role: "input" | "output" | "inout" | "scratch";
  readonly element: "f32" | "i32" | "u32" | "weight" | "scale";
  /**
   * The shape of its numbers, row-major; with an axis of none the buffer is not used in this call, and may be any. The scale of
   * a weight has the weight's shape: how many there are is the storage's business.
   */
  shape(params: Params<P>): readonly number[];
}

/** What a device must be able to do beyond the core of WebGPU. */
export type Feature = "shader-f16" | "subgroups";

/** One form of a kernel. The same numbers come from each, within its tolerance. */
export interface Variant {
  readonly name: string;
  /** How a `weight` lies; none where the kernel has no weight. */
  readonly storage?: Storage;
  /** Where it multiplies in float16: faster, to about three digits, and a number over 65504 becomes infinite. For who asks for it. */
  readonly products?: "f16";
  readonly features: readonly Feature[];
  /** WGSL, in pieces that are joined in this order; `enable` lines stand first. */
  readonly wgsl: readonly string[];
}

/** One choice of the constants that a kernel leaves open: tile and workgroup sizes. */
export interface Preset {
  readonly name: string;
  /** Of `override` declarations. */
  readonly constants: Readonly<Record<string, number>>;
  /** Threads of a workgroup. */
  readonly invocations: number;
  /** Bytes of workgroup memory, of the variant that takes most. */
  readonly workgroupBytes: number;
}

/** What a launch may count on: a part of `GPUSupportedLimits`. */
export interface LaunchLimits {
  /** Bytes of one binding. */
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  /** Where a bound part of a buffer may begin, in bytes. */
  readonly minStorageBufferOffsetAlignment: number;
}

/** What every WebGPU device has. */
export const defaultLimits: LaunchLimits = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxComputeWorkgroupsPerDimension: 65535,
  minStorageBufferOffsetAlignment: 256,
};

/** One dispatch. Those of a call run one after the other, each seeing what those before it wrote. */
export interface Launch<P extends string = string, B extends string = string> {
  /** The entry point. */
  readonly entry: string;
  /** Workgroups; one that counts 0 is left out. */
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Parameters that differ from those of the call, and all of the kernel's `launchParams`. */
  readonly params?: Partial<Params<P>> | Params;
  /**
   * Buffers of which only a half-open range along the first axis is bound: those over the limit of a binding are cut. A buffer
   * that is not named is bound whole, and may be longer than its shape.
   */
  readonly rows?: Readonly<Partial<Record<B, readonly [from: number, to: number]>>>;
}

/** How a call is cut into launches. */
export interface LaunchChoice {
  readonly variant: Variant;
  readonly preset: Preset;
  readonly limits: LaunchLimits;
}

/** How far a result may be from the reference: `abs + rel * |wanted|`. */
export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
  /** Why not less. */
  readonly why: string;
}

export interface Kernel<P extends string = string, B extends string = string> {
  /** That of its files: `kernels/wgsl/NAME.wgsl`. */
  readonly name: string;
  /** What it computes, with its source where it has one. */
  readonly formula: string;
  readonly params: Readonly<Record<P, ParamSpec>>;
  /** Numbers that a launch gives and a caller does not, such as which part it computes: in the uniform block behind the others. */
  readonly launchParams?: Readonly<Record<string, ParamSpec>>;
  /** In the order of their bindings; at most eight. */
  readonly buffers: Readonly<Record<B, BufferSpec<P>>>;
  /** Of those that a device can run, with the wanted storage and products, the first is taken. */
  readonly variants: readonly Variant[];
  /** Of those that fit a device, the first is taken; the last fits every device. */
  readonly presets: readonly Preset[];
  launches(params: Params<P>, choice: LaunchChoice): readonly Launch<NoInfer<P>, NoInfer<B>>[];
  /** The same in float64, by the definition. A weight is what its storage holds, in plain numbers. */
  reference(params: Params<P>, inputs: Arrays<B>): Arrays<B>;
  tolerance(params: Params<P>, variant: Variant): Tolerance;
  /** What must be moved and computed at the least: the figures of a benchmark. */
  work(params: Params<P>, variant: Variant): { readonly bytes: number; readonly flops: number };
  /** Examples for its tests and its benchmark. */
  readonly cases: Cases<P, B>;
}

/** A kernel, its names inferred. */
export const defineKernel = <const P extends string, const B extends string>(kernel: Kernel<P, B>): Kernel<P, B> =>
  Object.freeze(kernel);

/** A kernel whose names are not known to the compiler: what runs any kernel takes one of these. */
export type AnyKernel = Kernel;

/** The same kernel for those that run any. */
export const anyKernel = <P extends string, B extends string>(kernel: Kernel<P, B>): AnyKernel =>
  kernel as unknown as AnyKernel;

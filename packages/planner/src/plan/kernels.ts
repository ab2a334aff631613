import * as k from "@hulu/kernels";

/** What plans call, by name. */
const called = {
  add_rms_norm: k.addRmsNorm,
  attention: k.attention,
  binary: k.binary,
  binary_i32: k.binaryI32,
  compare: k.compare,
  compare_i32: k.compareI32,
  copy: k.copy,
  embedding: k.embedding,
  frame_difference: k.frameDifference,
  gather: k.gather,
  iota: k.iota,
  layer_norm: k.layerNorm,
  matmul: k.matmul,
  matmul_batch: k.matmulBatch,
  qk_norm_rotate: k.qkNormRotate,
  reduce: k.reduce,
  rms_norm: k.rmsNorm,
  rope_table: k.ropeTable,
  rotate: k.rotate,
  select: k.select,
  softmax: k.softmax,
  splice: k.splice,
  swiglu: k.swiglu,
  to_f32: k.toF32,
  to_i32: k.toI32,
  token_merge: k.tokenMerge,
  unary: k.unary,
} as const;
export type KernelName = keyof typeof called;

/** Scratch buffers, whose room nobody has to speak of. */
type Scratch = "partial";

type ParamOf<K> = K extends k.Kernel<infer P, string> ? P : never;
type BufferOf<K> = K extends k.Kernel<infer _, infer B> ? Exclude<B, Scratch> : never;

/** The parameters that a kernel must be given. */
export type ParamsOf<K extends KernelName, T> = Readonly<Record<ParamOf<(typeof called)[K]>, T>>;
/** The buffers that a kernel must be given. */
export type BuffersOf<K extends KernelName, T> = Readonly<Record<BufferOf<(typeof called)[K]>, T>>;

export const kernelOf = (name: KernelName): k.AnyKernel => called[name] as unknown as k.AnyKernel;

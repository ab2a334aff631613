import type { AnyKernel } from "@hulu/kernels";

/** What a plan calls, with the names of what it must say: the contracts of `@hulu/kernels`, scratch buffers left out. */
export interface Calls {
  matmul: Call<
    "m" | "n" | "k" | "bias" | "activation" | "residual",
    "x" | "weight" | "scale" | "bias" | "residual" | "y"
  >;
  matmul_batch: Call<"batch" | "m" | "n" | "k", "x" | "w" | "y">;
  embedding: Call<"count" | "rows" | "width", "index" | "weight" | "scale" | "y">;
  attention: Call<
    "batch" | "seq" | "ctx" | "heads" | "kv" | "dim" | "scale" | "causal" | "window" | "softcap" | "segments",
    "q" | "k" | "v" | "segments" | "y"
  >;
  layer_norm: Call<"rows" | "width" | "eps", "x" | "weight" | "bias" | "y">;
  rms_norm: Call<"rows" | "width" | "eps", "x" | "weight" | "y">;
  add_rms_norm: Call<"rows" | "width" | "eps", "x" | "residual" | "weight" | "sum" | "y">;
  unary: Call<"count" | "op", "x" | "y">;
  binary: Call<"count" | "op", "a" | "b" | "y">;
  binary_i32: Call<"count" | "op", "a" | "b" | "y">;
  compare: Call<"count" | "op", "a" | "b" | "y">;
  compare_i32: Call<"count" | "op", "a" | "b" | "y">;
  select: Call<"count", "condition" | "a" | "b" | "y">;
  swiglu: Call<"count", "gate" | "up" | "y">;
  softmax: Call<"rows" | "width", "x" | "y">;
  rope_table: Call<"seq" | "n", "at" | "frequencies" | "cos" | "sin">;
  rotate: Call<"rows" | "seq" | "heads" | "dim" | "interleaved", "x" | "cos" | "sin" | "y">;
  qk_norm_rotate: Call<"rows" | "seq" | "heads" | "dim" | "interleaved" | "eps", "x" | "weight" | "cos" | "sin" | "y">;
  token_merge: Call<"rows" | "window" | "width", "x" | "weights" | "y">;
  copy: Call<"count" | `${"d" | "s" | "t"}${0 | 1 | 2 | 3 | 4 | 5}` | "from" | "to" | "size", "x" | "y">;
  gather: Call<"outer" | "rows" | "inner" | "count", "x" | "index" | "y">;
  reduce: Call<"outer" | "width" | "inner" | "op", "x" | "y">;
  iota: Call<"count" | "start", "y">;
  to_f32: Call<"count", "x" | "y">;
  to_i32: Call<"count", "x" | "y">;
  splice: Call<"rows" | "width" | "visuals", "text" | "visual" | "index" | "y">;
  frame_difference: Call<"frames" | "tokens" | "width", "x" | "before" | "y">;
}
export type KernelName = keyof Calls;

interface Call<P extends string, B extends string> {
  readonly params: P;
  readonly buffers: B;
}

/** The kernels that plans call, by name. */
export const byName = (kernels: readonly AnyKernel[]): ReadonlyMap<string, AnyKernel> =>
  new Map(kernels.map((kernel) => [kernel.name, kernel]));

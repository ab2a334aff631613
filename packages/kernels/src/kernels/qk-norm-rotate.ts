import pair from "../../../../kernels/wgsl/lib/pair.wgsl";
import wgsl from "../../../../kernels/wgsl/qk_norm_rotate.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel, type Preset } from "../kernel.js";
import { checkHead } from "../pairs.js";
import { reducing } from "../rowwise.js";
import { rmsNorm } from "./rms-norm.js";
import { rotate } from "./rotate.js";

/** A workgroup has one head, which is 64 to 256 numbers. */
const presets: readonly Preset[] = [64, 32].map((threads) => ({
  name: `${threads} threads`,
  constants: { THREADS: threads },
  invocations: threads,
  workgroupBytes: 4 * threads,
}));

/**
 * The norm of each head of q or k, as Qwen3 has it, and its rotation: `x` and `y` are `[rows heads dim]`, `weight` is `[dim]`,
 * `cos` and `sin` are `[seq dim/2]`. Rows are sequences of `seq` positions one behind the other; `dim` is even.
 */
export const qkNormRotate = defineKernel({
  name: "qk_norm_rotate",
  formula:
    "x / sqrt(mean(x^2) + eps) * weight over each head, then (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin). Zhang and Sennrich, 2019; Su et al., 2021",
  params: {
    rows: { type: "u32", about: "how many rows, a multiple of seq" },
    seq: { type: "u32", about: "positions of the tables" },
    heads: { type: "u32", about: "heads of a row" },
    dim: { type: "u32", about: "numbers of a head, even" },
    eps: { type: "f32", about: "added to the mean square" },
    interleaved: { type: "u32", about: "1 where places 2j and 2j + 1 make a pair, 0 for j and j + dim/2" },
  },
  launchParams: { row0: { type: "u32", about: "the first row that is bound" } },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
    weight: { role: "input", element: "f32", shape: ({ dim }) => [dim] },
    cos: { role: "input", element: "f32", shape: ({ seq, dim }) => [seq, dim / 2] },
    sin: { role: "input", element: "f32", shape: ({ seq, dim }) => [seq, dim / 2] },
    y: { role: "output", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
  },
  variants: reducing(pair, wgsl),
  presets,
  launches({ rows, heads, dim }, choice) {
    checkHead("qk_norm_rotate", dim, 2);
    const groups = (n: number) => n * heads;
    const all = rowwise({ name: "rows", rows, widths: { x: heads * dim, y: heads * dim }, groups }, choice);
    return all.map((launch) => ({ ...launch, params: { ...launch.params, row0: launch.rows?.x?.[0] ?? 0 } }));
  },
  reference(params, { x = [], weight = [], cos = [], sin = [] }) {
    const { rows, heads, dim, eps } = params;
    const { y: normed = [] } = rmsNorm.reference({ rows: rows * heads, width: dim, eps }, { x, weight });
    return rotate.reference(params, { x: normed, cos, sin });
  },
  tolerance: ({ dim }) => ({
    abs: 4e-6 + dim * 1e-7,
    rel: 1e-6,
    why: "the norm's float32 sum of squares, of numbers up to 10, then two products and their sum, which may cancel",
  }),
  work: ({ rows, seq, heads, dim }) => ({
    bytes: 4 * dim * (2 * rows * heads + seq + 1),
    flops: 7 * rows * heads * dim,
  }),
  cases: {
    sizes: { batch: [0, 2], seq: [1, 5], heads: [1, 3], half: [1, 80], interleaved: [0, 1] },
    always: [
      { batch: 1, seq: 1, heads: 1, half: 1, interleaved: 0 },
      { batch: 2, seq: 3, heads: 2, half: 64, interleaved: 0 },
      { batch: 3, seq: 4, heads: 1, half: 32, interleaved: 0 },
      { batch: 1, seq: 4, heads: 2, half: 33, interleaved: 1 },
    ],
    exact: false,
    make({ batch = 1, seq = 1, heads = 1, half = 1, interleaved = 0 }, random) {
      const [rows, dim] = [batch * seq, 2 * half];
      const angles = random.numbers(seq * half);
      const inputs = {
        x: random.numbers(rows * heads * dim),
        weight: random.numbers(dim),
        cos: angles.map(Math.cos),
        sin: angles.map(Math.sin),
      };
      return { params: { rows, seq, heads, dim, eps: 1e-6, interleaved }, inputs };
    },
    bench: {
      "prefill, 4B": { batch: 1, seq: 1024, heads: 32, half: 64, interleaved: 0 },
      "decode, 4B": { batch: 1, seq: 1, heads: 32, half: 64, interleaved: 0 },
    },
  },
});

import wgsl from "../../../../kernels/wgsl/token_merge.wgsl";
import { rowwise } from "../cut.js";
import { threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { KernelError } from "../layout.js";

/**
 * What each place of an m x m window weighs, row-major, where merging is to be the bilinear resize to 1/m, without antialias
 * and with align_corners = false: the value at the window's centre. m = 1 is identity, m = 2 the mean, m = 3 the place in the
 * middle, m = 4 the mean of the 2 x 2 in the middle.
 * @throws KernelError unless m is a whole number from 1 to 1024
 */
export function bilinearWeights(m: number): Float32Array {
  if (!Number.isInteger(m) || m < 1 || m > 1024)
    throw new KernelError(`a window's side is a whole number from 1 to 1024, not ${m}`);
  const along = Array.from({ length: m }, (_, i) => Math.max(0, 1 - Math.abs(i - (m - 1) / 2)));
  return Float32Array.from(along.flatMap((y) => along.map((x) => y * x)));
}

/** How many weights of a bilinear window are not 0. */
const bilinearReads = (window: number): number => (Math.sqrt(window) % 2 === 1 ? 1 : Math.min(4, window));

/**
 * Tokens that lie window by window are merged: `x` is `[rows*window width]`, `weights` `[window]`, `y` `[rows width]`. For the
 * merging of Hulu-Med the weights are {@link bilinearWeights} of m, the window m * m, and tokens come in merge-block order:
 * window by window, row-major over the windows and inside each.
 */
export const tokenMerge = defineKernel({
  name: "token_merge",
  formula: "y = sum of weights * x over each window of rows. Jiang et al., Hulu-Med, 2025, intra-plane pooling",
  params: {
    rows: { type: "u32", about: "how many windows" },
    window: { type: "u32", about: "tokens of a window, m * m" },
    width: { type: "u32", about: "numbers in a token" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, window, width }) => [rows, window, width] },
    weights: { role: "input", element: "f32", shape: ({ window }) => [window] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches({ rows, window, width }, { preset, limits }) {
    const groups = (n: number) => Math.ceil((n * width) / preset.invocations);
    return rowwise({ name: "rows", rows, widths: { x: window * width, y: width }, groups }, { limits });
  },
  reference({ rows, window, width }, { x = [], weights = [] }) {
    const y = new Float64Array(rows * width);
    for (let i = 0; i < rows * window * width; i++) {
      const token = Math.floor(i / width);
      y[Math.floor(token / window) * width + (i % width)]! += weights[token % window]! * x[i]!;
    }
    return { y };
  },
  tolerance: ({ window }) => ({
    abs: window * 5e-7,
    rel: 2e-7,
    why: "a float32 sum over the window, which may cancel, of products up to 4",
  }),
  work: ({ rows, window, width }) => ({
    bytes: 4 * rows * width * (bilinearReads(window) + 1),
    flops: 2 * rows * width * bilinearReads(window),
  }),
  cases: {
    sizes: { rows: [0, 9], m: [1, 5], width: [1, 80], bilinear: [0, 1] },
    always: [
      { rows: 1, m: 1, width: 1, bilinear: 1 },
      { rows: 4, m: 2, width: 64, bilinear: 1 },
      { rows: 5, m: 3, width: 51, bilinear: 1 },
      { rows: 3, m: 4, width: 65, bilinear: 1 },
      { rows: 2, m: 3, width: 7, bilinear: 0 },
      { rows: 5, m: 2, width: 64, bilinear: 0 },
    ],
    exact: true,
    make({ rows = 1, m = 1, width = 1, bilinear = 1 }, random) {
      const window = m * m;
      const weights = bilinear === 1 ? bilinearWeights(m) : random.numbers(window);
      return { params: { rows, window, width }, inputs: { x: random.numbers(rows * window * width), weights } };
    },
    bench: { "vision tokens of a clip": { rows: 4096, m: 2, width: 1152, bilinear: 1 } },
  },
});

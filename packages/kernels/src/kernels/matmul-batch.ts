import tile from "../../../../kernels/wgsl/lib/tile.wgsl";
import tileF32 from "../../../../kernels/wgsl/lib/tile_f32.wgsl";
import wgsl from "../../../../kernels/wgsl/matmul_batch.wgsl";
import { rowwise } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { tilePreset, tilesOf } from "../tiles.js";

/**
 * Products of computed matrices: `x` is `[batch m k]`, `w` `[batch n k]`, `y` `[batch m n]`. More than a binding holds is cut by
 * batches; one batch must fit.
 */
export const matmulBatch = defineKernel({
  name: "matmul_batch",
  formula: "y[b] = x[b] w[b]^T",
  params: {
    batch: { type: "u32", about: "how many products" },
    m: { type: "u32", about: "rows of each x" },
    n: { type: "u32", about: "rows of each w" },
    k: { type: "u32", about: "numbers in a row of either; any" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ batch, m, k }) => [batch, m, k] },
    w: { role: "input", element: "f32", shape: ({ batch, n, k }) => [batch, n, k] },
    y: { role: "output", element: "f32", shape: ({ batch, m, n }) => [batch, m, n] },
  },
  variants: [{ name: "f32", features: [], wgsl: [tileF32, tile, wgsl] }],
  presets: [
    tilePreset({ threads: [8, 16], rows: 8 }),
    tilePreset({ threads: [16, 16], rows: 4 }),
    tilePreset({ threads: [8, 8], rows: 4 }),
  ],
  launches: ({ batch, m, n, k }, { preset, limits }) =>
    rowwise(
      {
        name: "batch",
        rows: batch,
        widths: { x: m * k, w: n * k, y: m * n },
        groups: (products) => products * tilesOf(preset, m, n),
      },
      { limits },
    ),
  reference({ batch, m, n, k }, { x = [], w = [] }) {
    const y = new Float64Array(batch * m * n);
    for (let row = 0; row < batch * m; row++)
      for (let column = 0; column < n; column++) {
        const other = Math.floor(row / m) * n + column;
        let sum = 0;
        for (let i = 0; i < k; i++) sum += x[row * k + i]! * w[other * k + i]!;
        y[row * n + column] = sum;
      }
    return { y };
  },
  tolerance: ({ k }) => ({
    abs: 1e-6 + 2e-7 * k,
    rel: 1e-6,
    why: "k float32 products of ordinary numbers, summed in any order",
  }),
  work: ({ batch, m, n, k }) => ({ bytes: 4 * batch * (m * k + n * k + m * n), flops: 2 * batch * m * n * k }),
  cases: {
    sizes: { batch: [0, 5], m: [0, 40], n: [1, 70], k: [0, 50] },
    always: [
      { batch: 1, m: 1, n: 1, k: 1 },
      { batch: 3, m: 33, n: 65, k: 17 },
      { batch: 2, m: 64, n: 64, k: 16 },
      { batch: 70, m: 1, n: 5, k: 3 },
      { batch: 3, m: 32, n: 1, k: 0 },
    ],
    exact: true,
    make: ({ batch = 1, m = 1, n = 1, k = 1 }, random) => ({
      params: { batch, m, n, k },
      inputs: { x: random.numbers(batch * m * k), w: random.numbers(batch * n * k) },
    }),
    bench: { "scores of heads, 7B": { batch: 28, m: 1024, n: 1024, k: 128 } },
  },
});

import heads from "../../../../kernels/wgsl/lib/heads.wgsl";
import pair from "../../../../kernels/wgsl/lib/pair.wgsl";
import trig from "../../../../kernels/wgsl/lib/trig.wgsl";
import wgsl from "../../../../kernels/wgsl/rope_2d.wgsl";
import { defineKernel } from "../kernel.js";
import { checkHead, ropeLaunches, ropePresets, turnAt, turned, turnTolerance } from "../pairs.js";
import { ropeFrequencies } from "./rope-table.js";

/**
 * Rotary positions of a picture's patches in one go: `x` and `y` are `[rows heads dim]`, `row` and `col` are `[rows]`, where each
 * patch is, in patches; `frequencies` `[dim/4]`, as `ropeFrequencies(theta, dim / 4)` makes them. `dim` is a multiple of 4.
 * Of a head's pairs the first half turns with the row, the second with the column. The weights that were released for Hulu-Med
 * need places j and j + dim/2 as pairs; its paper writes 2j and 2j + 1.
 */
export const rope2d = defineKernel({
  name: "rope_2d",
  formula:
    "(x1, x2) -> (x1 cos a - x2 sin a, x2 cos a + x1 sin a), a = row * frequency_j for pairs j < dim/4, col * frequency_(j - dim/4) for the others. Heo et al., Rotary Position Embedding for Vision Transformer, 2024; Jiang et al., Hulu-Med, 2025",
  params: {
    rows: { type: "u32", about: "how many patches" },
    heads: { type: "u32", about: "heads of a patch" },
    dim: { type: "u32", about: "numbers of a head, a multiple of 4" },
    interleaved: { type: "u32", about: "1 where places 2j and 2j + 1 make a pair, 0 for j and j + dim/2" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
    row: { role: "input", element: "i32", shape: ({ rows }) => [rows] },
    col: { role: "input", element: "i32", shape: ({ rows }) => [rows] },
    frequencies: { role: "input", element: "f32", shape: ({ dim }) => [dim / 4] },
    y: { role: "output", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
  },
  variants: [{ name: "f32", features: [], wgsl: [trig, pair, heads, wgsl] }],
  presets: ropePresets,
  launches(params, choice) {
    checkHead("rope_2d", params.dim, 4);
    return ropeLaunches(params, ["x", "y"], ["row", "col"], choice);
  },
  reference(params, { x = [], row = [], col = [], frequencies = [] }) {
    const quarter = params.dim / 4;
    const turnOf = (token: number, pair: number) =>
      turnAt(pair < quarter ? row[token]! : col[token]!, frequencies[pair % quarter]!);
    return { y: turned(params, x, turnOf) };
  },
  tolerance: turnTolerance,
  work: ({ rows, heads, dim }) => ({
    bytes: 4 * (2 * rows * heads * dim + 2 * rows + dim / 4),
    flops: 3 * rows * heads * dim,
  }),
  cases: {
    sizes: { rows: [0, 9], heads: [1, 9], quarter: [1, 20], interleaved: [0, 1], side: [1, 1000] },
    always: [
      { rows: 1, heads: 1, quarter: 1, interleaved: 0, side: 1 },
      { rows: 4, heads: 4, quarter: 18, interleaved: 0, side: 64 },
      { rows: 130, heads: 1, quarter: 1, interleaved: 0, side: 9 },
      { rows: 5, heads: 5, quarter: 7, interleaved: 1, side: 1000 },
    ],
    exact: false,
    make({ rows = 1, heads = 1, quarter = 1, interleaved = 0, side = 1 }, random) {
      const dim = 4 * quarter;
      const inputs = {
        x: random.numbers(rows * heads * dim),
        row: random.whole(rows, 0, side),
        col: random.whole(rows, 0, side),
        frequencies: ropeFrequencies(10_000, quarter),
      };
      return { params: { rows, heads, dim, interleaved }, inputs };
    },
    bench: { "vision tokens": { rows: 4096, heads: 16, quarter: 18, interleaved: 0, side: 64 } },
  },
});

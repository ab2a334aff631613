import heads from "../../../../kernels/wgsl/lib/heads.wgsl";
import pair from "../../../../kernels/wgsl/lib/pair.wgsl";
import trig from "../../../../kernels/wgsl/lib/trig.wgsl";
import wgsl from "../../../../kernels/wgsl/rope_1d.wgsl";
import { defineKernel } from "../kernel.js";
import { checkHead, ropeLaunches, ropePresets, turnAt, turned, turnTolerance } from "../pairs.js";
import { ropeFrequencies } from "./rope-table.js";

/**
 * Rotary positions in one go: `x` and `y` are `[rows heads dim]`, `position` is `[rows]` (those of a token's index in its
 * sequence), `frequencies` `[dim/2]`, as `ropeFrequencies(theta, dim / 2)` makes them. `dim` is even. Where many layers
 * turn by the same positions, `ropeTable` once and `rotate` in each do less.
 */
export const rope1d = defineKernel({
  name: "rope_1d",
  formula:
    "(x1, x2) -> (x1 cos a - x2 sin a, x2 cos a + x1 sin a), a = position * frequency, for each pair of a head: places j and j + dim/2, or 2j and 2j + 1. Su et al., RoFormer, 2021",
  params: {
    rows: { type: "u32", about: "how many rows" },
    heads: { type: "u32", about: "heads of a row" },
    dim: { type: "u32", about: "numbers of a head, even" },
    interleaved: { type: "u32", about: "1 where places 2j and 2j + 1 make a pair, 0 for j and j + dim/2" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
    position: { role: "input", element: "i32", shape: ({ rows }) => [rows] },
    frequencies: { role: "input", element: "f32", shape: ({ dim }) => [dim / 2] },
    y: { role: "output", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
  },
  variants: [{ name: "f32", features: [], wgsl: [trig, pair, heads, wgsl] }],
  presets: ropePresets,
  launches(params, choice) {
    checkHead("rope_1d", params.dim, 2);
    return ropeLaunches(params, ["x", "y"], ["position"], choice);
  },
  reference: (params, { x = [], position = [], frequencies = [] }) => ({
    y: turned(params, x, (row, pair) => turnAt(position[row]!, frequencies[pair]!)),
  }),
  tolerance: turnTolerance,
  work: ({ rows, heads, dim }) => ({
    bytes: 4 * (2 * rows * heads * dim + rows + dim / 2),
    flops: 3 * rows * heads * dim,
  }),
  cases: {
    sizes: { rows: [0, 9], heads: [1, 9], half: [1, 40], interleaved: [0, 1], far: [0, 20] },
    always: [
      { rows: 1, heads: 1, half: 1, interleaved: 0, far: 0 },
      { rows: 3, heads: 4, half: 32, interleaved: 0, far: 17 },
      { rows: 130, heads: 1, half: 2, interleaved: 0, far: 10 },
      { rows: 5, heads: 5, half: 17, interleaved: 1, far: 10 },
    ],
    exact: false,
    make({ rows = 1, heads = 1, half = 1, interleaved = 0, far = 10 }, random) {
      const dim = 2 * half;
      const inputs = {
        x: random.numbers(rows * heads * dim),
        position: random.whole(rows, 0, 2 ** far),
        frequencies: ropeFrequencies(1e6, half),
      };
      return { params: { rows, heads, dim, interleaved }, inputs };
    },
    bench: { "prefill, 7B": { rows: 1024, heads: 28, half: 64, interleaved: 0, far: 12 } },
  },
});

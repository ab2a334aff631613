import heads from "../../../../kernels/wgsl/lib/heads.wgsl";
import pair from "../../../../kernels/wgsl/lib/pair.wgsl";
import wgsl from "../../../../kernels/wgsl/rotate.wgsl";
import { defineKernel } from "../kernel.js";
import { checkHead, ropeLaunches, ropePresets, turned } from "../pairs.js";

/**
 * Rotary positions by table: `x` and `y` are `[rows heads dim]`, where rows are sequences of `seq` positions one behind the
 * other; `cos` and `sin` are `[seq dim/2]`, of any angles: in 2D, those of the row beside those of the column. `dim` is even.
 */
export const rotate = defineKernel({
  name: "rotate",
  formula:
    "(x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin) for each pair of a head: places j and j + dim/2, or 2j and 2j + 1. Su et al., 2021",
  params: {
    rows: { type: "u32", about: "how many rows, a multiple of seq" },
    seq: { type: "u32", about: "positions of the tables" },
    heads: { type: "u32", about: "heads of a row" },
    dim: { type: "u32", about: "numbers of a head, even" },
    interleaved: { type: "u32", about: "1 where places 2j and 2j + 1 make a pair, 0 for j and j + dim/2" },
  },
  launchParams: { row0: { type: "u32", about: "the first row that is bound" } },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
    cos: { role: "input", element: "f32", shape: ({ seq, dim }) => [seq, dim / 2] },
    sin: { role: "input", element: "f32", shape: ({ seq, dim }) => [seq, dim / 2] },
    y: { role: "output", element: "f32", shape: ({ rows, heads, dim }) => [rows, heads, dim] },
  },
  variants: [{ name: "f32", features: [], wgsl: [pair, heads, wgsl] }],
  presets: ropePresets,
  launches(params, choice) {
    checkHead("rotate", params.dim, 2);
    const all = ropeLaunches(params, ["x", "y"], [], choice);
    return all.map((launch) => ({ ...launch, params: { ...launch.params, row0: launch.rows?.x?.[0] ?? 0 } }));
  },
  reference(params, { x = [], cos = [], sin = [] }) {
    const turnOf = (row: number, pair: number) => {
      const at = ((row % params.seq) * params.dim) / 2 + pair;
      return [cos[at]!, sin[at]!] as const;
    };
    return { y: turned(params, x, turnOf) };
  },
  tolerance: () => ({ abs: 1e-6, rel: 2e-7, why: "two products and their sum, which may cancel, of numbers up to 4" }),
  work: ({ rows, seq, heads, dim }) => ({ bytes: 4 * dim * (2 * rows * heads + seq), flops: 3 * rows * heads * dim }),
  cases: {
    sizes: { batch: [0, 3], seq: [1, 9], heads: [1, 5], half: [1, 40], interleaved: [0, 1] },
    always: [
      { batch: 1, seq: 1, heads: 1, half: 1, interleaved: 0 },
      { batch: 2, seq: 3, heads: 2, half: 36, interleaved: 0 },
      { batch: 1, seq: 4, heads: 2, half: 32, interleaved: 1 },
      { batch: 3, seq: 4, heads: 1, half: 32, interleaved: 0 },
      { batch: 3, seq: 5, heads: 5, half: 17, interleaved: 1 },
    ],
    exact: true,
    make({ batch = 1, seq = 1, heads = 1, half = 1, interleaved = 0 }, random) {
      const [rows, dim] = [batch * seq, 2 * half];
      const [cos, sin] = [random.numbers(seq * half), random.numbers(seq * half)];
      const inputs = { x: random.numbers(rows * heads * dim), cos, sin };
      return { params: { rows, seq, heads, dim, interleaved }, inputs };
    },
    bench: {
      "vision tokens": { batch: 4, seq: 1024, heads: 16, half: 36, interleaved: 0 },
      "prefill, 7B": { batch: 1, seq: 1024, heads: 28, half: 64, interleaved: 0 },
    },
  },
});

import trig from "../../../../kernels/wgsl/lib/trig.wgsl";
import wgsl from "../../../../kernels/wgsl/rope_table.wgsl";
import { rowwise } from "../cut.js";
import { threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";

/**
 * Frequencies of rotary positions, theta^(-j/n) for j = 0 .. n-1, in float32. Su et al., RoFormer, 2021.
 * @param theta 10,000 in the paper
 * @param n half of a head; a quarter of it for each axis of 2D positions
 */
export const ropeFrequencies = (theta: number, n: number): Float32Array =>
  Float32Array.from({ length: n }, (_, j) => 1 / Math.fround(theta ** Math.fround(j / n)));

/**
 * The tables that `rotate` takes: positions `at` are `[seq]`, `frequencies` `[n]`, as {@link ropeFrequencies} makes them, and
 * `cos` and `sin` `[seq n]`. The angle is rounded to float32, as PyTorch does; its cosine and sine are right to 1e-7 however
 * large it is.
 */
export const ropeTable = defineKernel({
  name: "rope_table",
  formula: "cos(at * frequency) and sin(at * frequency). Su et al., 2021; angles reduced as Payne and Hanek, 1983",
  params: {
    seq: { type: "u32", about: "how many positions" },
    n: { type: "u32", about: "angles of a position" },
  },
  buffers: {
    at: { role: "input", element: "i32", shape: ({ seq }) => [seq] },
    frequencies: { role: "input", element: "f32", shape: ({ n }) => [n] },
    cos: { role: "output", element: "f32", shape: ({ seq, n }) => [seq, n] },
    sin: { role: "output", element: "f32", shape: ({ seq, n }) => [seq, n] },
  },
  variants: [{ name: "f32", features: [], wgsl: [trig, wgsl] }],
  presets: threadPresets,
  launches: ({ seq, n }, { preset, limits }) => {
    const groups = (rows: number) => Math.ceil((rows * n) / preset.invocations);
    return rowwise({ name: "seq", rows: seq, widths: { at: 1, cos: n, sin: n }, groups }, { limits });
  },
  reference({ seq, n }, { at = [], frequencies = [] }) {
    const [cos, sin] = [new Float64Array(seq * n), new Float64Array(seq * n)];
    for (let i = 0; i < seq * n; i++) {
      const angle = Math.fround(Math.fround(at[Math.floor(i / n)]!) * frequencies[i % n]!);
      cos[i] = Math.cos(angle);
      sin[i] = Math.sin(angle);
    }
    return { cos, sin };
  },
  tolerance: () => ({ abs: 1e-7, rel: 0, why: "angles are reduced to 2e-9; then float32" }),
  work: ({ seq, n }) => ({ bytes: 4 * (seq + n + 2 * seq * n), flops: seq * n }),
  cases: {
    sizes: { seq: [0, 20], n: [1, 64], far: [0, 20] },
    always: [
      { seq: 1, n: 1, far: 0 },
      { seq: 8, n: 32, far: 20 },
      { seq: 257, n: 1, far: 17 },
      { seq: 130, n: 3, far: 12 },
      { seq: 15, n: 17, far: 10 },
    ],
    exact: false,
    make({ seq = 1, n = 1, far = 10 }, random) {
      const at = random.whole(seq, -(2 ** (far / 2)), 2 ** far);
      return { params: { seq, n }, inputs: { at, frequencies: ropeFrequencies(10_000, n) } };
    },
    bench: { "prefill, 7B": { seq: 1024, n: 64, far: 15 } },
  },
});

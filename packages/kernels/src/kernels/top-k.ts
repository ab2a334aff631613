import order from "../../../../kernels/wgsl/lib/order.wgsl";
import wgsl from "../../../../kernels/wgsl/top_k.wgsl";
import { pieces } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { grid, KernelError } from "../layout.js";
import { logits } from "./order.js";

/** Numbers of a row that one workgroup looks at; the same number stands in the source. */
const PART = 4096;
const parts = (width: number): number => Math.ceil(width / PART);

/** The most that `topK` gives. */
export const TOP_K_MOST = 256;

/** The k largest of each row, in the order in which a sampler looks at them. */
export const topK = defineKernel({
  name: "top_k",
  formula:
    "the k largest x[i], the largest first and of equal ones the lower i; NaN and -infinity are passed over, and where there " +
    "are fewer than k others the value is -infinity and the index -1",
  params: {
    rows: { type: "u32", about: "how many rows" },
    width: { type: "u32", about: "numbers in a row" },
    k: { type: "u32", about: `how many of them, from 1 to ${TOP_K_MOST}` },
    stage: { type: "u32", about: "of each launch: 0 the best of each part, 1 the best of those" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    keys: { role: "scratch", element: "u32", shape: ({ rows, width, k }) => [rows, parts(width), k] },
    places: { role: "scratch", element: "u32", shape: ({ rows, width, k }) => [rows, parts(width), k] },
    values: { role: "output", element: "f32", shape: ({ rows, k }) => [rows, k] },
    indices: { role: "output", element: "i32", shape: ({ rows, k }) => [rows, k] },
  },
  variants: [{ name: "f32", features: [], wgsl: [order, wgsl] }],
  presets: [
    { name: "256 threads", constants: { THREADS: 256, SORT: 1024 }, invocations: 256, workgroupBytes: 8200 },
    { name: "64 threads", constants: { THREADS: 64, SORT: 512 }, invocations: 64, workgroupBytes: 4104 },
  ],
  launches({ rows, width, k }, { limits }) {
    if (!(k >= 1 && k <= TOP_K_MOST)) throw new KernelError(`top_k: k is ${k}; it must be from 1 to ${TOP_K_MOST}`);
    const most = limits.maxComputeWorkgroupsPerDimension;
    return pieces(rows, limits, width, parts(width) * k, k).flatMap((range) => {
      const count = range[1] - range[0];
      const all = { x: range, keys: range, places: range, values: range, indices: range };
      return [0, 1].map((stage) => ({
        entry: "main",
        workgroups: grid(count * (stage === 0 ? parts(width) : 1), 1, most),
        params: { rows: count, stage },
        ...(count < rows && { rows: all }),
      }));
    });
  },
  reference({ rows, width, k }, { x = [] }) {
    const values = new Float64Array(rows * k).fill(Number.NEGATIVE_INFINITY);
    const indices = new Int32Array(rows * k).fill(-1);
    for (let row = 0; row < rows; row++) {
      const at = (i: number) => x[row * width + i]!;
      const chosen = Array.from({ length: width }, (_, i) => i).filter((i) => at(i) > Number.NEGATIVE_INFINITY);
      chosen.sort((a, b) => (at(a) === at(b) ? a - b : at(a) > at(b) ? -1 : 1));
      for (const [i, place] of chosen.slice(0, k).entries()) {
        values[row * k + i] = at(place);
        indices[row * k + i] = place;
      }
    }
    return { values, indices };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are moved" }),
  work: ({ rows, width, k }) => ({ bytes: 4 * rows * (width + 2 * k), flops: 0 }),
  cases: {
    sizes: { rows: [0, 2], width: [1, 300], k: [1, 140], values: [1, 2000] },
    always: [
      { rows: 2, width: 1, k: 1, values: 1 },
      { rows: 1, width: 1023, k: 1, values: 5 },
      { rows: 1, width: 9000, k: 128, values: 40 },
      { rows: 2, width: 4097, k: 256, values: 5000 },
    ],
    exact: true,
    make: ({ rows = 1, width = 1, k = 1, values = 2 }, random) => ({
      params: { rows, width, k, stage: 0 },
      inputs: { x: logits(random, rows, width, values) },
    }),
    bench: { "a token, 7B": { rows: 1, width: 152_064, k: 64, values: 100_000 } },
  },
});

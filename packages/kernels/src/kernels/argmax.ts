import wgsl from "../../../../kernels/wgsl/argmax.wgsl";
import best from "../../../../kernels/wgsl/lib/best.wgsl";
import bestSubgroups from "../../../../kernels/wgsl/lib/best_subgroups.wgsl";
import order from "../../../../kernels/wgsl/lib/order.wgsl";
import subgroups from "../../../../kernels/wgsl/lib/subgroups.wgsl";
import { pieces } from "../cut.js";
import { defineKernel } from "../kernel.js";
import { grid } from "../layout.js";
import { logits } from "./order.js";

/** Numbers of a row that one workgroup looks at; the same number stands in the source. */
const PART = 1024;
const parts = (width: number): number => Math.ceil(width / PART);

/** The largest of each row: greedy decoding. A row of several parts takes a second launch. */
export const argmax = defineKernel({
  name: "argmax",
  formula: "index = the lowest i of the largest x[i]; NaN and -infinity are passed over, and of nothing else it is -1",
  params: {
    rows: { type: "u32", about: "how many rows" },
    width: { type: "u32", about: "numbers in a row" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    keys: { role: "scratch", element: "u32", shape: ({ rows, width }) => [rows, parts(width)] },
    places: { role: "scratch", element: "u32", shape: ({ rows, width }) => [rows, parts(width)] },
    index: { role: "output", element: "i32", shape: ({ rows }) => [rows] },
  },
  variants: [
    { name: "subgroups", features: ["subgroups"], wgsl: [subgroups, order, bestSubgroups, wgsl] },
    { name: "f32", features: [], wgsl: [order, best, wgsl] },
  ],
  presets: [
    { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 2048 },
    { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 512 },
  ],
  launches({ rows, width }, { limits }) {
    const most = limits.maxComputeWorkgroupsPerDimension;
    return pieces(rows, limits, width, parts(width), 1).flatMap((range) => {
      const count = range[1] - range[0];
      const part = count < rows && {
        params: { rows: count },
        rows: { x: range, keys: range, places: range, index: range },
      };
      const first = { entry: "parts", workgroups: grid(count * parts(width), 1, most), ...part };
      return parts(width) === 1 ? [first] : [first, { entry: "combine", workgroups: grid(count, 1, most), ...part }];
    });
  },
  reference({ rows, width }, { x = [] }) {
    const index = new Int32Array(rows).fill(-1);
    for (let row = 0; row < rows; row++)
      for (let i = 0, most = Number.NEGATIVE_INFINITY; i < width; i++) {
        const value = x[row * width + i]!;
        if (value > most) [most, index[row]] = [value, i];
      }
    return { index };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "a place" }),
  work: ({ rows, width }) => ({ bytes: 4 * rows * (width + 1), flops: 0 }),
  cases: {
    sizes: { rows: [0, 3], width: [1, 2200], values: [1, 40] },
    always: [
      { rows: 2, width: 1, values: 1 },
      { rows: 7, width: 3, values: 2 },
      { rows: 3, width: 1024, values: 3 },
      { rows: 2, width: 1025, values: 900 },
      { rows: 1, width: 20_000, values: 2 },
    ],
    exact: true,
    make: ({ rows = 1, width = 1, values = 2 }, random) => ({
      params: { rows, width },
      inputs: { x: logits(random, rows, width, values) },
    }),
    bench: { "a token, 7B": { rows: 1, width: 152_064, values: 100_000 } },
  },
});

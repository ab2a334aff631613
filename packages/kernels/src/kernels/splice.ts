import wgsl from "../../../../kernels/wgsl/splice.wgsl";
import { pieces } from "../cut.js";
import { threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { grid } from "../layout.js";

/**
 * Visual rows among those of the text. An index past the end gives zeros: a kernel cannot report it, and never reads beside
 * its table.
 */
export const splice = defineKernel({
  name: "splice",
  formula: "y[row] = index[row] < 0 ? text[row] : visual[index[row]]; 0 where the index is not below visuals",
  params: {
    rows: { type: "u32", about: "positions" },
    width: { type: "u32", about: "numbers in a row" },
    visuals: { type: "u32", about: "visual rows" },
  },
  launchParams: {
    visual0: { type: "u32", about: "the first of the visual rows that is bound" },
    bound: { type: "u32", about: "how many of them are bound" },
  },
  buffers: {
    text: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
    visual: { role: "input", element: "f32", shape: ({ visuals, width }) => [visuals, width] },
    index: { role: "input", element: "i32", shape: ({ rows }) => [rows] },
    y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches({ rows, width, visuals }, { preset, limits }) {
    const all = pieces(rows, limits, width, 1);
    const table = pieces(visuals, limits, width);
    return all.flatMap((range) =>
      table.map((part) => ({
        entry: "main",
        workgroups: grid((range[1] - range[0]) * width, preset.invocations, limits.maxComputeWorkgroupsPerDimension),
        params: { rows: range[1] - range[0], visual0: part[0], bound: part[1] - part[0] },
        rows: {
          ...(all.length > 1 && { text: range, index: range, y: range }),
          ...(table.length > 1 && { visual: part }),
        },
      })),
    );
  },
  reference({ rows, width, visuals }, { text = [], visual = [], index = [] }) {
    const y = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++)
      for (let i = 0, from = index[row]!; i < width; i++)
        if (from < visuals) y[row * width + i] = from < 0 ? text[row * width + i]! : visual[from * width + i]!;
    return { y };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are moved" }),
  work: ({ rows, width }) => ({ bytes: 4 * rows * (2 * width + 1), flops: 0 }),
  cases: {
    sizes: { rows: [0, 12], width: [1, 80], visuals: [0, 6], outside: [0, 1] },
    always: [
      { rows: 1, width: 1, visuals: 0, outside: 0 },
      { rows: 9, width: 65, visuals: 4, outside: 0 },
      { rows: 9, width: 64, visuals: 3, outside: 1 },
      // More visual rows than others: these are cut.
      { rows: 70, width: 16, visuals: 200, outside: 1 },
    ],
    exact: true,
    make({ rows = 1, width = 1, visuals = 0, outside = 0 }, random) {
      const index = random.whole(rows, -1, visuals - 1 + outside);
      return {
        params: { rows, width, visuals },
        inputs: { text: random.numbers(rows * width), visual: random.numbers(visuals * width), index },
      };
    },
    bench: { "prefill, 7B": { rows: 1024, width: 3584, visuals: 900, outside: 0 } },
  },
});

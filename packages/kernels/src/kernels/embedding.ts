import wgsl from "../../../../kernels/wgsl/embedding.wgsl";
import { pieces } from "../cut.js";
import { threadPresets } from "../elementwise.js";
import { defineKernel } from "../kernel.js";
import { grid } from "../layout.js";
import { isQuantized, scalesPerRow, storages, wordsPerRow } from "../storage.js";
import { storageWgsl } from "../storage-wgsl.js";

/**
 * Rows of a table by index: `index` is `[count]`, `weight` `[rows width]` in any storage, `y` `[count width]` in float32. An index
 * outside gives zeros: a kernel cannot report it, and never reads beside its table. A table over the limit of a binding is cut
 * by rows.
 */
export const embedding = defineKernel({
  name: "embedding",
  formula: "y[c, i] = weight[index[c], i]; 0 where the index is below 0 or not below rows",
  params: {
    count: { type: "u32", about: "indices" },
    rows: { type: "u32", about: "rows of the table" },
    width: { type: "u32", about: "numbers in a row" },
  },
  launchParams: {
    row0: { type: "u32", about: "the first row of the table that is bound" },
    bound: { type: "u32", about: "how many of its rows are bound" },
  },
  buffers: {
    index: { role: "input", element: "i32", shape: ({ count }) => [count] },
    weight: { role: "input", element: "weight", shape: ({ rows, width }) => [rows, width] },
    scale: { role: "input", element: "scale", shape: ({ rows, width }) => [rows, width] },
    y: { role: "output", element: "f32", shape: ({ count, width }) => [count, width] },
  },
  variants: storages.map((storage) => ({ name: storage, storage, features: [], wgsl: [storageWgsl[storage], wgsl] })),
  presets: threadPresets,
  launches({ count, rows, width }, { variant: { storage = "f32" }, preset, limits }) {
    const some = pieces(count, limits, 1, width);
    const table = pieces(rows, limits, wordsPerRow(storage, width), scalesPerRow(storage, width));
    return some.flatMap((at) =>
      table.map((part) => ({
        entry: "main",
        workgroups: grid((at[1] - at[0]) * width, preset.invocations, limits.maxComputeWorkgroupsPerDimension),
        params: { count: at[1] - at[0], row0: part[0], bound: part[1] - part[0] },
        rows: {
          ...(some.length > 1 && { index: at, y: at }),
          ...(table.length > 1 && { weight: part, ...(isQuantized(storage) && { scale: part }) }),
        },
      })),
    );
  },
  reference({ count, rows, width }, { index = [], weight = [] }) {
    const y = new Float64Array(count * width);
    for (let c = 0; c < count; c++)
      for (let i = 0, row = index[c]!; i < width; i++)
        if (row >= 0 && row < rows) y[c * width + i] = weight[row * width + i]!;
    return { y };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are unpacked, and multiplied by one scale as the reference does" }),
  work: ({ count, width }, { storage = "f32" }) => ({
    bytes: 4 * count * (1 + wordsPerRow(storage, width) + scalesPerRow(storage, width) + width),
    flops: 0,
  }),
  cases: {
    sizes: { count: [0, 40], rows: [0, 40], width: [1, 70], outside: [0, 1] },
    always: [
      { count: 1, rows: 1, width: 1, outside: 0 },
      { count: 70, rows: 9, width: 33, outside: 1 },
      { count: 5, rows: 70, width: 64, outside: 1 },
      { count: 3, rows: 130, width: 100, outside: 0 },
    ],
    exact: true,
    make({ count = 1, rows = 1, width = 1, outside = 0 }, random) {
      const index = random.whole(count, -outside, rows - 1 + outside);
      // Far outside, too: these would be the last rows of all, counted from behind.
      if (outside === 1 && count > 1) index.set([2 ** 31 - 1, -(2 ** 31)]);
      return { params: { count, rows, width }, inputs: { index, weight: random.numbers(rows * width) } };
    },
    bench: { "prompt, 7B": { count: 1024, rows: 152064, width: 3584, outside: 0 } },
  },
});

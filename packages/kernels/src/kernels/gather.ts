import wgsl from "../../../../kernels/wgsl/gather.wgsl";
import { pieces } from "../cut.js";
import { threadPresets } from "../elementwise.js";
import { defineKernel, type LaunchLimits, type Params } from "../kernel.js";
import { grid } from "../layout.js";
import { words } from "./copy/cases.js";

/**
 * Rows by index along any axis, whatever their four bytes mean. An index outside gives zeros: a kernel cannot report it, and
 * never reads beside its table. Who has the indices looks at them before.
 */
export const gather = defineKernel({
  name: "gather",
  formula: "y[o, c, i] = x[o, index[c], i]; 0 where the index is below 0 or not below rows",
  params: {
    outer: { type: "u32", about: "the product of the axes before that of the rows" },
    rows: { type: "u32", about: "rows to choose from" },
    inner: { type: "u32", about: "elements in a row: the product of the axes behind" },
    count: { type: "u32", about: "indices" },
  },
  launchParams: {
    row0: { type: "u32", about: "the first row that is bound" },
    bound: { type: "u32", about: "how many rows are bound" },
  },
  buffers: {
    // [outer rows inner] and [outer count inner], of which a part along the first two axes can be bound.
    x: { role: "input", element: "u32", shape: ({ outer, rows, inner }) => [outer * rows, inner] },
    index: { role: "input", element: "i32", shape: ({ count }) => [count] },
    y: { role: "output", element: "u32", shape: ({ outer, count, inner }) => [outer * count, inner] },
  },
  variants: [{ name: "words", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: (params, { preset, limits }) =>
    cut(params, limits).map((part) => {
      const { outer, inner, count } = { ...params, ...part.params };
      const workgroups = grid(outer * count * inner, preset.invocations, limits.maxComputeWorkgroupsPerDimension);
      return { entry: "main", workgroups, ...part };
    }),
  reference({ outer, rows, inner, count }, { x = [], index = [] }) {
    const y = new Float64Array(outer * count * inner);
    for (let o = 0, at = 0; o < outer; o++)
      for (let c = 0; c < count; c++)
        for (let i = 0, row = index[c]!; i < inner; i++, at++)
          if (row >= 0 && row < rows) y[at] = x[(o * rows + row) * inner + i]!;
    return { y };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are moved" }),
  work: ({ outer, inner, count }) => ({ bytes: 4 * (2 * outer * count * inner + count), flops: 0 }),
  cases: {
    sizes: { outer: [0, 4], rows: [0, 9], inner: [1, 20], count: [0, 12], outside: [0, 1] },
    always: [
      { outer: 1, rows: 1, inner: 1, count: 1, outside: 0 },
      { outer: 1, rows: 7, inner: 64, count: 5, outside: 1 },
      { outer: 3, rows: 5, inner: 1, count: 99, outside: 1 },
      // More rows than indices: its table is cut.
      { outer: 1, rows: 200, inner: 16, count: 90, outside: 1 },
    ],
    exact: true,
    make({ outer = 1, rows = 1, inner = 1, count = 1, outside = 0 }, random) {
      const index = random.whole(count, -outside, rows - 1 + outside);
      // Far outside, too: these would be the last rows of all, counted from behind.
      if (outside === 1 && count > 1) index.set([2 ** 31 - 1, -(2 ** 31)]);
      return { params: { outer, rows, inner, count }, inputs: { x: words(random, outer * rows * inner), index } };
    },
    bench: { "kept tokens, 7B": { outer: 1, rows: 4096, inner: 3584, count: 1024, outside: 0 } },
  },
});

type GatherParams = Params<"outer" | "rows" | "inner" | "count">;

/** Along the outer axes where there are any, else along the indices and along the rows of the table. */
function cut({ outer, rows, inner, count }: GatherParams, limits: LaunchLimits) {
  if (outer === 1) {
    const some = pieces(count, limits, inner, 1);
    const table = pieces(rows, limits, inner);
    return some.flatMap((at) =>
      table.map((part) => ({
        params: { count: at[1] - at[0], row0: part[0], bound: part[1] - part[0] },
        rows: { ...(some.length > 1 && { index: at, y: at }), ...(table.length > 1 && { x: part }) },
      })),
    );
  }
  const parts = pieces(outer, limits, rows * inner, count * inner);
  return parts.map((part) => ({
    params: { outer: part[1] - part[0], row0: 0, bound: rows },
    rows: parts.length > 1 ? { x: range(part, rows), y: range(part, count) } : {},
  }));
}

const range = ([from, to]: readonly [number, number], each: number) => [from * each, to * each] as const;

import {
  addSizes,
  axis,
  emit,
  f32,
  type Graph,
  i32,
  memoryWeights,
  multiplySizes,
  ops,
  program,
  type Size,
  sessionOwner,
  symbol,
  type WeightSource,
} from "@hulu/core";
import { anyKernel, copy, defineKernel, reduce, rmsNorm, storages } from "@hulu/kernels";
import type { Place, Plan, Step } from "../src/plan.js";
import { plannedExecutable } from "../src/run/executable.js";
import type { StorageOf } from "../src/run/weight-layout.js";
import { loadWeights } from "../src/run/weights.js";
import { HostDevice } from "./host-device.js";

// Plans by hand, of kernels that are there or said here, so that what runs plans is tested without what makes them.

export const WIDTH = 4;
const [batch, seq] = [axis("batch", symbol("batch")), axis("seq", symbol("seq"))];
const wide = [axis("kv", 1), axis("dim", WIDTH)] as const;
const S = symbol("seq");
const P = symbol("past");
const ctx = addSizes(P, S);
const timesWidth = (size: Size) => multiplySizes(size, WIDTH);

const slot = (slot: number): Place => ({ kind: "slot", slot });
const input = (name: string): Place => ({ kind: "input", name });
const output = (name: string): Place => ({ kind: "output", name });

const nothing = {
  tolerance: () => ({ abs: 0, rel: 0, why: "moved" }),
  work: () => ({ bytes: 0, flops: 0 }),
  presets: [{ name: "one", constants: {}, invocations: 1, workgroupBytes: 0 }],
} as const;

/**
 * The sum of rows, in parts where there is one query: scratch that a short run wants, that gets more with the keys, and more
 * than before and behind at 150 of them.
 */
const sumInParts = anyKernel(
  defineKernel({
    name: "sum_in_parts",
    formula: "y = the sum of the rows of x",
    params: {
      queries: { type: "u32", about: "more than one need no scratch" },
      rows: { type: "u32", about: "rows" },
      width: { type: "u32", about: "numbers in a row" },
    },
    buffers: {
      x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
      y: { role: "output", element: "f32", shape: ({ width }) => [1, width] },
      partial: {
        role: "scratch",
        element: "f32",
        shape: ({ queries, rows }) => [queries > 1 ? 0 : rows === 150 ? 4000 : 8 * Math.ceil(rows / 8)],
      },
    },
    variants: [{ name: "f32", features: [], wgsl: [] }],
    launches: () => [{ entry: "main", workgroups: [1, 1, 1] }],
    reference: ({ rows, width }, { x = [] }) => ({
      y: Array.from({ length: width }, (_, i) =>
        Array.from({ length: rows }, (_, row) => x[row * width + i]!).reduce((a, b) => a + b, 0),
      ),
    }),
    ...nothing,
    cases: {
      sizes: {},
      always: [],
      exact: true,
      make: () => ({ params: { queries: 1, rows: 0, width: 1 }, inputs: {} }),
      bench: {},
    },
  }),
);

/** Rows of a weight by index: a kernel that takes a weight in any storage. */
const lookup = anyKernel(
  defineKernel({
    name: "lookup",
    formula: "y[c] = weight[index[c]]",
    params: {
      count: { type: "u32", about: "indices" },
      rows: { type: "u32", about: "rows of the table" },
      width: { type: "u32", about: "numbers in a row" },
    },
    buffers: {
      index: { role: "input", element: "i32", shape: ({ count }) => [count] },
      weight: { role: "input", element: "weight", shape: ({ rows, width }) => [rows, width] },
      scale: { role: "input", element: "scale", shape: ({ rows, width }) => [rows, width] },
      y: { role: "output", element: "f32", shape: ({ count, width }) => [count, width] },
    },
    variants: storages.map((storage) => ({ name: storage, storage, features: [], wgsl: [] })),
    ...nothing,
    // Two launches, as of a table that is cut.
    launches: ({ count }) => [0, 1].map(() => ({ entry: "main", workgroups: [count, 1, 1] as const })),
    reference: ({ width }, { index = [], weight = [] }) => ({
      y: Array.from(index).flatMap((row) => Array.from({ length: width }, (_, i) => weight[row * width + i]!)),
    }),
    cases: {
      sizes: {},
      always: [],
      exact: true,
      make: () => ({ params: { count: 0, rows: 0, width: 0 }, inputs: {} }),
      bench: {},
    },
  }),
);

/** One row after another from one place to another: the copy of `count` elements to `to`. */
const put = (x: Place, y: Place, count: Size, to: Size, size: Size): Step => ({
  kernel: anyKernel(copy),
  args: { x, y },
  params: {
    count,
    ...{ d0: 1, d1: 1, d2: 1, d3: 1, d4: 1, d5: count },
    ...{ s0: 0, s1: 0, s2: 0, s3: 0, s4: 0, s5: 1 },
    ...{ t0: 0, t1: 0, t2: 0, t3: 0, t4: 0, t5: 1 },
    ...{ from: 0, to, size },
  },
  scope: "",
});

const folded = (x: Place, y: Place, rows: Size): Step => ({
  kernel: anyKernel(reduce),
  args: { x, y },
  params: { outer: 1, width: rows, inner: WIDTH, op: 0 },
  scope: "",
});

const empty = { constants: [], weights: new Map(), states: [], indices: [], sizes: [], slots: [], buffers: 0 } as const;

/**
 * x [batch seq 1 4] -> y [1 4], the sum over all positions that the session has seen; twice [1 4], the same of another state;
 * and rows [seq 4], those of this run.
 */
function sumPlan(): Plan {
  const graph = program("sum", { x: f32(batch, seq, ...wide) }, ({ x }) => ({
    y: ops.append<"batch", "kv dim">(x, ops.past, "seen"),
    twice: ops.append<"batch", "kv dim">(ops.mul(x, 2), ops.past, "again"),
  }));
  const state = (name: string): Place => ({ kind: "state", name });
  const appended = (name: string) => put(slot(0), state(name), timesWidth(S), timesWidth(P), timesWidth(ctx));
  const kept = { width: WIDTH, rows: S, count: timesWidth(multiplySizes(symbol("batch"), ctx)) };
  const one = [axis("one", 1), axis("dim", WIDTH)];
  return {
    ...empty,
    graph,
    slots: [
      { count: timesWidth(S), buffer: 0 },
      { count: { step: 3, name: "partial" }, buffer: 1 },
    ],
    buffers: 2,
    steps: [
      put(input("x"), slot(0), timesWidth(S), 0, timesWidth(S)),
      appended("seen"),
      appended("again"),
      {
        kernel: sumInParts,
        args: { x: state("seen"), y: output("y"), partial: slot(1) },
        params: { queries: S, rows: ctx, width: WIDTH },
        scope: "",
      },
      folded(state("again"), output("twice"), ctx),
      put(slot(0), output("rows"), timesWidth(S), 0, timesWidth(S)),
    ],
    states: [
      { name: "seen", ...kept },
      { name: "again", ...kept },
    ],
    outputs: {
      y: { place: output("y"), dims: one, dtype: "f32" },
      twice: { place: output("twice"), dims: one, dtype: "f32" },
      rows: { place: output("rows"), dims: [seq, axis("dim", WIDTH)], dtype: "f32" },
    },
  };
}

/** x [seq 4] -> y [1 4], the sum of its rows. */
function totalPlan(): Plan {
  const graph = program("total", { x: f32(seq, axis("dim", WIDTH)) }, ({ x }) => ({ y: x }));
  return {
    ...empty,
    graph,
    steps: [folded(input("x"), output("y"), S)],
    outputs: { y: { place: output("y"), dims: [axis("one", 1), axis("dim", WIDTH)], dtype: "f32" } },
  };
}

/** ids [seq] -> rows [seq 4] of the weight `table`, each divided by its root mean square and times the weight `norm`. */
function lookupPlan(rows: number, width: number): Plan {
  const graph = program("look", { ids: i32(seq) }, ({ ids }) => {
    const table = emit(ops.paramOp, [], {
      path: "table",
      dims: [axis("vocab", rows), axis("dim", width)],
      dtype: "f32",
    });
    const norm = emit(ops.paramOp, [], { path: "norm", dims: [axis("dim", width)], dtype: "f32" });
    const y = ops.gather<"seq dim">(table, ids, "vocab");
    return { y: ops.mul(y, ops.broadcast(norm, y)) };
  });
  return {
    ...empty,
    graph,
    slots: [{ count: multiplySizes(S, width), buffer: 0 }],
    buffers: 1,
    steps: [
      {
        kernel: lookup,
        args: {
          index: input("ids"),
          weight: { kind: "weight", path: "table" },
          scale: { kind: "scale", path: "table" },
          y: slot(0),
        },
        params: { count: S, rows, width },
        scope: "",
      },
      {
        kernel: anyKernel(rmsNorm),
        args: { x: slot(0), weight: { kind: "weight", path: "norm" }, y: output("y") },
        params: { rows: S, width, eps: 0 },
        scope: "",
      },
    ],
    weights: new Map([
      ["table", { use: "matrix", rows, width }],
      ["norm", { use: "plain", rows: width, width: 1 }],
    ]),
    indices: [{ input: "ids", least: 0, end: rows, axis: "vocab" }],
    outputs: { y: { place: output("y"), dims: [seq, axis("dim", width)], dtype: "f32" } },
  };
}

const TABLE = [5, WIDTH] as const;

/** Bytes of a position in all states of a session. */
export const POSITION = 2 * WIDTH * 4;

export const plans = (rows: number = TABLE[0], width: number = TABLE[1]): ReadonlyMap<string, Plan> =>
  new Map([
    ["sum", sumPlan()],
    ["total", totalPlan()],
    ["look", lookupPlan(rows, width)],
  ]);

export const weights = (rows: number = TABLE[0], width: number = TABLE[1]): WeightSource =>
  memoryWeights([
    ["table", { shape: [rows, width], data: Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i)) }],
    ["norm", { shape: [width], data: new Float32Array(width).fill(2) }],
  ]);

export interface MadeOptions {
  readonly device?: HostDevice;
  readonly max?: Readonly<Record<string, number>>;
  readonly storageOf?: StorageOf;
}

/** The plans above on a device of the host. */
export async function made({ device = new HostDevice(), max = { past: 1000 }, storageOf }: MadeOptions = {}) {
  const all = plans();
  const source = weights();
  const held = await loadWeights(all, source, device, storageOf && { storageOf });
  const graphs: Record<string, Graph> = Object.fromEntries([...all].map(([name, { graph }]) => [name, graph]));
  const owner = await sessionOwner(graphs, source, max);
  const executable = await plannedExecutable({ device, plans: all, weights: held, owner, max });
  return { device, executable };
}

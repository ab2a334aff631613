import activation from "../../../../kernels/wgsl/lib/activation.wgsl";
import sumFour from "../../../../kernels/wgsl/lib/sum_four.wgsl";
import sumFourSubgroups from "../../../../kernels/wgsl/lib/sum_four_subgroups.wgsl";
import tile from "../../../../kernels/wgsl/lib/tile.wgsl";
import tileF16 from "../../../../kernels/wgsl/lib/tile_f16.wgsl";
import tileF32 from "../../../../kernels/wgsl/lib/tile_f32.wgsl";
import matmulWgsl from "../../../../kernels/wgsl/matmul.wgsl";
import { pieces } from "../cut.js";
import {
  defineKernel,
  type Feature,
  type Launch,
  type LaunchChoice,
  type Params,
  type Preset,
  type Variant,
} from "../kernel.js";
import { grid } from "../layout.js";
import { isQuantized, type Storage, scalesPerRow, storages, wordsPerRow } from "../storage.js";
import { storageWgsl } from "../storage-wgsl.js";
import { type TileSizes, tilePreset, tilesOf } from "../tiles.js";
import { activate } from "./activations.js";

/** Up to so many rows of x are multiplied one by one: then reading the weight is all the time there is. */
const FEW = 8;
/** Rows of the weight that one workgroup of `matvec` takes. */
const MATVEC_ROWS = 4;

/** The parameters of `matmul`. */
export type MatmulParam = "m" | "n" | "k" | "bias" | "activation" | "residual";
/** The buffers of `matmul`. */
export type MatmulBuffer = "x" | "weight" | "scale" | "bias" | "residual" | "y";

/** One storage, in each of its forms, the fastest first. */
const variantsOf = (storage: Storage): Variant[] =>
  FORMS.map(({ name, features }) => ({
    name: `${storage}${name}`,
    storage,
    ...(features.includes("shader-f16") && { products: "f16" }),
    features,
    wgsl: [
      ...features.map((feature) => `enable ${feature === "shader-f16" ? "f16" : feature};`),
      features.includes("shader-f16") ? tileF16 : tileF32,
      tile,
      storageWgsl[storage],
      features.includes("subgroups") ? sumFourSubgroups : sumFour,
      activation,
      matmulWgsl,
    ],
  }));

const FORMS: readonly { readonly name: string; readonly features: readonly Feature[] }[] = [
  { name: ", f16 products, subgroups", features: ["shader-f16", "subgroups"] },
  { name: ", f16 products", features: ["shader-f16"] },
  { name: ", subgroups", features: ["subgroups"] },
  { name: "", features: [] },
];

const preset = (sizes: TileSizes, matvec: number): Preset => {
  const tiles = tilePreset(sizes);
  return {
    ...tiles,
    constants: { ...tiles.constants, MATVEC_THREADS: matvec },
    invocations: Math.max(tiles.invocations, matvec),
    workgroupBytes: Math.max(tiles.workgroupBytes, matvec * 16),
  };
};

/**
 * A linear layer with what is often done around it. `x` is `[m k]`, `weight` `[n k]` in any storage, `bias` `[n]` where `bias` is
 * 1, `residual` `[m n]` where `residual` is 1, `y` `[m n]`. `activation` is an index of `activations`.
 * Matrices over the limit of a binding are cut by rows.
 */
export const matmul = defineKernel<MatmulParam, MatmulBuffer>({
  name: "matmul",
  formula: "y = act(x W^T + bias) + residual",
  params: {
    m: { type: "u32", about: "rows of x" },
    n: { type: "u32", about: "rows of the weight" },
    k: { type: "u32", about: "numbers in a row of either; any" },
    bias: { type: "u32", about: "1: a bias is added" },
    activation: { type: "u32", about: "0: none, 1: GELU by erf, 2: GELU by tanh, 3: SiLU" },
    residual: { type: "u32", about: "1: a residual is added, behind the activation" },
  },
  launchParams: {
    row0: { type: "u32", about: "the first row of the weight that is bound" },
    rows: { type: "u32", about: "how many of its rows are bound" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ m, k }) => [m, k] },
    weight: { role: "input", element: "weight", shape: ({ n, k }) => [n, k] },
    scale: { role: "input", element: "scale", shape: ({ n, k }) => [n, k] },
    bias: { role: "input", element: "f32", shape: ({ n, bias }) => [bias * n] },
    residual: { role: "input", element: "f32", shape: ({ m, n, residual }) => [residual * m, n] },
    y: { role: "output", element: "f32", shape: ({ m, n }) => [m, n] },
  },
  variants: storages.flatMap(variantsOf),
  presets: [
    preset({ threads: [8, 16], rows: 8 }, 128),
    preset({ threads: [16, 16], rows: 4 }, 64),
    preset({ threads: [8, 8], rows: 4 }, 64),
  ],
  launches,
  reference({ m, n, k, bias: biased, activation: act, residual: added }, { x = [], weight = [], bias, residual }) {
    const y = new Float64Array(m * n);
    for (let row = 0; row < m; row++)
      for (let column = 0; column < n; column++) {
        let sum = biased === 1 ? bias![column]! : 0;
        for (let i = 0; i < k; i++) sum += x[row * k + i]! * weight[column * k + i]!;
        const at = row * n + column;
        y[at] = activate(act, sum) + (added === 1 ? residual![at]! : 0);
      }
    return { y };
  },
  tolerance: (params, { features }) =>
    features.includes("shader-f16") && entryOf(params) === "tile"
      ? {
          abs: 2e-2 * Math.sqrt(params.k),
          rel: 1e-3,
          why: "numbers up to 4, their products and sums of four, in the 11 bits of float16: k errors in either direction",
        }
      : {
          abs: 4e-6 + 5e-7 * params.k,
          rel: 1e-6,
          why: "k float32 products of ordinary numbers, summed in any order",
        },
  work: ({ m, n, k, bias, residual }, { storage = "f32" }) => ({
    bytes: 4 * (n * (wordsPerRow(storage, k) + scalesPerRow(storage, k)) + m * k + bias * n + (1 + residual) * m * n),
    flops: 2 * m * n * k,
  }),
  cases: {
    sizes: { m: [0, 70], n: [1, 70], k: [1, 70], bias: [0, 1], activation: [0, 3], residual: [0, 1] },
    always: [
      { m: 1, n: 1, k: 1, bias: 0, activation: 0, residual: 0 },
      { m: 1, n: 7, k: 1064, bias: 1, activation: 0, residual: 1 },
      { m: 4, n: 5, k: 129, bias: 1, activation: 3, residual: 0 },
      { m: 8, n: 6, k: 300, bias: 1, activation: 2, residual: 1 },
      { m: 9, n: 33, k: 20, bias: 0, activation: 0, residual: 0 },
      { m: 5, n: 33, k: 47, bias: 0, activation: 1, residual: 1 },
      { m: 65, n: 64, k: 40, bias: 1, activation: 0, residual: 1 },
      { m: 64, n: 129, k: 16, bias: 1, activation: 2, residual: 0 },
    ],
    exact: true,
    make({ m = 1, n = 1, k = 1, bias = 0, activation = 0, residual = 0 }, random) {
      // What activations give is not exact.
      const params = { m, n, k, bias, activation: random.exact ? 0 : activation, residual };
      const numbers = (count: number, used: number) => (used === 1 ? random.numbers(count) : new Float32Array());
      return {
        params,
        inputs: {
          x: random.numbers(m * k),
          weight: random.numbers(n * k),
          bias: numbers(n, bias),
          residual: numbers(m * n, residual),
        },
      };
    },
    bench: {
      "prefill, 7B, down": { m: 1024, n: 3584, k: 18944 },
      "prefill, 7B, query": { m: 1024, n: 3584, k: 3584, bias: 1 },
      "decode, 7B, down": { m: 1, n: 3584, k: 18944, residual: 1 },
      "decode, 7B, query": { m: 1, n: 3584, k: 3584, bias: 1 },
      "decode, 7B, head": { m: 1, n: 152064, k: 3584 },
    },
  },
});

const entryOf = ({ m, k }: Params<MatmulParam>) => (k % 4 > 0 ? "matvec_odd" : m <= FEW ? "matvec" : "tile");

/** Rows of x by rows of the weight, each as they fit a binding, each by tiles or few rows. */
function launches(params: Params<MatmulParam>, choice: LaunchChoice): readonly Launch<MatmulParam, MatmulBuffer>[] {
  const { n, k, residual } = params;
  const { variant, preset, limits } = choice;
  const storage = variant.storage ?? "f32";
  const entry = entryOf(params);
  const across = pieces(params.m, limits, k, n);
  const down = pieces(n, limits, wordsPerRow(storage, k), scalesPerRow(storage, k));
  return across.flatMap((some) =>
    down.map((part) => {
      const [m, rows] = [some[1] - some[0], part[1] - part[0]];
      const groups = entry === "tile" ? tilesOf(preset, m, rows) : m * Math.ceil(rows / MATVEC_ROWS);
      return {
        entry,
        workgroups: grid(groups, 1, limits.maxComputeWorkgroupsPerDimension),
        params: { m, row0: part[0], rows },
        rows: {
          ...(across.length > 1 && { x: some, y: some, ...(residual === 1 && { residual: some }) }),
          ...(down.length > 1 && { weight: part, ...(isQuantized(storage) && { scale: part }) }),
        },
      };
    }),
  );
}

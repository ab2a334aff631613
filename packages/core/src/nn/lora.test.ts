import { reference } from "@hulu/backend-reference";
import { describe, expect, test } from "vitest";
import { axis } from "../graph/axis.js";
import { f32, program } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { hostF32 } from "../tensor.js";
import { adapterWeights } from "../weights/adapter.js";
import { reportWeights } from "../weights/report.js";
import { memoryWeights, type WeightSource } from "../weights/source.js";
import { embedding } from "./embedding.js";
import { linear } from "./linear.js";
import { lora } from "./lora.js";
import { bind, type Module, module, paths, replace, replaceAll } from "./module.js";
import { rmsNorm } from "./norms.js";

const [n, width, out] = [axis("n", symbol("n")), axis("width", 5), axis("out", 4)];
const layer = () =>
  module(
    { q_proj: linear(width, out), v_proj: linear(width, out, { bias: false }), norm: rmsNorm(out, 1e-6) },
    (m) => ({
      q: (x: Value<"n width">) => m.q_proj(x),
      v: (x: Value<"n width">) => m.v_proj(x),
    }),
  );
const net = () => module({ layers: [layer(), layer()] }, (m) => m);
const tuned = (rank = 2, alpha = 8) => replaceAll(net(), /\.[qv]_proj$/, (old) => lora(old, { rank, alpha }));
const programOf = (root: ReturnType<typeof net>) =>
  program("p", { x: f32(n, width) }, ({ x }) => {
    const [first, second] = bind(root).layers;
    return { a: first!.q(x), b: first!.v(x), c: second!.q(x), d: second!.v(x) };
  });

type Tensors = Map<string, { shape: readonly number[]; data: Float32Array }>;
/** Whole numbers of -4 to 4: all sums here are exact in float32. */
function wholes(root: Module<unknown>, seed: number): Tensors {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * 9) - 4;
  };
  return new Map(
    [...paths(root)].map(([path, { dims }]) => {
      const shape = dims.map((d) => d.size as number);
      return [path, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) }] as const;
    }),
  );
}
async function run(root: ReturnType<typeof net>, weights: WeightSource): Promise<number[][]> {
  using executable = await reference.compile({ p: programOf(root) }, weights);
  const x = hostF32([1, 2, -3, 4, 0, 3, -1, 0, 2, 5], [2, 5]);
  const results = await executable.run("p", { x });
  return Promise.all(["a", "b", "c", "d"].map(async (name) => [...(await results[name]!.read())]));
}

/** W + (alpha / rank) B A, written out. */
function merged(tensors: Tensors, scale: number): Tensors {
  const all = [...tensors].filter(([path]) => !path.includes("lora_"));
  return new Map(
    all.map(([path, { shape, data }]) => {
      const [a, b] = ["A", "B"].map((s) => tensors.get(path.replace(/weight$/, `lora_${s}.weight`)));
      if (a === undefined || b === undefined || !path.endsWith("weight")) return [path, { shape, data }];
      const [rank, inner] = a.shape as [number, number];
      const added = data.map((w, at) => {
        const [row, column] = [Math.floor(at / inner), at % inner];
        let sum = 0;
        for (let r = 0; r < rank; r++) sum += b.data[row * rank + r]! * a.data[r * inner + column]!;
        return w + scale * sum;
      });
      return [path, { shape, data: added }];
    }),
  );
}

describe("lora", () => {
  test("keeps the linear's names and adds PEFT's", () => {
    const shapes = [...paths(tuned())].map(([path, { dims }]) => `${path} [${dims.map((d) => d.size)}]`);
    expect(shapes.slice(0, 8)).toEqual([
      "layers.0.q_proj.weight [4,5]",
      "layers.0.q_proj.bias [4]",
      "layers.0.q_proj.lora_A.weight [2,5]",
      "layers.0.q_proj.lora_B.weight [4,2]",
      "layers.0.v_proj.weight [4,5]",
      "layers.0.v_proj.lora_A.weight [2,5]",
      "layers.0.v_proj.lora_B.weight [4,2]",
      "layers.0.norm.weight [4]",
    ]);
  });
  test.each([
    [2, 8, 4],
    [4, 2, 0.5],
    [1, 1, 1],
  ])("of rank %d and alpha %d is the merged weight, exactly", async (rank, alpha, scale) => {
    const root = tuned(rank, alpha);
    const tensors = wholes(root, rank);
    const found = await run(root, memoryWeights(tensors));
    expect(found).toEqual(await run(net(), memoryWeights(merged(tensors, scale))));
    expect(found).not.toEqual(await run(net(), memoryWeights(merged(tensors, 0))));
  });
  test("with a B of zeros, as training begins, changes no bit", async () => {
    const tensors = wholes(tuned(), 3);
    for (const [path, { data }] of tensors) {
      if (path.endsWith("lora_B.weight")) data.fill(0);
      else for (let i = 0; i < data.length; i++) data[i]! /= 3;
    }
    const base = new Map([...tensors].filter(([path]) => !path.includes("lora_")));
    expect(await run(tuned(), memoryWeights(tensors))).toEqual(await run(net(), memoryWeights(base)));
  });
  test("without an adapter: the report lists what is missing", () => {
    const { missing, unexpected } = reportWeights(tuned(), memoryWeights(wholes(net(), 1)));
    expect(missing).toEqual(
      [0, 1].flatMap((i) =>
        ["q", "v"].flatMap((name) => ["A", "B"].map((s) => `layers.${i}.${name}_proj.lora_${s}.weight`)),
      ),
    );
    expect(unexpected).toEqual([]);
  });
  test("goes around linears, once, and says so", () => {
    const wrap = (m: Module<unknown>, options = { rank: 2, alpha: 4 }) => lora(m, options);
    expect(() => wrap(layer())).toThrow("a weight [out in]; this module has q_proj, v_proj, norm");
    expect(() => wrap(rmsNorm(out, 1e-6))).toThrow("LoRA goes around a linear");
    expect(() => wrap(module({}, () => 0))).toThrow("this module has no children");
    expect(() => wrap(wrap(linear(width, out)))).toThrow("has a LoRA correction already");
    for (const alpha of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => wrap(linear(width, out), { rank: 2, alpha })).toThrow(
        `alpha is a finite number above 0, not ${alpha}`,
      );
    for (const rank of [0, -1, 1.5, Number.NaN])
      expect(() => wrap(linear(width, out), { rank, alpha: 1 })).toThrow(`rank is a whole number from 1, not ${rank}`);
  });
});

describe("replaceAll", () => {
  const marked = (old: Module<unknown>) => module({ ...old.children, more: rmsNorm(out, 1) }, () => old.forward);
  test("swaps every match, tells each its path, and leaves the old module and what matches not as they were", () => {
    const old = net();
    const before = [...paths(old).keys()];
    const told: string[] = [];
    const swapped = replaceAll(old, /q_proj/g, (m, path) => {
      told.push(path);
      return marked(m);
    });
    expect(told).toEqual(["layers.0.q_proj", "layers.1.q_proj"]);
    expect([...paths(swapped).keys()].filter((p) => p.includes("more"))).toEqual(told.map((p) => `${p}.more.weight`));
    expect([...paths(old).keys()]).toEqual(before);
    expect([...paths(replaceAll(old, /^layers\.1$/, () => rmsNorm(out, 1))).keys()]).toContain("layers.1.weight");
  });
  test("does not look into what it swapped", () => {
    const told: string[] = [];
    replaceAll(net(), /layers\.0/, (m, path) => {
      told.push(path);
      return m;
    });
    expect(told).toEqual(["layers.0"]);
  });
  test("is, for one path, replace", () => {
    const one = replace(net(), "layers.1.v_proj", marked);
    expect([...paths(one).keys()]).toEqual([...paths(replaceAll(net(), /^layers\.1\.v_proj$/, marked)).keys()]);
  });
  test("that matches nothing names what is near", () => {
    expect(() => replaceAll(net(), /qproj$/, marked)).toThrow(
      "no module's path matches /qproj$/; near: layers.*.q_proj, layers.*.v_proj, ",
    );
    expect(() => replaceAll(net(), /layers.0.qproj/, marked)).toThrow("near: layers.*.q_proj, ");
    // A weight is no module.
    expect(() => replaceAll(net(), /weight/, marked)).toThrow("no module's path matches /weight/; near: layers");
    expect(() =>
      replaceAll(
        module({}, () => 0),
        /x/,
        marked,
      ),
    ).toThrow("no module's path matches /x/; near: (there are no modules)");
  });
});

describe("an adapter over a checkpoint", () => {
  const vector = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });
  const base = memoryWeights([
    ["fc.weight", vector(1, 2)],
    ["head.weight", vector(3)],
  ]);
  const adapter = memoryWeights([
    ["base_model.model.fc.lora_A.weight", vector(4)],
    ["base_model.model.head.weight", vector(5, 6)],
  ]);
  test("has both, and its own of what both have", async () => {
    const both = adapterWeights(base, adapter);
    expect([...both.keys()]).toEqual(["fc.weight", "head.weight", "fc.lora_A.weight"]);
    expect([...(await both.floats("fc.weight"))]).toEqual([1, 2]);
    expect([...(await both.floats("fc.lora_A.weight"))]).toEqual([4]);
    expect([...(await both.floats("head.weight", { rows: [1, 2] }))]).toEqual([6]);
    expect((await both.read("head.weight")).length).toBe(8);
    expect((await both.read("fc.weight", { rows: [0, 1] })).length).toBe(4);
    expect(both.info("head.weight")?.shape).toEqual([2]);
    expect(both.info("fc.weight")?.shape).toEqual([2]);
    expect(both.info("fc.lora_B.weight")).toBeUndefined();
    expect(both.locate).toBeUndefined();
  });
  test("knows where either lies on disk", () => {
    const located = (source: WeightSource, file: string): WeightSource => ({
      ...source,
      locate: (path) => (source.info(path) ? { file, offset: 0, length: 4 } : undefined),
    });
    const both = adapterWeights(located(base, "/base"), located(adapter, "/adapter"));
    expect(["fc.weight", "head.weight", "fc.lora_A.weight", "x"].map((path) => both.locate!(path)?.file)).toEqual([
      "/base",
      "/adapter",
      "/adapter",
      undefined,
    ]);
    expect(adapterWeights(base, located(adapter, "/adapter")).locate!("fc.weight")).toBeUndefined();
    expect(adapterWeights(located(base, "/base"), adapter).locate!("head.weight")).toBeUndefined();
  });
  test("is refused under other names than PEFT's", () => {
    expect(() => adapterWeights(base, memoryWeights([["fc.lora_A.weight", vector(1)]]))).toThrow(
      "the adapter has a tensor fc.lora_A.weight; in a PEFT adapter all names begin with base_model.model.",
    );
  });
});

test("an embedding has a weight of two axes too, but is no linear", () => {
  const wrapped = lora(embedding(axis("vocab", 7), width), { rank: 1, alpha: 1 });
  expect(() => bind(wrapped)).toThrow("LoRA goes around a linear; this module is not one function");
});

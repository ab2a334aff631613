import { reference } from "@hulu/backend-reference";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DecoderConfig, decoder } from "../models/decoder.js";
import { projector } from "../models/projector.js";
import { vit } from "../models/vit.js";
import { composeVlm, textPrograms } from "../models/vlm.js";
import { bind, module } from "../nn/module.js";
import { gelu, silu, softmax } from "../ops/activation.js";
import { attention } from "../ops/attention.js";
import { abs, add, div, exp, max, mul, sub } from "../ops/elementwise.js";
import { constant, iota } from "../ops/leaves.js";
import { primitives } from "../ops/primitives.js";
import { reduceSum } from "../ops/reduce.js";
import { rearrange, slice } from "../ops/shape.js";
import { hostF32 } from "../tensor.js";
import { memoryWeights } from "../weights/source.js";
import { axis } from "./axis.js";
import { f32, type Graph, program, rootsOf, topological } from "./graph.js";
import { expand, lower, primitivesOnly, rewrite, shareCommon, UnsupportedError } from "./rewrite.js";
import { symbol } from "./size.js";
import { emit, type OpDef, type Value } from "./value.js";
import { verify } from "./verify.js";

const [n, width] = [axis("n", symbol("n")), axis("width", 3)];
type X = Value<"n width">;
const nodes = (graph: Graph) => topological(rootsOf(graph));
const opsOf = (graph: Graph) => nodes(graph).map((v) => v.op.name);
const traced = (body: (x: X) => Value): Graph => program("p", { x: f32(n, width) }, ({ x }) => ({ y: body(x) }));

/** What a graph gives, bit for bit, without any pass of ours before the interpreter's own. */
async function run(graph: Graph): Promise<number[]> {
  const executable = await reference.compile({ p: graph }, memoryWeights([]));
  const { y } = await executable.run("p", { x: hostF32([0.5, -1, 2, 3, 0.25, -0.125], [2, 3]) });
  return Array.from(await y!.read());
}

/** A few dozen operations over what there is so far, chosen by numbers. */
const steps: readonly ((a: X, b: X) => X)[] = [
  (a, b) => add(a, b),
  (a, b) => sub(a, b),
  (a, b) => max(a, b),
  (a) => mul(a, 0.5),
  (a) => gelu(a),
  (a) => silu(a),
  (a) => softmax(a),
  (a) => abs(a),
  (a) => rearrange(rearrange(a, "n width -> width n"), "width n -> n width"),
];
const recipes = fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 });
const cooked = (recipe: readonly (readonly [number, number, number])[]) =>
  traced((x) => {
    const made: X[] = [x];
    for (const [step, i, j] of recipe) made.push(steps[step]!(made[i % made.length]!, made[j % made.length]!));
    return made.reduce((sum, v) => add(sum, v));
  });

describe("passes keep the meaning of random graphs", () => {
  test("expanding some composites, sharing what is common, and both", async () => {
    const property = fc.asyncProperty(recipes, fc.subarray(["gelu", "silu", "softmax"]), async (recipe, claimed) => {
      const graph = cooked(recipe);
      const wanted = await run(graph);
      const supports = (v: Value) => (claimed.includes(v.op.name) ? true : primitivesOnly(v));
      for (const pass of [(g: Graph) => expand(g, supports), shareCommon, (g: Graph) => lower(g, supports)]) {
        const passed = pass(graph);
        verify(passed);
        expect(await run(passed)).toEqual(wanted);
      }
      expect(opsOf(expand(graph, primitivesOnly)).filter((op) => !Object.hasOwn(primitives, op))).toEqual([]);
      // Sharing twice finds nothing more, and no two nodes are left that compute one thing.
      const shared = shareCommon(graph);
      expect(nodes(shareCommon(shared))).toHaveLength(nodes(shared).length);
      expect(nodes(shared).length).toBeLessThanOrEqual(nodes(graph).length);
    });
    await fc.assert(property, { seed: 3, numRuns: 25 });
  });
});

describe("rewrite", () => {
  test("changes what it is told, and shares what stays", () => {
    const graph = traced((x) => add(abs(x), abs(exp(x))));
    const changed = rewrite(graph, (v) => (v.op.name === "exp" ? v.inputs[0]! : v));
    expect(opsOf(changed)).toEqual(["input", "abs", "abs", "add"]);
    expect(opsOf(graph)).toEqual(["input", "abs", "exp", "abs", "add"]);
    expect(changed.inputs.x).toBe(graph.inputs.x);
    expect(changed.outputs.y!.inputs[0]).toBe(graph.outputs.y!.inputs[0]);
  });
  test("goes through results and states as well", () => {
    const graph = program("p", { x: f32(n, width) }, ({ x }) => ({
      y: bind(
        module({}, () => () => exp(x)),
        "m",
      )(),
    }));
    const changed = rewrite(graph, (v) => (v.op.name === "exp" ? abs(v.inputs[0] as X) : v));
    expect(changed.results.get("m")).toBe(changed.outputs.y);
  });
});

describe("sharing", () => {
  const count = (body: (x: X) => Value) => nodes(shareCommon(traced(body))).length;
  test("one node for the same op over the same inputs", () => {
    expect(count((x) => add(exp(x), exp(x)))).toBe(3);
    expect(count((x) => add(mul(x, 2), mul(x, 2)))).toBe(5); // input, constant, broadcast, mul, add
  });
  test("two for another order, other attributes, other axes", () => {
    expect(count((x) => add(sub(x, exp(x)), sub(exp(x), x)))).toBe(5);
    expect(count((x) => add(mul(x, 2), mul(x, 3)))).toBe(8);
    const [p, q] = [axis("p", 1), axis("q", 1)];
    const both = (x: X) => [slice<string>(x, "width", 0, p), slice<string>(x, "width", 0, q)];
    expect(
      nodes(shareCommon(program("p", { x: f32(n, width) }, ({ x }) => ({ a: both(x)[0]!, b: both(x)[1]! })))).length,
    ).toBe(3);
  });
  test("numbers that JSON cannot spell stay what they are", () => {
    const graph = program("p", {}, () =>
      Object.fromEntries(
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0, Number.NaN].map((v, i) => [
          `c${i}`,
          constant([v], []),
        ]),
      ),
    );
    expect(new Set(Object.values(shareCommon(graph).outputs)).size).toBe(5);
  });
  test("two ops of one name are two ops", () => {
    const op = (): OpDef => ({
      name: "same",
      infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }),
      decompose: ([x]) => x!,
    });
    const [a, b] = [op(), op()];
    expect(count((x) => add<string>(emit(a, [x]), emit(b, [x])))).toBe(4);
    expect(count((x) => add<string>(emit(a, [x]), emit(a, [x])))).toBe(3);
  });
});

const config: DecoderConfig = {
  family: "qwen3",
  vocab: 7,
  embed: 6,
  layers: 4,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  hidden: 5,
  ropeTheta: 100,
  eps: 1e-6,
  qkvBias: false,
  outBias: false,
  qkNorm: true,
  tied: true,
};
const { step } = textPrograms(
  composeVlm({
    vision: vit({
      width: 4,
      layers: 1,
      heads: 1,
      hidden: 3,
      channels: 3,
      patch: 2,
      eps: 1e-6,
      ropeTheta: 10,
      pairing: "half",
    }),
    projector: projector("linear", 4, 6),
    decoder: decoder(config),
  }),
);

test("a decoder of four layers has one causal mask, one table of cosines and one of sines", () => {
  const lowered = lower(step, primitivesOnly);
  const count = (op: string) => opsOf(lowered).filter((name) => name === op).length;
  expect(count("less")).toBe(1);
  expect(count("cos")).toBe(1);
  expect(count("sin")).toBe(1);
  expect(count("where")).toBe(config.layers);
  expect(lowered.states.map((s) => s.name)).toEqual(step.states.map((s) => s.name));
  for (const s of lowered.states) expect(s.next.op.name).toBe("concat");
  verify(lowered);
});

test("layers of one window share one mask, and layers without another", () => {
  const [batch, head, dim] = [axis("batch", 1), axis("head", 2), axis("dim", 4)];
  const seq = axis("seq", symbol("seq"));
  const p = program("p", { x: f32(batch, seq, head, dim) }, ({ x }) => {
    const layer = (h: typeof x, window?: number) => attention(h, h, h, { scale: 1, causal: true, window });
    return { y: [3, 3, undefined, 3, undefined].reduce((h, window) => layer(h, window), x) };
  });
  const ops = opsOf(lower(p, primitivesOnly));
  const count = (op: string) => ops.filter((name) => name === op).length;
  expect(count("where")).toBe(5);
  // One comparison for what lies ahead, which both masks have, and one for what lies too far back.
  expect(count("less")).toBe(2);
  expect(count("and")).toBe(1);
});

describe("what cannot be run", () => {
  const same: Pick<OpDef, "infer"> = { infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }) };
  const dark: OpDef = { name: "dark", ...same };
  const outer: OpDef = {
    name: "outer",
    ...same,
    decompose: ([x]) => emit({ name: "inner", ...same, decompose: ([y]) => emit(dark, [exp(y as X)]) }, [x!]),
  };
  const says = (graph: Graph, supports: typeof primitivesOnly, message: string) => {
    const pass = () => expand(graph, supports);
    expect(pass).toThrow(UnsupportedError);
    expect(pass).toThrow(new UnsupportedError(message));
  };
  test("is named with the composites it came from and the first module it is in", () => {
    const block = module({}, () => (x: X) => emit<"n width">(outer, [x]));
    const graph = traced((x) => bind(block, "layers.1")(bind(block, "layers.0")(x)));
    says(graph, primitivesOnly, "p cannot run here:\n  dark (from inner in outer): expand me, first in layers.0");
  });
  test("is told in full: each kind once, with the backend's reason", () => {
    const graph = traced((x) => add(softmax(exp(x)), div(exp(x), x)));
    const supports = (v: Value) => (["exp", "div"].includes(v.op.name) ? `no ${v.op.name}` : primitivesOnly(v));
    says(
      graph,
      supports,
      "p cannot run here:\n  exp: no exp\n  exp (from softmax): no exp\n  div (from softmax): no div\n  div: no div",
    );
  });
  test("is no matter when a composite around it is claimed", () => {
    const graph = traced((x) => emit(outer, [x]));
    const claimed = expand(graph, (v) => (v.op.name === "outer" ? true : primitivesOnly(v)));
    expect(opsOf(claimed)).toEqual(["input", "outer"]);
  });
  test("a meaning that is the input itself", () => {
    const identity: OpDef = { name: "identity", ...same, decompose: ([x]) => x! };
    const graph = expand(
      traced((x) => reduceSum(emit(identity, [x]), "width")),
      primitivesOnly,
    );
    expect(opsOf(graph)).toEqual(["input", "reduce_sum"]);
  });
  test("a meaning that uses its input twice and makes leaves", () => {
    const counted: OpDef = {
      name: "counted",
      infer: ([x]) => ({ dims: x!.dims, dtype: "i32" }),
      decompose: ([x]) => add<string>(iota(x!.dims[0]!), iota(x!.dims[0]!)),
    };
    const graph = lower(
      program("p", { x: f32(n) }, ({ x }) => ({ y: emit(counted, [x]) })),
      primitivesOnly,
    );
    expect(opsOf(graph)).toEqual(["iota", "add"]);
    expect(Object.keys(graph.inputs)).toEqual(["x"]);
  });
});

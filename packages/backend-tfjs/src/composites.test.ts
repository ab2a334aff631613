import { reference } from "@hulu/backend-reference";
import {
  type Axis,
  axis,
  emit,
  f32,
  type Graph,
  type HostTensor,
  hostF32,
  hostI32,
  i32,
  lower,
  memoryWeights,
  ops,
  program,
  symbol,
  topological,
  type Value,
} from "@hulu/core";
import { differs, type Nd, Random, runOne } from "@hulu/testing";
import { describe, expect, test } from "vitest";
import { FEW_ROWS } from "./emit/products.js";
import { needed, prepare } from "./graph.js";
import { tfjs, tfjsBackend } from "./index.js";

const [batch, seq, head, kv, dim] = [
  axis("batch", symbol("batch")),
  axis("seq", symbol("seq")),
  axis("head", 6),
  axis("kv", 2),
  axis("dim", 8),
];
type Q = Value<"batch seq head dim">;
type K = Value<"batch seq kv dim">;

const attending = (attrs: Record<string, unknown>, kvAxis: Axis = kv) =>
  program("attending", { q: f32(batch, seq, head, dim), k: f32(batch, seq, kvAxis, dim) }, ({ q, k }) => ({
    y: emit(ops.attentionOp, [q, k, k], attrs as never),
  })).outputs.y!;

describe("attention is claimed", () => {
  test("with the attributes that are known here", () => {
    expect(tfjs.supports(attending({ scale: 0.5, causal: true }))).toBe(true);
    expect(tfjs.supports(attending({ scale: 0.5, causal: false, another: undefined }))).toBe(true);
    expect(tfjs.supports(attending({ scale: 0.5, causal: true, window: 3, softcap: 5 }))).toBe(true);
  });

  test("and expanded with one that is not", () => {
    expect(tfjs.supports(attending({ scale: 0.5, causal: true, sinks: 4 }))).toBe("attention with sinks is expanded");
  });

  test("with segments, whose mask is its own", () => {
    const graph = program(
      "packed",
      { q: f32(batch, seq, head, dim), k: f32(batch, seq, kv, dim), segments: i32(seq) },
      ({ q, k, segments }) => ({ y: ops.attention(q as Q, k as K, k as K, { scale: 1, causal: true, segments }) }),
    );
    expect(tfjs.supports(graph.outputs.y)).toBe(true);
  });
});

describe.each(["wasm", "cpu"] as const)("with more rows than are taken in one product, on %s", (engine) => {
  const random = new Random(3);
  const floats = (...shape: number[]) =>
    hostF32(
      Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.float(-2, 2)),
      shape,
    );
  const both = async (graph: Graph, feeds: Readonly<Record<string, HostTensor>>) => {
    const results = [];
    for (const backend of [tfjsBackend({ engine }), reference]) {
      using executable = await backend.compile({ graph }, memoryWeights([]));
      results.push(await runOne(executable, "graph", feeds));
    }
    const [found, wanted] = results as [Nd, Nd];
    // Float32 sums of up to 40 products.
    expect(differs(found, wanted, { abs: 2e-5, rel: 1e-5 })).toBeUndefined();
  };

  test("a matrix for each", async () => {
    const [p, m, n, k] = [axis("p", 3), axis("m", FEW_ROWS + 1), axis("n", 5), axis("k", 7)];
    const graph = program("each", { a: f32(p, m, k), b: f32(p, n, k) }, ({ a, b }) => ({ y: ops.matmul(a, b) }));
    await both(graph, { a: floats(3, FEW_ROWS + 1, 7), b: floats(3, 5, 7) });
  });

  test.each([
    ["causal", { causal: true }, false],
    ["seeing everything", { causal: false }, false],
    ["in a window, with a cap", { causal: true, window: 4, softcap: 3 }, false],
    ["packed", { causal: true }, true],
  ])("attention, %s", async (_, attrs, packed) => {
    const inputs = { q: f32(batch, seq, head, dim), k: f32(batch, seq, kv, dim), v: f32(batch, seq, kv, dim) };
    const graph = program("attending", { ...inputs, segments: i32(seq) }, ({ q, k, v, segments }) => ({
      y: emit(ops.attentionOp, packed ? [q, k, v, segments] : [q, k, v], { scale: 0.4, ...attrs }),
    }));
    expect(tfjs.supports(graph.outputs.y)).toBe(true);
    const segments = hostI32(Array.from({ length: 9 }, (_, i) => Math.floor(i / 4)));
    const heads = (count: number) => floats(2, 9, count, 8);
    await both(graph, { q: heads(6), k: heads(2), v: heads(2), segments });
  });
});

describe("matrices of the checkpoint", () => {
  const [out, inner] = [axis("out", 4), axis("in", 3)];
  const param = (path: string, ...dims: readonly Axis[]): Value => emit(ops.paramOp, [], { path, dims, dtype: "f32" });
  const opsOf = (body: (x: Value) => Value) => {
    const graph = program("p", { x: f32(seq, inner) }, ({ x }) => ({ y: body(x) }));
    return needed(prepare(graph)).map((v) => v.op.name);
  };

  test("are held transposed, also under other names for their axes", () => {
    expect(opsOf((x) => ops.matmul(x, param("w", out, inner)))).toEqual(["input", "transposed_param", "matmul"]);
    const other = axis("other", 4);
    expect(opsOf((x) => ops.matmul(x, ops.relabel(param("w", out, inner), { out: other })))).toEqual([
      "input",
      "transposed_param",
      "matmul",
    ]);
  });

  test("but not when they are turned round, or computed", () => {
    const turned = (x: Value) => ops.matmul(x, ops.rearrange(param("w", inner, out), "in out -> out in"));
    expect(opsOf(turned)).toEqual(["input", "param", "rearrange", "matmul"]);
    expect(opsOf((x) => ops.matmul(x, ops.mul(param("w", out, inner), 2)))).toContain("param");
  });
});

test("what is not claimed says so, and its meaning is run", () => {
  const graph = program("norm", { x: f32(seq, dim) }, ({ x }) => ({ y: ops.softmax(ops.gelu(x)) }));
  expect(tfjs.supports(graph.outputs.y.inputs[0]!)).toBe("expand me");
  const names = topological(Object.values(lower(graph, tfjs.supports).outputs)).map((v) => v.op.name);
  expect(names).toContain("erf");
  expect(names).toContain("softmax");
});

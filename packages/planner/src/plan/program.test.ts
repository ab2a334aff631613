import {
  type Axis,
  addSizes,
  axis,
  emit,
  f32,
  fuse,
  type Graph,
  i32,
  multiplySizes,
  ops,
  program,
  symbol,
  UnsupportedError,
  type Value,
} from "@hulu/core";
import { describe, expect, test } from "vitest";
import { printPlan } from "./print.js";
import { planProgram } from "./program.js";
import { supports } from "./supports.js";

type V = Value<string>;
const seq = axis("seq", symbol("seq"));
const [two, three] = [axis("two", 2), axis("three", 3)];
const param = (path: string, ...dims: readonly Axis[]) => emit<string>(ops.paramOp, [], { path, dims, dtype: "f32" });

const planOf = (graph: Graph) => planProgram(graph);
const linesOf = (graph: Graph) =>
  printPlan(planOf(graph))
    .split("\n")
    .filter((line) => / = /.test(line))
    .map((line) => line.trim());

describe("outputs have buffers of their own", () => {
  test("an input, a parameter, a constant and their views are copied", () => {
    const graph = program("p", { x: f32(seq, three) }, ({ x }) => ({
      input: x,
      view: ops.rearrange<string, string>(x, "seq three -> seq*three"),
      weight: param("w", three),
      number: ops.constant<string>([7], []),
    }));
    const plan = planOf(graph);
    expect(linesOf(graph)).toEqual([
      "^input = copy(x $x) count=3*seq d5=3*seq s5=1 t5=1 size=3*seq",
      "^view = copy(x $x) count=3*seq d5=3*seq s5=1 t5=1 size=3*seq",
      "^weight = copy(x w) count=3 d5=3 s5=1 t5=1 size=3",
      "^number = copy(x [7]) count=1 size=1",
    ]);
    expect([...plan.weights]).toEqual([["w", { use: "plain", rows: 3, width: 1 }]]);
  });
  test("a value is computed where the caller gets it; one that is two outputs is copied once", () => {
    const graph = program("p", { x: f32(seq, three) }, ({ x }) => {
      const y = ops.abs<string>(x);
      const view = ops.relabel<string>(y, { three: axis("tri", 3) });
      return { first: y, again: y, view, next: ops.exp(y) };
    });
    expect(linesOf(graph)).toEqual([
      "^first = unary(x $x) count=3*seq",
      "^next = unary(x ^first) count=3*seq op=1",
      "^again = copy(x ^first) count=3*seq d5=3*seq s5=1 t5=1 size=3*seq",
      "^view = copy(x ^first) count=3*seq d5=3*seq s5=1 t5=1 size=3*seq",
    ]);
  });
  test("a program may compute nothing and read nothing", () => {
    expect(planOf(program("p", {}, () => ({})))).toMatchObject({ steps: [], slots: [], buffers: 0 });
  });
});

describe("views need no step", () => {
  const one = axis("one", 1);
  test.each<[string, (x: V) => V]>([
    ["other names", (x) => ops.relabel(x, { two: axis("deux", 2) })],
    ["axes fused and split", (x) => ops.rearrange<string, string>(x, "seq two three -> seq*two three")],
    [
      "an axis of one element moved",
      (x) =>
        ops.rearrange<string, string>(
          ops.broadcast(x, { dims: [one, ...x.dims] }),
          "one seq two three -> seq two one three",
        ),
    ],
    ["axes of one element put in", (x) => ops.broadcast<string>(x, { dims: [...x.dims, one] })],
    ["a slice of everything", (x) => ops.slice<string>(x, "two", 0, axis("all", 2))],
    ["one part joined", (x) => ops.concat<string>([x], "two", axis("all", 2))],
    ["truth as a whole number", (x) => ops.cast(ops.less(x, x), "i32")],
  ])("%s", (_, view) => {
    const graph = program("p", { x: f32(seq, two, three) }, ({ x }) => ({
      y: ops.cast(ops.abs(ops.cast(view(x as V), "f32")), "i32"),
    }));
    const names = planOf(graph).steps.map((s) => s.kernel.name);
    expect(names.filter((name) => name === "copy")).toEqual([]);
  });
  test("but what changes the order does", () => {
    const graph = program("p", { x: f32(seq, two, three) }, ({ x }) => ({
      y: ops.rearrange<string, string>(x, "seq two three -> two seq three"),
    }));
    expect(linesOf(graph)).toEqual([
      "^y = copy(x $x) count=6*seq d3=2 d4=seq d5=3 s3=3 s4=6 s5=1 t3=3*seq t4=3 t5=1 size=6*seq",
    ]);
  });
});

describe("how weights lie", () => {
  const [vision, c, p] = [axis("vision", 5), axis("c", 3), axis("p", 2)];
  const weights = (body: (x: V, ids: V) => Readonly<Record<string, V>>) => {
    const graph = program("p", { x: f32(seq, fuse(c, p)), ids: i32(seq) }, ({ x, ids }) => body(x as V, ids as V));
    return Object.fromEntries(planOf(graph).weights);
  };
  const conv = param("conv", vision, c, p);
  const matrix = ops.rearrange<string, string>(conv, "vision c p -> vision c*p");
  const linear = (x: V, ...more: V[]) => emit<string>(ops.linearOp, [x, matrix, ...more]);
  test("a matrix may be stored under more axes; a bias is plain", () => {
    expect(weights((x) => ({ y: linear(x, param("bias", vision)) }))).toEqual({
      conv: { use: "matrix", rows: 5, width: 6 },
      bias: { use: "plain", rows: 5, width: 1 },
    });
  });
  test("a table that is looked up in and multiplied by is one matrix", () => {
    expect(weights((x, ids) => ({ y: linear(x), rows: ops.gather<string>(matrix, ids, "vision") }))).toEqual({
      conv: { use: "matrix", rows: 5, width: 6 },
    });
  });
  test.each<[string, (x: V, ids: V) => V]>([
    [
      "two matrices of one weight",
      (_, ids) => ops.gather<string>(ops.rearrange<string, string>(conv, "vision c p -> vision*c p"), ids, "vision*c"),
    ],
    ["a table along another axis", (_, ids) => ops.gather<string>(conv, ids, "c")],
    ["numbers of it", () => ops.abs(conv)],
  ])("%s: plain", (_, use) => {
    expect(weights((x, ids) => ({ y: linear(x), other: use(x, ids) }))).toEqual({
      conv: { use: "plain", rows: 5, width: 6 },
    });
    const plan = planOf(
      program("p", { x: f32(seq, fuse(c, p)), ids: i32(seq) }, ({ x, ids }) => ({
        y: linear(x as V),
        other: use(x as V, ids as V),
      })),
    );
    expect(plan.steps.flatMap((s) => Object.values(s.args)).filter(({ kind }) => kind === "scale")).toEqual([]);
  });
  test("a product of a weight with itself reads it both ways", () => {
    const w = param("w", two, three);
    const graph = program("p", {}, () => ({
      y: ops.matmul<string>(w, ops.relabel<string>(w, { two: axis("too", 2) })),
    }));
    expect(Object.fromEntries(planOf(graph).weights)).toEqual({ w: { use: "plain", rows: 2, width: 3 } });
  });
});

describe("states", () => {
  const batch = axis("batch", 1);
  const rows = f32(batch, seq, two);
  test("rows go behind the past, and what reads the state reads its prefix", () => {
    const graph = program("p", { x: rows }, ({ x }) => {
      const next = ops.append<"batch", "two">(x, ops.past, "seen");
      return { sum: ops.reduceSum<string>(next, "ctx"), past: ops.reduceSum<string>(next.inputs[0]!, "past"), next };
    });
    expect(linesOf(graph)).toEqual([
      "@seen = copy(x $x) count=2*seq d5=2*seq s5=1 t5=1 to=2*past size=2*past+2*seq",
      "^sum = reduce(x @seen) outer=1 width=past+seq inner=2",
      "^past = reduce(x @seen) outer=1 width=past inner=2",
      "^next = copy(x @seen) count=2*past+2*seq d5=2*past+2*seq s5=1 t5=1 size=2*past+2*seq",
    ]);
    expect(planOf(graph).states).toEqual([
      { name: "seen", width: 2, rows: seq.size, count: multiplySizes(2, addSizes(ops.past.axis.size, seq.size)) },
    ]);
  });
  test("a state's own rows go over a slot: no kernel reads what it writes", () => {
    const graph = program("p", { x: rows }, ({ x }) => {
      const leaf = ops.state<string>("seen", [batch, ops.past.axis, two]);
      const again = ops.relabel<string>(leaf, { past: { name: "seq", size: ops.past.axis.size } });
      return { y: emit<string>(ops.appendOp, [leaf, again]), x };
    });
    expect(linesOf(graph).slice(0, 2)).toEqual([
      "%0 = copy(x @seen) count=2*past d5=2*past s5=1 t5=1 size=2*past",
      "@seen = copy(x %0) count=2*past d5=2*past s5=1 t5=1 to=2*past size=4*past",
    ]);
  });
});

describe("what is not computed is refused", () => {
  test("axes that do not lie together, more than a copy takes; fewer behind fusing are not", () => {
    const dims = Array.from("abcdefg", (name) => axis(name, 2));
    const turned = (to: string) =>
      program("p", { x: f32(...dims) }, ({ x }) => ({
        y: ops.rearrange<string, string>(x as V, `a b c d e f g -> ${to}`),
      }));
    expect(() => planOf(turned("g f e d c b a"))).toThrow(UnsupportedError);
    expect(() => planOf(turned("g f e d c b a"))).toThrow(
      "rearrange: it moves 7 axes that do not lie together; a copy takes at most 6",
    );
    expect(planOf(turned("f g e d c b a")).steps.length).toBe(1);
  });
  test("weights of other types, and of sizes that are not known", () => {
    const weight = (dtype: "i32" | "f32", size: Axis["size"]) =>
      supports(emit(ops.paramOp, [], { path: "w", dims: [axis("n", size)], dtype }));
    expect(weight("i32", 2)).toBe("a weight is f32 here, not i32");
    expect(weight("f32", symbol("n"))).toBe("a weight has sizes of numbers");
    expect(weight("f32", 2)).toBe(true);
    expect(supports(emit(ops.constantOp, [], { values: [1], dims: [], dtype: "i8" }))).toBe(
      "i8 is not computed with here",
    );
  });
  test("heads that are too wide are planned by their meaning", () => {
    const [batch, head] = [axis("batch", 1), axis("head", 2)];
    const wide = (dim: number) =>
      program("p", { q: f32(batch, seq, head, axis("dim", dim)) }, ({ q }) => ({
        y: emit<string>(ops.attentionOp, [q, q, q], { scale: 1, causal: false }),
      }));
    const names = (graph: Graph) => planOf(graph).steps.map((s) => s.kernel.name);
    expect(names(wide(256))).toEqual(["attention"]);
    expect(names(wide(257))).toContain("softmax");
  });
  test("an op of somebody's own, by what it means", () => {
    const double = {
      name: "double",
      infer: ([x]: readonly V[]) => x!,
      decompose: ([x]: readonly V[]) => ops.add(x!, x!),
    };
    const graph = program("p", { x: f32(seq) }, ({ x }) => ({ y: emit<string>(double as never, [x]) }));
    expect(linesOf(graph)).toEqual(["^y = binary(a $x, b $x) count=seq"]);
  });
});

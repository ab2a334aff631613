import { describe, expect, test } from "vitest";
import { bind, module, param } from "../nn/module.js";
import { append, past } from "../ops/append.js";
import { add, mul } from "../ops/elementwise.js";
import { axis } from "./axis.js";
import { f32, i32, mark, paramsOf, program, rootsOf, tap, topological } from "./graph.js";
import { symbol } from "./size.js";
import type { Value } from "./value.js";

const batch = axis("batch", 1);
const seq = axis("seq", symbol("seq"));
const width = axis("width", 4);
const row = f32(batch, seq, width);
type Row = Value<"batch seq width">;

const scale = module({ weight: param(width) }, (m) => (x: Row) => {
  void m;
  return mark("twice", mul(x, 2));
});
const net = module(
  { first: scale, list: [scale, scale] },
  (m) => (x: Row) => m.list.reduce((h, f) => f(h), m.first(x)),
);

describe("a program", () => {
  test("has its inputs and outputs by name", () => {
    const p = program("p", { x: row, ids: i32(seq) }, ({ x }) => ({ y: add(x, x) }));
    expect(p.name).toBe("p");
    expect(Object.keys(p.inputs)).toEqual(["x", "ids"]);
    expect(p.inputs.ids).toMatchObject({ axes: "seq", dtype: "i32", attrs: { name: "ids" } });
    expect(p.outputs.y.inputs).toEqual([p.inputs.x, p.inputs.x]);
    expect(p.states).toEqual([]);
    expect(Object.isFrozen(p)).toBe(true);
  });
  test("remembers what each module gave, by path and in order; a second call is #2", () => {
    const p = program("p", { x: row }, ({ x }) => {
      const f = bind(net, "model");
      f(x);
      return { y: f(x) };
    });
    expect([...p.results.keys()]).toEqual([
      "model.first.twice",
      "model.first",
      "model.list.0.twice",
      "model.list.0",
      "model.list.1.twice",
      "model.list.1",
      "model",
      "model.first.twice#2",
      "model.first#2",
      "model.list.0.twice#2",
      "model.list.0#2",
      "model.list.1.twice#2",
      "model.list.1#2",
      "model#2",
    ]);
    expect(p.results.get("model#2")).toBe(p.outputs.y);
  });
  test("has values that know the module they were made in", () => {
    const p = program("p", { x: row }, ({ x }) => ({ y: bind(net, "model")(x) }));
    expect(p.outputs.y.scope).toBe("model.list.1");
    expect(p.inputs.x.scope).toBe("");
    expect(program("q", { x: row }, ({ x }) => ({ y: mark("m", add(x, 1)) })).results.has("m")).toBe(true);
  });
  test("leaves no trace behind when its body throws", () => {
    expect(() =>
      program("p", { x: row }, () => {
        bind(
          module({}, () => () => {
            throw new Error("in the middle");
          }),
          "deep",
        )();
        return {};
      }),
    ).toThrow("in the middle");
    expect(add(f32(batch) as never as Value<"batch">, f32(batch) as never as Value<"batch">).scope).toBe("");
    // Outside a trace a mark is nothing.
    const x = program("q", { x: row }, ({ x }) => ({ x })).inputs.x;
    expect(mark("m", x)).toBe(x);
  });
});

describe("states", () => {
  const cached = (name: string) => module({}, () => (x: Row) => append<"batch", "width">(x, past, name));
  test("are found from the outputs, named by the module they are used in", () => {
    const p = program("p", { x: row }, ({ x }) => ({ y: bind(cached("keys"), "layers.0")(x) }));
    expect(p.states.map((s) => s.name)).toEqual(["layers.0.keys"]);
    const [state] = p.states;
    expect(state!.past.op.name).toBe("state");
    expect(state!.rows).toBe(p.inputs.x);
    expect(state!.next).toBe(p.outputs.y);
    expect(state!.next.axes).toBe("batch ctx width");
    expect(rootsOf(p)).toEqual([p.outputs.y, state!.past, state!.rows, state!.next]);
  });
  test("grow once in a run", () => {
    const twice = () =>
      program("p", { x: row }, ({ x }) => {
        const f = bind(cached("keys"), "layers.0");
        return { y: add(f(x), f(x)) };
      });
    expect(twice).toThrow("two appends to the state layers.0.keys; a state grows once in a run");
  });
});

describe("topological order", () => {
  test("puts each value once, after its inputs", () => {
    const p = program("p", { x: row }, ({ x }) => {
      const y = add(x, x);
      return { y: mul(add(y, x), y), z: y };
    });
    const order = topological(rootsOf(p));
    expect(new Set(order).size).toBe(order.length);
    for (const [i, node] of order.entries())
      for (const input of node.inputs) expect(order.indexOf(input)).toBeLessThan(i);
    expect(order).toHaveLength(4);
  });
  test("does not look into a stop, and gives it", () => {
    const p = program("p", { x: row }, ({ x }) => ({ y: add(mul(x, x), x) }));
    const stop = p.outputs.y.inputs[0]!;
    expect(topological([p.outputs.y], new Set([stop]))).toEqual([stop, p.inputs.x, p.outputs.y]);
  });
  test("goes deeper than the call stack", () => {
    const p = program("deep", { x: row }, ({ x }) => {
      let y: Row = x;
      for (let i = 0; i < 50_000; i++) y = add(y, y);
      return { y };
    });
    expect(topological([p.outputs.y])).toHaveLength(50_001);
  });
});

describe("tap", () => {
  const p = program("p", { x: row }, ({ x }) => ({ y: bind(net, "model")(x) }));
  test("adds what a module gave to the outputs", () => {
    const tapped = tap(p, { first: "model.first" });
    expect(Object.keys(tapped.outputs)).toEqual(["y", "first"]);
    expect(tapped.outputs.first).toBe(p.results.get("model.first"));
    expect(Object.keys(p.outputs)).toEqual(["y"]);
  });
  test("names the nearest results when there is none", () => {
    expect(() => tap(p, { x: "model.layers.first" })).toThrow(
      "p has no result model.layers.first; near: model.first.twice, model.first",
    );
    expect(() => tap(p, { x: "0" })).toThrow("p has no result 0; near: model.list.0.twice, model.list.0");
    expect(() => tap(p, { x: "0.twice#9" })).toThrow(/^p has no result 0\.twice#9$/);
    const one = program("one", { x: row }, ({ x }) => ({ y: mark("only", add(x, 1)) }));
    expect(() => tap(one, { x: "model.only" })).toThrow("one has no result model.only; near: only");
    expect(() => tap(p, { x: "nothing" })).toThrow(/^p has no result nothing$/);
  });
});

test("paramsOf: what a graph reads, by path, and no more", () => {
  const used = module({ weight: param(width), idle: param(width) }, (m) => (x: Row) => mul(x, x) && m.weight);
  const p = program("p", { x: row }, ({ x }) => ({ y: bind(used, "a.b")(x) }));
  expect([...paramsOf(p).keys()]).toEqual(["a.b.weight"]);
});

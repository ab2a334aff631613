import { describe, expect, test } from "vitest";
import { append, past } from "../ops/append.js";
import { add, broadcast, cast } from "../ops/elementwise.js";
import { inputOp, iota, paramOp, state } from "../ops/leaves.js";
import { slice } from "../ops/shape.js";
import { axis } from "./axis.js";
import { f32, type Graph, program } from "./graph.js";
import { symbol } from "./size.js";
import { emit, type OpDef, type Value } from "./value.js";
import { verify } from "./verify.js";

const [batch, seq, width] = [axis("batch", 1), axis("seq", symbol("seq")), axis("width", 4)];
const row = f32(batch, seq, width);
const graph = (body: (x: Value<"batch seq width">) => Value): Graph =>
  program("p", { x: row }, ({ x }) => ({ y: body(x) }));
/** A graph with a value swapped for one that no op would give. */
const withOutput = (y: Value): Graph => ({ ...graph((x) => x), outputs: { y } });
const input = (name: string, ...dims: ReturnType<typeof axis>[]) => emit(inputOp, [], { name, dims, dtype: "f32" });
const weight = (size: number) => emit(paramOp, [], { path: "w", dims: [axis("width", size)], dtype: "f32" });

describe("a sound graph", () => {
  test("passes", () => verify(graph((x) => add(x, 1))));
  test("with a state too", () => verify(graph((x) => append<"batch", "width">(x, past, "rows"))));
  test("may use a weight twice", () =>
    verify(graph((x) => add<string>(add<string>(x, broadcast(weight(4), x)), broadcast(weight(4), x)))));
});

describe("found in a graph that is not", () => {
  const says = (g: Graph, message: string | RegExp) => expect(() => verify(g)).toThrow(message);

  test("an op that nobody can run", () => {
    const op: OpDef = { name: "magic", infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }) };
    says(
      graph((x) => emit(op, [x])),
      "p: magic: is no primitive and says nothing of its meaning",
    );
  });
  test("an op that has a primitive's name and is none", () => {
    const op: OpDef = { name: "add", infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }) };
    says(
      graph((x) => emit(op, [x, x])),
      "p: add: is no primitive",
    );
  });
  test("another shape than the rule's", () => {
    const g = graph((x) => add(x, 1));
    const wrong = { ...g.outputs.y!, dims: g.outputs.y!.dims.with(2, axis("width", 5)) };
    says(
      { ...g, outputs: { y: wrong } },
      "p: add: is f32[batch=1 seq width=5], its rule gives f32[batch=1 seq width=4]",
    );
  });
  test("another type than the rule's", () => {
    const g = graph((x) => add(x, 1));
    says(
      { ...g, outputs: { y: { ...g.outputs.y!, dtype: "i32" } } },
      "is i32[batch=1 seq width=4], its rule gives f32",
    );
  });
  test("a size that nothing binds", () => {
    says(
      graph((x) => slice(x, "seq", 0, axis("some", symbol("some")))),
      "p: slice: the size some of axis some is bound by no input and no state",
    );
    says(
      graph(() => iota(axis("other", symbol("other")))),
      "the size other of axis other is bound by",
    );
  });
  test("one weight with two shapes", () => {
    says(
      graph((x) => add<string>(broadcast(weight(4), x), broadcast(slice(weight(5), "width", 0, width), x))),
      "param w is also used as f32[width=",
    );
  });
  test("one weight with two types", () => {
    const whole = emit(paramOp, [], { path: "w", dims: [width], dtype: "i32" });
    says(
      graph((x) => add<string>(broadcast(weight(4), x), broadcast(cast(whole, "f32"), x))),
      "param w is also used as",
    );
  });
  test("an input of another program", () => {
    says(withOutput(input("z", width)), "p: input: input z is no input of this graph");
    says(withOutput(input("x", width)), "input x is also used as f32[batch=1 seq width=4]");
  });
  test("an input under another name", () => {
    const g = graph((x) => x);
    says({ ...g, inputs: { ...g.inputs, z: g.inputs.x! } }, "p: input: is not the input z");
    says({ ...g, inputs: { ...g.inputs, z: weight(4) } }, "p: param: is not the input z");
  });
  test("a state that is read and never written", () => {
    const stale = (x: Value) => state<string>("old", x.dims.with(1, past.axis));
    // Another state binds the past, so that only the reading itself is wrong.
    const g = program("p", { x: row }, ({ x }) => ({ y: append<"batch", "width">(x, past, "rows"), z: stale(x) }));
    says(g, "p: state: state old is read, and nothing is appended to it");
  });
  test("the module is named", () => {
    const op: OpDef = { name: "magic", infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }) };
    const g = graph((x) => x);
    says(
      { ...g, outputs: { y: { ...emit(op, [g.inputs.x!]), scope: "model.layers.0" } } },
      "p: magic in model.layers.0: is no",
    );
  });
});

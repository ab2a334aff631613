import { expect, test } from "vitest";
import { gelu } from "../ops/activation.js";
import { add, exp, mul } from "../ops/elementwise.js";
import { relabelOp } from "../ops/shape.js";
import { axis } from "./axis.js";
import { f32, program, topological } from "./graph.js";
import { boundCount, boundSize, type NodeCost, peakBytes } from "./liveness.js";
import { addSizes, multiplySizes, symbol } from "./size.js";
import type { Value } from "./value.js";

const x = f32(axis("n", symbol("n")));
/** Every value at a byte a number, `n` = 10. */
const plain = (value: Value): NodeCost => ({ bytes: boundCount(value, { n: 10 }) });
const schedule = (y: Value, cost = plain, kept: readonly Value[] = [y]) => ({
  order: topological([y]),
  kept,
  uses: (v: Value) => v.inputs,
  cost,
});

test("a chain holds two values at a time", () => {
  const { outputs } = program("chain", { x }, ({ x }) => ({ y: exp(exp(exp(exp(x)))) }));
  expect(peakBytes(schedule(outputs.y))).toBe(20);
});

test("what is used later is held until then, and what is kept to the end", () => {
  const { outputs, inputs } = program("skip", { x }, ({ x }) => ({ y: add(exp(exp(exp(x))), x) }));
  expect(peakBytes(schedule(outputs.y))).toBe(30);
  const chain = program("chain", { x }, ({ x }) => ({ y: exp(exp(exp(x))) })).outputs.y;
  const first = topological([chain])[0]!;
  expect(peakBytes(schedule(chain, plain, [chain, first]))).toBe(30);
  expect(inputs.x.op.name).toBe("input");
});

test("a value takes over the memory of one that is used no more, if it has the size", () => {
  const over = (value: Value): NodeCost => ({ ...plain(value), over: value.inputs[0] });
  const { outputs } = program("skip", { x }, ({ x }) => ({ y: mul(exp(exp(x)), x) }));
  expect(peakBytes(schedule(outputs.y))).toBe(30);
  // x is still needed when exp is computed; its square and the product take over.
  expect(peakBytes(schedule(outputs.y, over))).toBe(20);
  const halved = (value: Value): NodeCost => ({ ...over(value), bytes: value.op.name === "input" ? 10 : 5 });
  expect(peakBytes(schedule(program("c", { x }, ({ x }) => ({ y: exp(x) })).outputs.y, halved))).toBe(15);
});

test("a view has no memory of its own and keeps what it looks at", () => {
  const cost = (value: Value): NodeCost => ({
    ...plain(value),
    viewOf: value.op === relabelOp ? value.inputs[0] : undefined,
  });
  const m = axis("m", symbol("n"));
  const { outputs } = program("view", { x }, ({ x }) => {
    const made = exp(x);
    const seen = named(made, m);
    return { made, y: add(exp(seen), seen) };
  });
  const kept = [outputs.y, outputs.made];
  expect(peakBytes(schedule(outputs.y, cost, kept))).toBe(30);
  expect(peakBytes(schedule(outputs.y, plain, kept))).toBe(40);
});

test("scratch counts while its value is computed", () => {
  const { outputs } = program("gelu", { x }, ({ x }) => ({ y: exp(gelu(x)) }));
  const cost = (value: Value): NodeCost => ({ ...plain(value), scratch: value.op.name === "gelu" ? 7 : 0 });
  expect(peakBytes(schedule(outputs.y, cost))).toBe(27);
});

test("a symbol without a bound counts as 1, the past as nothing", () => {
  const size = addSizes(multiplySizes(symbol("a"), 6), symbol("past"));
  expect([boundSize(size, {}), boundSize(size, { a: 2 }), boundSize(size, { a: 2, past: 5 })]).toEqual([6, 12, 17]);
  expect(boundSize(4, {})).toBe(4);
});

function named(value: Value, to: ReturnType<typeof axis>): Value {
  return Object.freeze({ ...value, axes: to.name, dims: [to], op: relabelOp, inputs: [value], attrs: { dims: [to] } });
}

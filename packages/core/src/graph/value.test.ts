import { expect, test } from "vitest";
import { bind, module } from "../nn/module.js";
import { constant } from "../ops/leaves.js";
import { axis, fuse } from "./axis.js";
import { emit, GraphError, named, type OpDef, sameAxis, sameDims, describe as shown } from "./value.js";

const [a, b] = [axis("a", 2), axis("b", 3)];
const giving = (...dims: ReturnType<typeof axis>[]): OpDef => ({
  name: "made_up",
  infer: () => ({ dims, dtype: "f32" }),
});

test("a value knows its axes, its type and where it comes from", () => {
  const x = constant<"a">([1, 2], [a]);
  const y = emit(giving(a, b), [x], { some: 1 });
  expect(y).toMatchObject({ axes: "a b", dtype: "f32", inputs: [x], attrs: { some: 1 }, scope: "" });
  expect(shown(y)).toBe("f32[a=2 b=3]");
  for (const part of [y, y.dims, y.inputs]) expect(Object.isFrozen(part)).toBe(true);
});

test("no value has one axis twice, inside a fused one either", () => {
  expect(() => emit(giving(a, b, a), [])).toThrow("made_up(): the result would have two axes called a: a b a");
  expect(() => emit(giving(a, fuse(b, axis("a", 2))), [])).toThrow("the result would have two axes called a: a b*a");
});

test("what a shape rule refuses is told with the operands and the module", () => {
  const picky: OpDef = {
    name: "picky",
    infer: () => {
      throw new RangeError("not today");
    },
  };
  const x = constant([1, 2], [a]);
  expect(() => emit(picky, [x, x])).toThrow(new GraphError("picky(f32[a=2], f32[a=2]): not today"));
  const block = module({}, () => () => emit(picky, [x]));
  expect(() => bind(block, "model.layers.3")()).toThrow("picky(f32[a=2]) in model.layers.3: not today");
  try {
    emit(picky, []);
  } catch (error) {
    expect((error as Error).cause).toBeInstanceOf(RangeError);
    expect((error as Error).name).toBe("GraphError");
  }
});

test("a fault of the rule itself is not dressed up", () => {
  const broken: OpDef = {
    name: "broken",
    infer: () => {
      throw new TypeError("undefined is not a function");
    },
  };
  expect(() => emit(broken, [])).toThrow(TypeError);
});

test("named states the axes, and is held to it", () => {
  const x = emit(giving(a, b), []);
  expect(named(x, "a b")).toBe(x);
  expect(() => named(x, "b a")).toThrow('expected axes "b a", found f32[a=2 b=3]');
});

test("axes are the same when name and size are", () => {
  expect(sameAxis(a, axis("a", 2))).toBe(true);
  expect(sameAxis(a, axis("a", 3))).toBe(false);
  expect(sameAxis(a, axis("b", 2))).toBe(false);
  expect(sameDims([a, b], [a, b])).toBe(true);
  expect(sameDims([a, b], [b, a])).toBe(false);
  expect(sameDims([a, b], [a])).toBe(false);
  expect(sameDims([a], [a, b])).toBe(false);
});

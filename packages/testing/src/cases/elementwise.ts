import { axis, ops, type Value } from "@hulu/core";
import { at, type Bound, nd } from "../nd.js";
import { type Fill, fills } from "../random.js";
import { type OpCase, opCase, rounding } from "./case.js";

const plane = { a: [0, 5], b: [0, 7] } as const;

/** The integral of the bell curve, by Simpson's rule: slow, and nothing like any approximation in use. */
export function erfByIntegral(x: number): number {
  const steps = 2000;
  const h = x / steps;
  const f = (t: number) => Math.exp(-t * t);
  let sum = f(0) + f(x);
  for (let i = 1; i < steps; i++) sum += f(i * h) * (i % 2 === 1 ? 4 : 2);
  return (2 / Math.sqrt(Math.PI)) * (h / 3) * sum;
}

const unary = (
  op: string,
  apply: (x: Value) => Value,
  meaning: (x: number) => number,
  bound: Bound,
  fill: { readonly random?: Fill; readonly exact?: Fill } = {},
): OpCase =>
  opCase(op, "element by element", bound, {
    sizes: plane,
    exact: fill.exact !== undefined,
    build: (make) => ({
      inputs: { x: make.f32([make.axis("a"), make.axis("b")], fill.random, fill.exact ?? fills.small) },
      body: ({ x }) => apply(x!),
      direct: ({ x }) => nd(x!.shape, (i, j) => meaning(at(x!, i, j))),
    }),
  });

const binary = (
  op: string,
  apply: (a: Value, b: Value) => Value,
  meaning: (a: number, b: number) => number,
  fill: { readonly random?: Fill; readonly exact?: Fill } = {},
): OpCase =>
  opCase(op, "two values of the same axes", rounding, {
    sizes: plane,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.f32(dims), y: make.f32(dims, fill.random, fill.exact) },
        body: ({ x, y }) => apply(x!, y!),
        direct: ({ x, y }) => nd(x!.shape, (i, j) => meaning(at(x!, i, j), at(y!, i, j))),
      };
    },
  });

/** Comparisons give bool, which no program returns: each is read through a cast. */
const whole = (op: string, apply: (a: Value, b: Value) => Value, meaning: (a: number, b: number) => number): OpCase =>
  opCase(op, "whole numbers", rounding, {
    features: ["i32"],
    sizes: plane,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.i32(dims), y: make.i32(dims) },
        body: ({ x, y }) => ops.cast(apply(x!, y!), "i32"),
        direct: ({ x, y }) => nd(x!.shape, (i, j) => meaning(at(x!, i, j), at(y!, i, j))),
      };
    },
  });

const asFloats = (apply: (a: Value, b: Value) => Value) => (a: Value, b: Value) => ops.cast(apply(a, b), "f32");
const less = (a: number, b: number) => (a < b ? 1 : 0);
const equal = (a: number, b: number) => (a === b ? 1 : 0);

const accurate: Bound = {
  abs: 2e-6,
  rel: 2e-6,
  why: "a float32 library function, good to a few units of the last place",
};
const angles = { random: fills.between(-32, 32) };

export const elementwiseCases: readonly OpCase[] = [
  unary("abs", (x) => ops.abs(x), Math.abs, rounding, { exact: fills.small }),
  unary("exp", (x) => ops.exp(x), Math.exp, { ...accurate, rel: 4e-6 }, { random: fills.between(-8, 8) }),
  unary("sqrt", (x) => ops.sqrt(x), Math.sqrt, accurate, {
    random: fills.between(0, 9),
    exact: (random) => random.int(0, 12) ** 2,
  }),
  unary("cos", (x) => ops.cos(x), Math.cos, accurate, angles),
  unary("sin", (x) => ops.sin(x), Math.sin, accurate, angles),
  unary("tanh", (x) => ops.tanh(x), Math.tanh, accurate, { random: fills.between(-6, 6) }),
  unary("erf", (x) => ops.erf(x), erfByIntegral, accurate, { random: fills.between(-4, 4) }),
  binary("add", ops.add, (a, b) => a + b),
  binary("sub", ops.sub, (a, b) => a - b),
  binary("mul", ops.mul, (a, b) => a * b),
  binary("div", ops.div, (a, b) => a / b, { random: fills.between(0.5, 2), exact: fills.powers }),
  binary("max", ops.max, Math.max),
  binary("less", asFloats(ops.less), less, { random: fills.small }),
  binary("equal", asFloats(ops.equal), equal, { random: fills.small }),
  whole("add", ops.add, (a, b) => a + b),
  whole("sub", ops.sub, (a, b) => a - b),
  whole("mul", ops.mul, (a, b) => a * b),
  whole("max", ops.max, Math.max),
  whole("less", ops.less, less),
  whole("equal", ops.equal, equal),
  opCase("and", "two comparisons", rounding, {
    features: ["bool"],
    sizes: plane,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.f32(dims), y: make.f32(dims) },
        body: ({ x, y }) => ops.cast(ops.and(ops.less(x!, 0.5), ops.less(y!, x!)), "f32"),
        direct: ({ x, y }) => nd(x!.shape, (i, j) => less(at(x!, i, j), 0.5) * less(at(y!, i, j), at(x!, i, j))),
      };
    },
  }),
  opCase("where", "a choice between floats", rounding, {
    features: ["bool"],
    sizes: plane,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.f32(dims), y: make.f32(dims) },
        body: ({ x, y }) => ops.where(ops.less(x!, y!), ops.mul(x!, 2), y!),
        direct: ({ x, y }) => nd(x!.shape, (i, j) => (at(x!, i, j) < at(y!, i, j) ? 2 * at(x!, i, j) : at(y!, i, j))),
      };
    },
  }),
  opCase("where", "a choice between whole numbers", rounding, {
    features: ["bool", "i32"],
    sizes: { a: [0, 9] },
    build: (make) => ({
      inputs: { x: make.i32([make.axis("a")]) },
      body: ({ x }) => ops.where(ops.equal(x!, 1), x!, 7),
      direct: ({ x }) => nd(x!.shape, (i) => (at(x!, i) === 1 ? 1 : 7)),
    }),
  }),
  opCase("cast", "floats lose their fraction, towards zero", rounding, {
    features: ["i32"],
    sizes: { a: [0, 9] },
    build: (make) => ({
      inputs: { x: make.f32([make.axis("a")], fills.floats, (random) => random.int(-9, 9) / 4) },
      body: ({ x }) => ops.cast(x!, "i32"),
      direct: ({ x }) => nd(x!.shape, (i) => (at(x!, i) < 0 ? Math.ceil(at(x!, i)) : Math.floor(at(x!, i)))),
    }),
  }),
  opCase("cast", "whole numbers become floats", rounding, {
    features: ["i32"],
    sizes: { a: [0, 9] },
    build: (make) => ({
      inputs: { x: make.i32([make.axis("a")]) },
      body: ({ x }) => ops.mul(ops.cast(x!, "f32"), 0.5),
      direct: ({ x }) => nd(x!.shape, (i) => at(x!, i) / 2),
    }),
  }),
  opCase("cast", "any number but zero is true", rounding, {
    features: ["bool", "i32"],
    sizes: { a: [0, 9] },
    build: (make) => {
      const a = make.axis("a");
      return {
        inputs: { x: make.i32([a], fills.whole(-1, 1)), y: make.f32([a], (r) => r.int(-1, 1) / 4) },
        body: ({ x, y }) => ops.cast(ops.and(ops.cast(x!, "bool"), ops.cast(y!, "bool")), "i32"),
        direct: ({ x, y }) => nd(x!.shape, (i) => (at(x!, i) !== 0 && at(y!, i) !== 0 ? 1 : 0)),
      };
    },
  }),
  opCase("broadcast", "axes put before, between and behind", rounding, {
    sizes: { a: [0, 4], b: [0, 3], c: [0, 4], d: [0, 3] },
    build: (make) => {
      const [a, b, c, d] = [make.axis("a"), make.axis("b"), make.axis("c"), make.axis("d")];
      return {
        inputs: { x: make.f32([b, d]), like: make.f32([a, b, c, d]) },
        body: ({ x, like }) => ops.add(like!, ops.broadcast(x!, like!)),
        direct: ({ x, like }) => nd(like!.shape, (i, j, k, l) => at(like!, i, j, k, l) + at(x!, j, l)),
      };
    },
  }),
  opCase("broadcast", "one number to all", rounding, {
    sizes: { a: [0, 4], b: [0, 3] },
    build: (make) => ({
      inputs: { x: make.f32([make.axis("a"), make.axis("b")]) },
      body: ({ x }) => ops.sub(ops.broadcast(ops.constant([0.5], []), x!), x!),
      direct: ({ x }) => nd(x!.shape, (i, j) => 0.5 - at(x!, i, j)),
    }),
  }),
  opCase("broadcast", "axes of one size that differ in name", rounding, {
    sizes: { n: [1, 4] },
    build: (make) => {
      const [a, b] = [axis("a", make.size("n")), axis("b", make.size("n"))];
      return {
        inputs: { x: make.f32([b]), y: make.f32([a]), like: make.f32([a, b]) },
        body: ({ x, y, like }) => ops.sub(ops.broadcast(x!, like!), ops.mul(ops.broadcast(y!, like!), 2)),
        direct: ({ x, y, like }) => nd(like!.shape, (i, j) => at(x!, j) - 2 * at(y!, i)),
      };
    },
  }),
];

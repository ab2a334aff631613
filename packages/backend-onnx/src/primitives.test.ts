import { type Axis, axis, f32, fuse, i32, ops, program, symbol, type Value } from "@hulu/core";
import { describe, test } from "vitest";
import { floats, type Inputs, ints, linear, parameter, parity } from "../test/parity.js";

const seq = axis("seq", symbol("seq"));
const [two, three, dim, row] = [axis("two", 2), axis("three", 3), axis("dim", 5), axis("row", symbol("row"))];
const window = axis("window", symbol("window"));
const fused = fuse(axis("token", symbol("token")), window);
const any = (x: unknown) => x as Value<string>;

interface Case {
  readonly name: string;
  readonly graph: ReturnType<typeof program>;
  readonly runs: readonly Inputs[];
}
const make = (name: string, graph: unknown, ...runs: readonly Inputs[]): Case => ({
  name,
  graph: graph as Case["graph"],
  runs,
});

const shapes = [
  [4, 5],
  [1, 5],
  [0, 5],
] as const;
const unary = (["abs", "exp", "cos", "sin", "tanh", "erf"] as const).map((name) =>
  make(
    name,
    program(name, { x: f32(seq, dim) }, ({ x }) => ({ y: ops[name](x) })),
    ...shapes.map((shape, i) => ({ x: floats(shape, i + 1) })),
  ),
);
const binary = (["add", "sub", "mul", "div", "max", "less", "equal"] as const).map((name) =>
  make(
    name,
    program(name, { a: f32(seq, dim), b: f32(seq, dim) }, ({ a, b }) => ({
      y: any(ops[name](a, b)),
      z: any(ops[name](a, 0.5)),
    })),
    ...shapes.map((shape, i) => ({ a: floats(shape, i + 1), b: floats(shape, i + 9) })),
  ),
);
const whole = (["add", "sub", "mul", "max", "less", "equal"] as const).map((name) =>
  make(
    `${name} of i32`,
    program(name, { a: i32(seq), b: i32(seq) }, ({ a, b }) => ({ y: any(ops[name](a, b)) })),
    { a: ints([1, -2, 3, 7]), b: ints([1, 2, -3, 6]) },
    { a: ints([]), b: ints([]) },
  ),
);

const others: readonly Case[] = [
  make(
    "sqrt",
    program("sqrt", { x: f32(seq) }, ({ x }) => ({ y: ops.sqrt(ops.mul(x, x)) })),
    { x: floats([6], 1) },
  ),
  make(
    "and, where, cast",
    program("logic", { a: f32(seq, dim), b: i32(seq) }, ({ a, b }) => {
      const low = ops.less(a, 0.3);
      const both = ops.and(low, ops.broadcast(ops.equal(b, 1), a));
      const chosen = ops.where(low, both, ops.equal(a, a));
      return {
        both,
        chosen,
        picked: ops.where(both, a, 7),
        small: ops.where(ops.less(b, 3), b, 9),
        number: ops.cast(both, "f32"),
        integer: ops.cast(ops.mul(a, 9), "i32"),
        truth: ops.cast(b, "bool"),
        truthOfFloats: ops.cast(a, "bool"),
      };
    }),
    { a: floats([4, 5], 1), b: ints([0, 1, 1, 4]) },
    { a: floats([0, 5], 1), b: ints([]) },
  ),
  make(
    "broadcast in front, behind, between, of a scalar, and twice",
    program("broadcast", { x: f32(seq), y: f32(two, dim) }, ({ x, y }) => {
      const like = { dims: [two, seq, dim] as readonly Axis[] };
      const wide = ops.broadcast<string>(x, like);
      const tall = ops.broadcast<string>(y, like);
      const one = ops.broadcast<string>(ops.constant([3], []), { dims: [seq, two] });
      const twice = ops.broadcast<string>(ops.broadcast<string>(x, { dims: [two, seq] }), { dims: [two, seq, three] });
      return { wide, tall, one, twice, sum: ops.add(wide, tall), both: ops.mul(tall, tall), none: ops.add(one, one) };
    }),
    { x: floats([3], 1), y: floats([2, 5], 2) },
    { x: floats([0], 1), y: floats([2, 5], 2) },
  ),
  make(
    "reduce_sum and reduce_max along each axis",
    program("reduce", { x: f32(seq, two, dim) }, ({ x }) => ({
      a: ops.reduceSum(x, "seq"),
      b: ops.reduceSum(x, "two"),
      c: ops.reduceSum(x, "dim"),
      d: ops.reduceMax(x, "two"),
      e: ops.reduceMax(x, "dim"),
    })),
    { x: floats([3, 2, 5], 1) },
    { x: floats([0, 2, 5], 1) },
  ),
  make(
    "reduce_max over nothing",
    program("reduce", { x: f32(seq, dim) }, ({ x }) => ({ y: ops.reduceMax(x, "seq") })),
    { x: floats([3, 5], 1) },
    { x: floats([0, 5], 1) },
  ),
  make(
    "matmul, shared and batched",
    program("matmul", { a: f32(two, seq, dim), b: f32(two, row, dim), c: f32(row, dim), d: f32(seq, dim) }, (v) => ({
      batched: ops.matmul<string>(v.a, v.b),
      shared: ops.matmul<string>(v.a, v.c),
      plain: ops.matmul<string>(v.d, v.c),
    })),
    ...[
      [3, 4],
      [1, 1],
      [0, 4],
      [3, 0],
    ].map(([s, r]) => ({
      a: floats([2, s!, 5], 1),
      b: floats([2, r!, 5], 2),
      c: floats([r!, 5], 3),
      d: floats([s!, 5], 4),
    })),
  ),
  make(
    "matmul over nothing",
    program("matmul", { a: f32(two, seq), b: f32(dim, seq) }, ({ a, b }) => ({ y: ops.matmul<string>(a, b) })),
    { a: floats([2, 3], 1), b: floats([5, 3], 2) },
    { a: floats([2, 0], 1), b: floats([5, 0], 2) },
  ),
  make(
    "rearrange: split, move, fuse",
    program("rearrange", { x: f32(two, fused, dim), window: f32(window) }, ({ x }) => ({
      split: ops.rearrange(x, "two token*window dim -> two token window dim"),
      moved: ops.rearrange(x, "two token*window dim -> window dim token two"),
      joined: ops.rearrange(x, "two token*window dim -> token*two window*dim"),
      flat: ops.rearrange(x, "two token*window dim -> two*token*window*dim"),
    })),
    ...[
      [3, 4],
      [2, 1],
      [0, 9],
      [0, 1],
    ].map(([t, w]) => ({ x: floats([2, t! * w!, 5], 1), window: floats([w!], 1) })),
  ),
  make(
    "relabel",
    program("relabel", { x: f32(seq, dim) }, ({ x }) => ({ y: ops.relabel<string>(x, { dim: axis("other", 5) }), x })),
    { x: floats([3, 5], 1) },
  ),
  make(
    "slice",
    program("slice", { x: f32(seq, dim) }, ({ x }) => ({
      a: ops.slice<string>(x, "dim", 1, axis("part", 3)),
      b: ops.slice<string>(x, "dim", 5, axis("part", 0)),
      c: ops.slice<string>(x, "seq", 0, seq),
    })),
    { x: floats([3, 5], 1) },
    { x: floats([0, 5], 1) },
  ),
  make(
    "concat",
    program("concat", { x: f32(seq, dim), y: f32(row, dim) }, ({ x, y }) => {
      const rows = ops.relabel<string>(y, { row: { name: "seq", size: symbol("row") } });
      const to = { name: "seq", size: { terms: { row: 1, seq: 1 } } };
      return { z: ops.concat<string>([x, rows], "seq", to), wide: ops.concat<string>([x, x], "dim", axis("dim", 10)) };
    }),
    { x: floats([3, 5], 1), y: floats([2, 5], 2) },
    { x: floats([0, 5], 1), y: floats([2, 5], 2) },
    { x: floats([0, 5], 1), y: floats([0, 5], 2) },
  ),
  make(
    "gather along each axis, by one axis or two",
    program("gather", { x: f32(row, two, dim), i: i32(seq), j: i32(three, seq) }, ({ x, i, j }) => ({
      rows: ops.gather<string>(x, i, "row"),
      inner: ops.gather<string>(x, ops.mul(i, 0), "two"),
      square: ops.gather<string>(x, j, "row"),
      raised: ops.gather<string>(x, ops.max(ops.sub(i, 9), 0), "dim"),
    })),
    { x: floats([4, 2, 5], 1), i: ints([3, 0, 3]), j: ints([0, 1, 2, 3, 2, 1, 0, 0, 0], [3, 3]) },
    { x: floats([4, 2, 5], 1), i: ints([]), j: ints([], [3, 0]) },
    { x: floats([0, 2, 5], 1), i: ints([]), j: ints([], [3, 0]) },
  ),
  make(
    "constant and iota",
    program("constant", { x: f32(seq) }, ({ x }) => ({
      table: ops.constant<string>([1.5, -2, 3, 0, 5, 1e-30], [two, three]),
      flags: ops.constant<string>([1, 0], [two], "bool"),
      integers: ops.constant<string>([-7, 8], [two], "i32"),
      count: ops.iota(seq),
      from: ops.iota(seq, symbol("seq")),
      offset: ops.iota(two, 40),
      x: ops.add(x, ops.cast(ops.iota(seq, 3), "f32")),
    })),
    { x: floats([3], 1) },
    { x: floats([0], 1) },
  ),
  make(
    "parameters, read as they are, rearranged, moved, and looked up",
    program("params", { x: f32(seq, dim), i: i32(row) }, ({ x, i }) => {
      const weight = parameter("w", axis("out", 4), dim);
      const cube = parameter("cube", axis("out", 4), two, three);
      return {
        y: linear(x, weight),
        rows: ops.gather<string>(weight, i, "out"),
        square: ops.rearrange(cube, "out two three -> out two*three"),
        moved: ops.rearrange(cube, "out two three -> three out*two"),
        cube,
      };
    }),
    { x: floats([3, 5], 1), i: ints([3, 1]) },
    { x: floats([0, 5], 1), i: ints([]) },
  ),
];

const cases = [...unary, ...binary, ...whole, ...others];

describe("primitives against the reference", () => {
  test.each(cases.map((c) => [c.name, c] as const))("%s", async (_, { graph, runs }) => {
    await parity(graph, runs);
  });
});

import { describe, expect, test } from "vitest";
import { axis, fuse } from "../graph/axis.js";
import { symbol } from "../graph/size.js";
import { type DType, emit, GraphError, type OpDef, type Value } from "../graph/value.js";
import * as ops from "./index.js";
import { isPrimitive, primitives } from "./primitives.js";

// Shape rules: what each operation refuses, and that a composite refuses whatever its meaning would.

const [a, b, c] = [axis("a", 2), axis("b", 3), axis("c", 4)];
const seq = axis("seq", symbol("seq"));
const leaf = (dtype: DType, ...dims: ReturnType<typeof axis>[]): Value =>
  emit(ops.inputOp, [], { name: "x", dims, dtype });
const f = (...dims: ReturnType<typeof axis>[]) => leaf("f32", ...dims);
const i = (...dims: ReturnType<typeof axis>[]) => leaf("i32", ...dims);

type Case = readonly [
  what: string,
  op: OpDef,
  inputs: readonly Value[],
  attrs: Parameters<typeof emit>[2],
  says: string,
];

const head = {
  q: f(axis("batch", 1), a, axis("head", 6), axis("dim", 4)),
  k: f(axis("batch", 1), b, axis("kv", 3), axis("dim", 4)),
};
const rot = { cos: f(a, axis("rot", 2)), x: f(axis("batch", 1), a, axis("head", 6), axis("dim", 4)) };

const refused: readonly Case[] = [
  ["other sizes", ops.addOp, [f(a), f(axis("a", 3))], {}, "both sides need the same axes; broadcast one to the other"],
  ["another order", ops.addOp, [f(a, b), f(b, a)], {}, "both sides need the same axes"],
  ["two types", ops.addOp, [f(a), i(a)], {}, "takes two values of one type out of f32, i32"],
  ["truth values", ops.addOp, [leaf("bool", a), leaf("bool", a)], {}, "takes two values of one type"],
  ["whole numbers", ops.divOp, [i(a), i(a)], {}, "takes two values of one type out of f32"],
  ["numbers", ops.andOp, [f(a), f(a)], {}, "takes two values of one type out of bool"],
  ["whole numbers", ops.expOp, [i(a)], {}, "takes f32, not i32"],
  ["a number for a condition", ops.whereOp, [f(a), f(a), f(a)], {}, "the condition must be bool, not f32"],
  ["a condition of other axes", ops.whereOp, [leaf("bool", b), f(a), f(a)], {}, "all three need the same axes"],
  ["a choice of other axes", ops.whereOp, [leaf("bool", a), f(a), f(b)], {}, "all three need the same axes"],
  ["a choice of two types", ops.whereOp, [leaf("bool", a), f(a), i(a)], {}, "cannot choose between f32 and i32"],
  ["an axis that is not there", ops.broadcastOp, [f(a)], { dims: [b, c] }, 'f32[a=2] does not spread over "b c"'],
  ["another order", ops.broadcastOp, [f(a, b)], { dims: [b, a] }, 'does not spread over "b a"'],
  ["another size", ops.broadcastOp, [f(a)], { dims: [axis("a", 3)] }, "does not spread"],
  ["an axis that is not there", ops.reduceSumOp, [f(a)], { axis: "b" }, "there is no axis b"],
  ["whole numbers", ops.reduceMaxOp, [i(a)], { axis: "a" }, "takes f32, not i32"],
  ["whole numbers", ops.matmulOp, [f(a, b), i(c, b)], {}, "takes two f32 values"],
  ["a vector", ops.matmulOp, [f(a, b), f(b)], {}, "both sides need rows and a contracted axis"],
  ["other leading axes", ops.matmulOp, [f(seq, a, b), f(c, axis("d", 2), b)], {}, "the leading axes differ"],
  ["other last axes", ops.matmulOp, [f(a, b), f(c, axis("b", 4))], {}, "the contracted (last) axes differ"],
  ["one axis twice", ops.matmulOp, [f(a, b), f(a, b)], {}, "the result would have two axes called a"],
  ["no arrow", ops.rearrangeOp, [f(a, b)], { pattern: "a b" }, 'a pattern is "axes -> axes", not "a b"'],
  ["two arrows", ops.rearrangeOp, [f(a, b)], { pattern: "a b -> b a -> a b" }, "a pattern is"],
  ["another beginning", ops.rearrangeOp, [f(a, b)], { pattern: "b a -> a b" }, 'does not begin with "a b"'],
  ["an axis made up", ops.rearrangeOp, [f(a, b)], { pattern: "a b -> a b c" }, "asks for c, which is not among"],
  ["an axis lost", ops.rearrangeOp, [f(a, b)], { pattern: "a b -> a" }, '"a b -> a" loses b'],
  ["an axis twice", ops.rearrangeOp, [f(a, b)], { pattern: "a b -> a b*a" }, "asks for a, which is not among"],
  ["another size", ops.relabelOp, [f(a)], { dims: [axis("z", 3)] }, '"z" has other sizes: 3'],
  ["another number of axes", ops.relabelOp, [f(a)], { dims: [] }, "has other sizes"],
  ["an axis that is not there", ops.sliceOp, [f(a)], { axis: "b", start: 0, to: a }, "there is no axis b"],
  ["past the end", ops.sliceOp, [f(b)], { axis: "b", start: 2, to: a }, "4 is past the end of b=3"],
  ["nothing", ops.concatOp, [], { axis: "a", to: a }, "there is nothing to join"],
  [
    "other axes beside",
    ops.concatOp,
    [f(a, b), f(a, c)],
    { axis: "a", to: axis("z", 4) },
    "all must have the same axes but for the size of a",
  ],
  ["another place", ops.concatOp, [f(a, b), f(b, a)], { axis: "a", to: axis("z", 4) }, "all must have the same axes"],
  ["another type", ops.concatOp, [f(a), i(a)], { axis: "a", to: axis("z", 4) }, "all must have the same axes"],
  ["an axis that is in none", ops.concatOp, [f(a)], { axis: "b", to: a }, "all must have the same axes"],
  ["a wrong sum", ops.concatOp, [f(a), f(a)], { axis: "a", to: axis("z", 5) }, "z is 5, the parts are 4"],
  ["an axis that is not there", ops.gatherOp, [f(a), i(b)], { axis: "z" }, "there is no axis z"],
  ["an index of floats", ops.gatherOp, [f(a), f(b)], { axis: "a" }, "an index is i32, not f32"],
  [
    "too few numbers",
    ops.constantOp,
    [],
    { values: [1], dims: [a], dtype: "f32" },
    "1 numbers do not fill a constant of 2",
  ],
  [
    "a size of the run",
    ops.constantOp,
    [],
    { values: [1], dims: [seq], dtype: "f32" },
    "1 numbers do not fill a constant of NaN",
  ],
  // Composites.
  ["whole numbers", ops.geluOp, [i(a)], {}, "takes f32, not i32"],
  ["whole numbers", ops.softmaxOp, [i(a)], {}, "takes f32, not i32"],
  ["no axis", ops.softmaxOp, [f()], {}, "needs at least one axis"],
  ["a weight of three axes", ops.linearOp, [f(a, b), f(c, b, seq)], {}, "a weight is [out in]"],
  ["a weight of another width", ops.linearOp, [f(a, b), f(c, a)], {}, "the input's last axis must be a"],
  ["a vector", ops.linearOp, [f(b), f(c, b)], {}, "the input's last axis must be b"],
  ["a bias of another width", ops.linearOp, [f(a, b), f(c, b), f(b)], {}, "the bias must be [c]"],
  ["whole numbers", ops.linearOp, [i(a, b), f(c, b)], {}, "takes f32, not i32"],
  ["a width of the run", ops.rmsNormOp, [f(a, seq), f(seq)], { eps: 1 }, "the last axis must have a fixed size"],
  ["no axis", ops.rmsNormOp, [f(), f()], { eps: 1 }, "the last axis must have a fixed size"],
  ["a weight of another width", ops.rmsNormOp, [f(a, b), f(a)], { eps: 1 }, "weight and bias must be [b]"],
  ["a bias of another width", ops.layerNormOp, [f(a, b), f(b), f(a)], { eps: 1 }, "weight and bias must be [b]"],
  ["a weight of two axes", ops.layerNormOp, [f(a, b), f(a, b), f(b)], { eps: 1 }, "weight and bias must be [b]"],
  ["whole numbers", ops.layerNormOp, [f(a, b), f(b), i(b)], { eps: 1 }, "takes f32, not i32"],
  ["positions of floats", ops.ropeAnglesOp, [f(seq)], { theta: 10, to: b }, "positions are i32, not f32"],
  [
    "cosines of other positions",
    ops.rotateOp,
    [rot.x, f(b, axis("rot", 2)), f(b, axis("rot", 2))],
    {},
    "cos and sin must be [position angle] of the positions of x",
  ],
  [
    "sines of other positions",
    ops.rotateOp,
    [rot.x, rot.cos, f(b, axis("rot", 2))],
    {},
    "cos and sin must be [position angle]",
  ],
  [
    "as many angles as numbers",
    ops.rotateOp,
    [rot.x, f(a, axis("rot", 4)), f(a, axis("rot", 4))],
    {},
    "a head of 4 takes half as many angles, not 4",
  ],
  [
    "a head alone",
    ops.rotateOp,
    [f(axis("head", 1), axis("dim", 4)), rot.cos, rot.cos],
    {},
    "cos and sin must be [position angle]",
  ],
  [
    "heads of the run",
    ops.rotateOp,
    [f(a, axis("head", 6), axis("dim", symbol("dim"))), rot.cos, rot.cos],
    {},
    "a head of dim takes half as many angles",
  ],
  ["three axes", ops.attentionOp, [f(a, b, c), head.k, head.k], {}, "q, k and v have four axes"],
  [
    "values of another length",
    ops.attentionOp,
    [head.q, head.k, f(axis("batch", 1), c, axis("kv", 3), axis("dim", 4))],
    {},
    "k and v differ",
  ],
  [
    "keys of another batch",
    ops.attentionOp,
    [head.q, ...Array(2).fill(f(axis("batch", 2), b, axis("kv", 3), axis("dim", 4)))],
    {},
    "q and k differ in batch or in head width",
  ],
  [
    "keys of another width",
    ops.attentionOp,
    [head.q, ...Array(2).fill(f(axis("batch", 1), b, axis("kv", 3), axis("dim", 5)))],
    {},
    "q and k differ in batch or in head width",
  ],
  [
    "heads that do not share evenly",
    ops.attentionOp,
    [head.q, ...Array(2).fill(f(axis("batch", 1), b, axis("kv", 4), axis("dim", 4)))],
    {},
    "6 heads do not share 4 key heads evenly",
  ],
  [
    "heads of the run",
    ops.attentionOp,
    [head.q, ...Array(2).fill(f(axis("batch", 1), b, axis("kv", symbol("kv")), axis("dim", 4)))],
    {},
    "6 heads do not share kv key heads evenly",
  ],
  [
    "segments of another context",
    ops.attentionOp,
    [head.q, head.k, head.k, i(a)],
    {},
    "segments are [seq], and need the context to be this run's",
  ],
  [
    "segments of floats",
    ops.attentionOp,
    [head.q, ...Array(2).fill(f(axis("batch", 1), axis("ctx", 2), axis("kv", 3), axis("dim", 4))), f(a)],
    {},
    "segments are i32, not f32",
  ],
  ...([0, -1, 1.5, 2 ** 31, Number.NaN, "3"] as const).map(
    (window): Case => [
      `a window of ${window}`,
      ops.attentionOp,
      [head.q, head.k, head.k],
      { scale: 1, causal: true, window },
      `a window is a whole number of keys from 1 to 2^31 - 1, not ${window}`,
    ],
  ),
  [
    "a window to both sides",
    ops.attentionOp,
    [head.q, head.k, head.k],
    { scale: 1, causal: false, window: 2 },
    "a window counts keys back from each row: it needs causal attention",
  ],
  ...([0, -1, Number.POSITIVE_INFINITY, Number.NaN, "3"] as const).map(
    (softcap): Case => [
      `a softcap of ${softcap}`,
      ops.attentionOp,
      [head.q, head.k, head.k],
      { scale: 1, causal: true, softcap },
      `a softcap is a finite number above 0, not ${softcap}`,
    ],
  ),
  ["what is no state", ops.appendOp, [f(a, b), f(a, b)], {}, "append goes behind a state"],
  ["three plain axes", ops.tokenMergeOp, [f(a, b, c), f(b)], {}, "the second axis must be token*window"],
  [
    "a window of three parts",
    ops.tokenMergeOp,
    [f(a, fuse(b, c, axis("d", 2)), seq), f(c)],
    {},
    "the second axis must be token*window",
  ],
  [
    "weights of another window",
    ops.tokenMergeOp,
    [f(a, fuse(b, c), seq), f(b)],
    {},
    "there must be one weight for each place of the window",
  ],
  [
    "weights of two axes",
    ops.tokenMergeOp,
    [f(a, fuse(b, c), seq), f(c, b)],
    {},
    "there must be one weight for each place",
  ],
  ["two axes", ops.tokenMergeOp, [f(fuse(b, c), a), f(c)], {}, "patches are [frame token*window vision]"],
  [
    "a frame of another size",
    ops.frameDifferenceOp,
    [f(a, b, c), f(a, c)],
    {},
    "the frame before must be [token vision] of the same size",
  ],
  ["a frame alone", ops.frameDifferenceOp, [f(b, c), f(b)], {}, "the frame before must be [token vision]"],
  [
    "indices of another text",
    ops.spliceOp,
    [f(a, b, c), f(seq, c), i(a, c)],
    {},
    "there must be one index for each position of the text",
  ],
  ["rows of another width", ops.spliceOp, [f(a, b, c), f(seq, b), i(a, b)], {}, "text and visual rows differ in width"],
  ["rows of a plane", ops.spliceOp, [f(a, b, c), f(seq, axis("z", 1), c), i(a, b)], {}, "visual rows are [row embed]"],
  ["indices of floats", ops.spliceOp, [f(a, b, c), f(seq, c), f(a, b)], {}, "an index is i32, not f32"],
];

describe("refused", () => {
  test.each(refused.map((r) => [`${r[1].name}: ${r[0]}`, r] as const))("%s", (_, [, op, inputs, attrs, says]) => {
    expect(() => emit(op, inputs, attrs)).toThrow(GraphError);
    expect(() => emit(op, inputs, attrs)).toThrow(says);
  });
  test("append: rows that differ in more than their number", () => {
    const state = (...dims: ReturnType<typeof axis>[]) => ops.state("keys", dims);
    const says = "the state and its new rows differ in more than the second axis";
    expect(() => emit(ops.appendOp, [state(a, ops.past.axis, b), f(a, seq, c)])).toThrow(says);
    expect(() => emit(ops.appendOp, [state(a, ops.past.axis, b), f(axis("z", 2), seq, b)])).toThrow(says);
    expect(() => emit(ops.appendOp, [state(a, ops.past.axis), f(a, seq, b)])).toThrow(says);
    expect(() => emit(ops.appendOp, [state(a), f(a)])).toThrow(says);
    expect(() => emit(ops.appendOp, [state(a, ops.past.axis), i(a, seq)])).toThrow("takes f32, not i32");
    expect(() => state(a, axis("ctx", symbol("ctx")))).toThrow("a state holds the past, not ctx=ctx");
  });
  test("relabel: an axis that is not there", () => {
    expect(() => ops.relabel(f(a), { b: c })).toThrow('relabel: "a" has no axis b');
  });
});

describe("what is accepted is what its meaning gives", () => {
  const text = f(axis("batch", 1), seq, c);
  const accepted: readonly (readonly [OpDef, readonly Value[], Parameters<typeof emit>[2]])[] = [
    [ops.geluOp, [f(a, seq)], {}],
    [ops.geluTanhOp, [f(a)], {}],
    [ops.siluOp, [f()], {}],
    [ops.softmaxOp, [f(a, seq)], {}],
    [ops.linearOp, [f(seq, b), f(c, b), f(c)], {}],
    [ops.linearOp, [f(axis("p", 1), seq, b), f(c, b)], {}],
    [ops.rmsNormOp, [f(seq, b), f(b)], { eps: 1e-6 }],
    [ops.layerNormOp, [f(b), f(b), f(b)], { eps: 1e-6 }],
    [ops.ropeAnglesOp, [i(seq)], { theta: 10, to: b }],
    [ops.rotateOp, [rot.x, rot.cos, rot.cos], { pairing: "half" }],
    [ops.rotateOp, [rot.x, rot.cos, rot.cos], { pairing: "interleaved" }],
    [ops.attentionOp, [head.q, head.k, head.k], { scale: 0.5, causal: false }],
    [ops.attentionOp, [head.q, head.q, head.q, i(a)], { scale: 0.5, causal: true }],
    [ops.attentionOp, [head.q, head.q, head.q, i(a)], { scale: 0.5, causal: true, window: 1, softcap: 50 }],
    [ops.attentionOp, [head.q, head.k, head.k], { scale: 0.5, causal: false, softcap: 50 }],
    [ops.tokenMergeOp, [f(seq, fuse(b, c), a), f(c)], {}],
    [ops.frameDifferenceOp, [f(seq, b, c), f(b, c)], {}],
    [ops.spliceOp, [text, f(a, c), i(axis("batch", 1), seq)], {}],
    [ops.appendOp, [ops.state("keys", [a, ops.past.axis, b]), f(a, seq, b)], {}],
  ];
  test.each(accepted.map((x, at) => [`${x[0].name} ${at}`, x] as const))("%s", (_, [op, inputs, attrs]) => {
    const claimed = emit(op, inputs, attrs);
    const meaning = op.decompose!(inputs, claimed.attrs);
    expect([meaning.axes, meaning.dtype]).toEqual([claimed.axes, claimed.dtype]);
    expect(meaning.dims.map((d) => d.size)).toEqual(claimed.dims.map((d) => d.size));
  });
  test("every composite is among them", () => {
    const all = Object.values(ops).flatMap((o) => (typeof o === "object" && "decompose" in o ? [o] : []));
    expect(all.filter((op) => !accepted.some(([x]) => x === op))).toEqual([]);
  });
});

describe("primitives", () => {
  test("are known by what they are, not by their name", () => {
    expect(isPrimitive(f(a))).toBe(true);
    const impostor: OpDef = { ...ops.addOp };
    expect(isPrimitive(emit(impostor, [f(a), f(a)]))).toBe(false);
    expect(isPrimitive(emit({ ...ops.addOp, name: "constructor" }, [f(a), f(a)]))).toBe(false);
    expect(isPrimitive(emit(ops.geluOp, [f(a)]))).toBe(false);
  });
  test("have the name that they stand under, and no meaning beside themselves", () => {
    for (const [name, op] of Object.entries(primitives)) {
      expect(op.name).toBe(name);
      expect("decompose" in op).toBe(false);
    }
  });
});

test("a window and a softcap that are not used leave no attribute", () => {
  const q = head.q as Value<"batch a head dim">;
  const of = (options: Partial<ops.AttentionOptions<"a">>) =>
    Object.keys(ops.attention(q, q, q, { scale: 1, causal: true, ...options }).attrs);
  expect(of({ window: undefined, softcap: undefined })).toEqual(["scale", "causal"]);
  expect(of({ window: 3, softcap: 50 })).toEqual(["scale", "causal", "window", "softcap"]);
});
test("what changes nothing makes no node", () => {
  const x = f(a, b) as Value<"a b">;
  expect(ops.broadcast(x, x)).toBe(x);
  expect(ops.cast(x, "f32")).toBe(x);
  expect(ops.cast(x, "i32")).toMatchObject({ dtype: "i32", dims: x.dims });
});

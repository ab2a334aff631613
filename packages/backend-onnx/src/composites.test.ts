import { type Axis, axis, f32, fuse, i32, lower, ops, program, symbol, topological, type Value } from "@hulu/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floats, ints, linear, parameter, parity } from "../test/parity.js";
import { supports } from "./supports.js";

const [batch, seq, ctx] = ["batch", "seq", "ctx"].map((n) => axis(n, symbol(n))) as [
  Axis<"batch">,
  Axis<"seq">,
  Axis<"ctx">,
];
const size = (name: string, n: number): Axis => axis(name, n);
const any = (x: unknown) => x as Value<string>;
const few = { numRuns: 12, seed: 7 };

/** The ops that a program is run with. */
const opsOf = (graph: ReturnType<typeof program>) =>
  new Set(topological(Object.values(lower(graph, supports).outputs)).map((v) => v.op.name));

describe("over the last axis", () => {
  const widths = fc.integer({ min: 1, max: 37 });
  const rows = fc.integer({ min: 0, max: 9 });

  test("linear, with a bias and without", async () => {
    await fc.assert(
      fc.asyncProperty(widths, widths, rows, fc.boolean(), async (inner, out, n, bias) => {
        const [from, to] = [size("from", inner), size("to", out)];
        const graph = program("linear", { x: f32(batch, seq, from) }, ({ x }) => ({
          y: linear(x, parameter("w", to, from), bias ? parameter("b", to) : undefined),
          z: ops.gelu(linear(x, parameter("w", to, from))),
        }));
        await parity(graph, [{ x: floats([2, n, inner], n) }, { x: floats([1, 1, inner], 3) }]);
      }),
      few,
    );
  });

  test("norms and softmax", async () => {
    await fc.assert(
      fc.asyncProperty(widths, rows, async (n, count) => {
        const dim = size("dim", n);
        const graph = program("norms", { x: f32(batch, seq, dim) }, ({ x }) => ({
          rms: ops.rmsNorm(any(x), parameter("w", dim), 1e-6),
          layer: ops.layerNorm(any(x), parameter("w", dim), parameter("b", dim), 1e-5),
          soft: ops.softmax(any(ops.mul(any(x), 30))),
        }));
        // A layer norm of one or two numbers divides by almost nothing.
        await parity(graph, [{ x: floats([2, count, n], count) }], { bound: n < 4 ? 1e-3 : 1e-5 });
      }),
      few,
    );
  });

  test("activations, far out too", async () => {
    const graph = program("activations", { x: f32(seq) }, ({ x }) => ({
      gelu: ops.gelu(x),
      geluTanh: ops.geluTanh(x),
      silu: ops.silu(x),
    }));
    const far = [-1e4, -90, -50, -20, -10, -5, -1, -1e-3, 0, 1e-3, 1, 5, 10, 20, 50, 90, 1e4];
    await parity(graph, [
      { x: { dtype: "f32", shape: [far.length], data: Float32Array.from(far) } },
      { x: floats([0], 1) },
    ]);
  });

  test("a norm on each head, of a value without rows", async () => {
    const [head, dim] = [size("head", 3), size("dim", 20)];
    const graph = program("heads", { x: f32(batch, seq, fuse(head, dim)) }, ({ x }) => ({
      y: ops.rmsNorm(ops.rearrange(any(x), "batch seq head*dim -> batch seq head dim"), parameter("w", dim), 1e-6),
    }));
    await parity(graph, [{ x: floats([1, 4, 60], 1) }, { x: floats([1, 0, 60], 1) }], { bound: 1e-5 });
  });
});

describe("rotate", () => {
  const shape = fc.record({
    head: fc.integer({ min: 1, max: 5 }),
    half: fc.integer({ min: 1, max: 20 }),
    n: fc.integer({ min: 0, max: 6 }),
    b: fc.integer({ min: 1, max: 3 }),
  });
  test.each(["half", "interleaved"] as const)("%s", async (pairing) => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ head, half, n, b }) => {
        const [h, dim, rot] = [size("head", head), size("dim", half * 2), axis("rot", half)];
        const graph = program("rotate", { x: f32(batch, seq, h, dim), at: i32(seq) }, ({ x, at }) => {
          const angles = ops.ropeAngles(at, 10000, rot);
          return {
            y: any(ops.rotate(any(x) as Value<"batch seq head dim">, ops.cos(angles), ops.sin(angles), pairing)),
          };
        });
        expect(opsOf(graph)).toContain("rotate");
        await parity(graph, [
          { x: floats([b, n, head, half * 2], n), at: ints(Array.from({ length: n }, (_, i) => i * 3)) },
        ]);
      }),
      { ...few, numRuns: 20 },
    );
  });
});

/** Attention of random numbers; keys behind a session's past, or given. */
function attending(
  o: { head: number; kv: number; dim: number; causal: boolean; scale?: number; window?: number; softcap?: number },
  keys: "session" | "given" | "self" | "segments",
) {
  const [head, kv, dim] = [size("head", o.head), size("kv", o.kv), size("dim", o.dim)];
  const rows = keys === "given" ? ctx : seq;
  const inputs = {
    q: f32(batch, seq, head, dim),
    k: f32(batch, rows, kv, dim),
    v: f32(batch, rows, kv, dim),
    ...(keys === "segments" && { segments: i32(seq) }),
  };
  return program("attention", inputs, (x) => {
    const values = x as unknown as Record<"q" | "k" | "v" | "segments", Value<"batch seq head dim">>;
    const behind = (v: Value<string>, name: string) =>
      keys === "session" ? ops.append(v as Value<"batch seq kv dim">, ops.past, name) : v;
    const rule = {
      scale: o.scale ?? o.dim ** -0.5,
      causal: o.causal,
      window: o.window,
      softcap: o.softcap,
      ...(keys === "segments" && { segments: any(values.segments) as Value<"seq"> }),
    };
    return {
      y: any(
        ops.attention(values.q, any(behind(values.k, "keys")) as never, any(behind(values.v, "values")) as never, rule),
      ),
    };
  });
}

const runOf = (o: { head: number; kv: number; dim: number }, n: number, seed: number, m = n, b = 1) => ({
  q: floats([b, n, o.head, o.dim], seed),
  k: floats([b, m, o.kv, o.dim], seed + 1),
  v: floats([b, m, o.kv, o.dim], seed + 2),
});

const heads = fc
  .record({
    kv: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 4 }),
    dim: fc.constantFrom(2, 6, 8, 10, 16, 20, 24, 72),
    scale: fc.constantFrom(0.3, 1),
  })
  .map(({ kv, group, dim, scale }) => ({ kv, head: kv * group, dim, scale }));

describe("attention", () => {
  test("bidirectional, of frames, heads of any width", async () => {
    await fc.assert(
      fc.asyncProperty(heads, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (o, n, m) => {
        const graph = attending({ ...o, causal: false }, "given");
        expect(opsOf(graph).has("attention")).toBe(o.head === o.kv);
        await parity(graph, [runOf(o, n, 1, m), runOf(o, n, 5, m, 3), runOf(o, n, 1, 0), runOf(o, 0, 1, m)]);
      }),
      few,
    );
  });

  test("causal, behind a session's past: prompts in pieces and single tokens", async () => {
    await fc.assert(
      fc.asyncProperty(
        heads,
        fc.array(fc.constantFrom(1, 1, 2, 5, 0), { minLength: 1, maxLength: 6 }),
        async (o, pieces) => {
          const graph = attending({ ...o, causal: true }, "session");
          expect(opsOf(graph).has("attention")).toBe(o.dim % 8 === 0);
          await parity(
            graph,
            pieces.map((n, i) => runOf(o, n, i * 3 + 1)),
            { session: true },
          );
        },
      ),
      { ...few, numRuns: 25 },
    );
  });

  const bent = fc.record({
    window: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    softcap: fc.option(fc.constantFrom(0.5, 2, 50), { nil: undefined }),
    dim: fc.constantFrom(8, 16, 24),
  });
  test("windows and softcaps behind a session's past are claimed: prompts in pieces and single tokens", async () => {
    await fc.assert(
      fc.asyncProperty(
        heads,
        bent,
        fc.array(fc.constantFrom(1, 1, 2, 5, 0), { minLength: 1, maxLength: 9 }),
        async (o, { window, softcap, dim }, pieces) => {
          const shape = {
            ...o,
            dim,
            causal: true,
            ...(window !== undefined && { window }),
            ...(softcap !== undefined && { softcap }),
          };
          const graph = attending(shape, "session");
          expect(opsOf(graph).has("attention")).toBe(true);
          await parity(
            graph,
            pieces.map((n, i) => runOf(shape, n, i * 3 + 1)),
            { session: true },
          );
        },
      ),
      { ...few, numRuns: 40 },
    );
  });

  test("a window longer than the first storage, and shorter; layers of two windows in one program", async () => {
    const o = { head: 6, kv: 3, dim: 8, causal: true };
    for (const [window, pieces] of [
      [256, [250, 1, 1, 7, 1]],
      [3, [255, 1, 1, 3, 1]],
      [2 ** 31 - 1, [3, 1]],
    ] as const)
      await parity(
        attending({ ...o, window, softcap: 1 }, "session"),
        pieces.map((n, i) => runOf(o, n, i * 3 + 1)),
        { session: true },
      );
    const [head, kv, dim] = [size("head", 4), size("kv", 2), size("dim", 8)];
    const two = program(
      "two",
      { q: f32(batch, seq, head, dim), k: f32(batch, seq, kv, dim), v: f32(batch, seq, kv, dim) },
      ({ q, k, v }) => {
        const [keys, values] = [k, v].map((x, i) => ops.append(any(x) as never, ops.past, `rows${i}`)) as [
          never,
          never,
        ];
        const of = (window?: number) =>
          any(ops.attention(any(q) as never, keys, values, { scale: 0.3, causal: true, window }));
        return { near: of(2), far: of(5), all: of() };
      },
    );
    await parity(
      two,
      [4, 1, 1, 5, 1].map((n, i) => runOf({ head: 4, kv: 2, dim: 8 }, n, i * 3 + 1)),
      { session: true },
    );
  });

  test("causal, past the first storage of 256 positions", async () => {
    const o = { head: 6, kv: 3, dim: 8, causal: true };
    const pieces = [250, 1, 1, 7, 1, 255, 1, 3, 1];
    await parity(
      attending(o, "session"),
      pieces.map((n, i) => runOf(o, n, i * 3 + 1)),
      { session: true },
    );
  });

  test("causal with a session's states, but without a session: a batch", async () => {
    const o = { head: 4, kv: 2, dim: 8, causal: true };
    for (const dim of [8, 10, 16]) {
      const shape = { ...o, dim, ...(dim === 16 && { window: 3, softcap: 0.5 }) };
      await parity(attending(shape, "session"), [
        runOf(shape, 4, 1, 4, 3),
        runOf(shape, 1, 1, 1, 3),
        runOf(shape, 0, 1, 0, 3),
        runOf(shape, 0, 1, 0),
        runOf(shape, 4, 1, 4, 0),
        runOf(shape, 1, 1),
      ]);
    }
  });

  test("bidirectional over a session's past", async () => {
    const o = { head: 3, kv: 3, dim: 20, causal: false };
    await parity(attending(o, "session"), [runOf(o, 3, 1), runOf(o, 1, 5), runOf(o, 2, 9)], { session: true });
  });

  test("causal without a session, and segments, are expanded", async () => {
    const o = { head: 4, kv: 2, dim: 8, causal: true };
    expect(opsOf(attending(o, "self"))).not.toContain("attention");
    await parity(attending(o, "self"), [runOf(o, 5, 1), runOf(o, 1, 1)]);
    await parity(attending(o, "segments"), [{ ...runOf(o, 5, 1), segments: ints([0, 0, 1, 1, 1]) }]);
    const both = { ...o, kv: 4, causal: false };
    await parity(attending(both, "segments"), [{ ...runOf(both, 5, 1), segments: ints([0, 0, 1, 1, 1]) }]);
  });

  test("a scale of nothing", async () => {
    const o = { head: 2, kv: 2, dim: 8, scale: 0 };
    await parity(attending({ ...o, causal: false }, "self"), [runOf(o, 3, 1)]);
    await parity(attending({ ...o, causal: true }, "session"), [runOf(o, 3, 1), runOf(o, 1, 4)], { session: true });
  });

  test("the reasons for what is expanded", () => {
    const reason = (graph: ReturnType<typeof program>) => supports(Object.values(graph.outputs)[0]!);
    const o = { head: 4, kv: 2, dim: 8, causal: true };
    expect(reason(attending(o, "session"))).toBe(true);
    expect(reason(attending({ ...o, dim: 20 }, "session"))).toMatch(/multiple of 8, not of 20/);
    expect(reason(attending(o, "self"))).toMatch(/appended to a session/);
    expect(reason(attending(o, "segments"))).toMatch(/segments/);
    expect(reason(attending({ ...o, window: 3, softcap: 50 }, "session"))).toBe(true);
    expect(reason(attending({ ...o, window: 3 }, "self"))).toMatch(/appended to a session/);
    expect(reason(attending({ ...o, kv: 4, causal: false }, "self"))).toBe(true);
    expect(reason(attending({ ...o, kv: 4, causal: false, softcap: 50 }, "self"))).toMatch(/no softcap/);
    expect(reason(attending({ ...o, causal: false }, "self"))).toMatch(/key head for each query head/);
  });
});

describe("of pictures", () => {
  test.each([1, 4, 9])("token_merge of windows of %d", async (n) => {
    const patch = fuse(axis("token", symbol("token")), axis("window", symbol("window")));
    const vision = axis("vision", 12);
    const graph = program(
      "merge",
      { x: f32(axis("frame", symbol("frame")), patch, vision), w: f32(axis("window", symbol("window"))) },
      ({ x, w }) => ({
        y: any(ops.tokenMerge(any(x) as never, w)),
      }),
    );
    const w = floats([n], 4);
    await parity(graph, [
      { x: floats([1, 3 * n, 12], 1), w },
      { x: floats([3, n, 12], 2), w },
      { x: floats([2, 0, 12], 2), w },
    ]);
  });

  test("frame_difference and splice", async () => {
    const [frame, token, vision] = ["frame", "token"]
      .map((n) => axis(n, symbol(n)))
      .concat(axis("vision", 7) as never) as [Axis, Axis, Axis];
    const difference = program(
      "difference",
      { x: f32(frame, token, vision), before: f32(token, vision) },
      ({ x, before }) => ({
        y: any(ops.frameDifference(any(x) as never, any(before) as never)),
      }),
    );
    await parity(difference, [
      { x: floats([3, 2, 7], 1), before: floats([2, 7], 2) },
      { x: floats([1, 2, 7], 1), before: floats([2, 7], 2) },
      { x: floats([2, 0, 7], 1), before: floats([0, 7], 2) },
    ]);
    const row = axis("row", symbol("row"));
    const splice = program(
      "splice",
      { text: f32(batch, seq, vision), visual: f32(row, vision), index: i32(batch, seq) },
      (x) => ({
        y: any(ops.splice(any(x.text) as never, any(x.visual) as never, any(x.index) as never)),
      }),
    );
    await parity(splice, [
      { text: floats([1, 4, 7], 1), visual: floats([2, 7], 2), index: ints([-1, 1, 0, -1], [1, 4]) },
      { text: floats([1, 0, 7], 1), visual: floats([0, 7], 2), index: ints([], [1, 0]) },
    ]);
  });
});

import { type Axis, axis, emit, f32, type Graph, i32, ops, program, symbol, type Value } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { printPlan } from "../plan/print.js";
import { planProgram } from "../plan/program.js";

const seq = axis("seq", symbol("seq"));
const width = axis("width", 4);
const other = axis("other", 4);
const x = f32(seq, width);
const param = (path: string, ...dims: readonly Axis[]) => emit<string>(ops.paramOp, [], { path, dims, dtype: "f32" });
const w = param("w", other, width);
const bias = param("bias", other);
const scale = param("scale", width);

const planOf = (graph: Graph) => planProgram(graph);
const callsOf = (graph: Graph) => planOf(graph).steps.map((s) => s.kernel.name);
const linesOf = (graph: Graph) =>
  printPlan(planOf(graph))
    .split("\n")
    .filter((line) => / = /.test(line))
    .map((line) => line.trim());

type V = Value<string>;
/** A program of x `[seq width]` and y `[seq width]`. */
const of = (body: (x: V, y: V) => V | Readonly<Record<string, V>>) =>
  program("p", { x, y: x }, ({ x, y }) => {
    const result = body(x as V, y as V);
    return "op" in result ? { o: result as V } : (result as Readonly<Record<string, V>>);
  });
const linear = (x: V, ...more: V[]) => emit<string>(ops.linearOp, [x, w, ...more]);
/** Back to the axes of x. */
const back = (y: V) => ops.relabel<string>(y, { other: width });

describe("linear, bias, activation and residual are one call", () => {
  test("whichever side the residual stands on, through views", () => {
    const right = linesOf(of((x, y) => ops.add(ops.gelu(back(linear(x, bias))), y)));
    expect(right).toEqual([
      "^o = matmul(x $x, weight w, bias bias, residual $y) m=seq n=4 k=4 activation=1 bias=1 residual=1",
    ]);
    expect(linesOf(of((x, y) => ops.add(y, back(ops.silu(linear(x))))))).toEqual([
      "^o = matmul(x $x, weight w, residual $y) m=seq n=4 k=4 activation=3 residual=1",
    ]);
  });
  test("of two that are added, one is the other's residual", () => {
    expect(callsOf(of((x, y) => ops.add(linear(x), linear(y))))).toEqual(["matmul", "matmul"]);
  });
  test("not where somebody else reads what lies between", () => {
    expect(callsOf(of((x, y) => ops.mul(ops.add(back(linear(x)), y), back(linear(x)))))).toEqual([
      "matmul",
      "binary",
      "binary",
    ]);
    expect(callsOf(of((x) => ops.add(linear(x), linear(x))))).toEqual(["matmul", "binary"]);
    expect(callsOf(of((x) => ops.mul(ops.gelu(linear(x)), linear(x))))).toEqual(["matmul", "unary", "binary"]);
  });
  test("nor where the caller gets it", () => {
    const tapped = of((x) => {
      const y = linear(x);
      return { y, z: ops.gelu(y) };
    });
    expect(callsOf(tapped)).toEqual(["matmul", "unary"]);
    const seen = of((x, y) => {
      const view = back(linear(x));
      return { view, z: ops.add(view, y) };
    });
    expect(callsOf(seen)).toEqual(["matmul", "binary"]);
  });
});

describe("a gate", () => {
  test("is one call, on either side", () => {
    expect(linesOf(of((x, y) => ops.mul(ops.silu(x), y)))).toEqual(["^o = swiglu(gate $x, up $y) count=4*seq"]);
    expect(linesOf(of((x, y) => ops.mul(y, ops.silu(x))))).toEqual(["^o = swiglu(gate $x, up $y) count=4*seq"]);
  });
  test("leaves its linears alone, and is no other activation", () => {
    expect(callsOf(of((x, y) => ops.mul(ops.silu(linear(x)), linear(y))))).toEqual(["matmul", "matmul", "swiglu"]);
    expect(callsOf(of((x, y) => ops.mul(ops.gelu(x), y)))).toEqual(["unary", "binary"]);
    expect(callsOf(of((x) => ops.mul(ops.silu(x), ops.silu(x))))).toEqual(["unary", "binary"]);
  });
});

describe("a sum and its norm", () => {
  const normed = (sum: V, by = scale) => emit<string>(ops.rmsNormOp, [sum, by], { eps: 0.5 });
  test("are one call that gives both", () => {
    const graph = of((x, y) => {
      const sum = ops.add(x, y);
      return ops.mul(normed(sum), sum);
    });
    expect(linesOf(graph)).toEqual([
      "%0, %1 = add_rms_norm(x $x, residual $y, weight scale) rows=seq width=4 eps=0.5",
      "^o = binary(a %1, b %0) count=4*seq op=2",
    ]);
  });
  test("where the sum is the caller's, it goes there", () => {
    const graph = of((x, y) => ({ sum: ops.add(x, y), norm: normed(ops.add(x, y)) }));
    expect(linesOf(graph)).toEqual([
      "^sum, ^norm = add_rms_norm(x $x, residual $y, weight scale) rows=seq width=4 eps=0.5",
    ]);
  });
  test("with a weight that is computed of weights, which then comes first", () => {
    const graph = of((x, y) => {
      const sum = ops.add(x, y);
      return ops.add(ops.abs(sum), normed(sum, ops.mul(scale, scale)));
    });
    expect(callsOf(graph)).toEqual(["binary", "add_rms_norm", "unary", "binary"]);
  });
  test("stay apart where the weight is of this run, and where a linear makes the sum", () => {
    const late = program("late", { x, s: f32(width) }, ({ x, s }) => ({ o: normed(ops.add(x, x), ops.abs(s)) }));
    expect(callsOf(late)).toEqual(["binary", "unary", "rms_norm"]);
    const made = of((x, y) => {
      const sum = ops.add(y, back(linear(x)));
      return { sum, o: normed(sum) };
    });
    expect(callsOf(made)).toEqual(["matmul", "rms_norm"]);
  });
  test("a second norm of the same sum is computed by itself", () => {
    const graph = of((x, y) => {
      const sum = ops.add(x, y);
      return ops.add(normed(sum), normed(sum, param("second", width)));
    });
    expect(callsOf(graph)).toEqual(["add_rms_norm", "rms_norm", "binary"]);
  });
});

describe("rotary positions", () => {
  const [head, dim, rot] = [axis("head", 2), axis("dim", 4), axis("rot", 2)];
  const heads = f32(axis("batch", symbol("batch")), seq, head, dim);
  const at = i32(seq);
  test("a norm of each head goes with its rotation", () => {
    const graph = program("p", { x: heads, cos: f32(seq, rot), sin: f32(seq, rot) }, ({ x, cos, sin }) => {
      const norm = ops.rmsNorm(x, param("q_norm", dim), 0.5);
      return { o: ops.rotate<"batch", "seq", "head", "dim">(norm, cos, sin, "interleaved") };
    });
    expect(linesOf(graph)).toEqual([
      "^o = qk_norm_rotate(x $x, weight q_norm, cos $cos, sin $sin) rows=batch*seq seq=seq heads=2 dim=4 interleaved=1 eps=0.5",
    ]);
  });
  test("a norm over more than the head does not", () => {
    const graph = program("p", { x: f32(seq, axis("embed", 8)), cos: f32(seq, rot), sin: f32(seq, rot) }, (v) => {
      const wide = axis("embed", 8);
      const norm = ops.relabel<string>(ops.rmsNorm(v.x, param("norm", wide), 0.5), { embed: joined });
      const x = ops.rearrange<string, string>(norm, "seq head*dim -> seq head dim");
      return { o: emit<string>(ops.rotateOp, [x, v.cos, v.sin], { pairing: "half" }) };
    });
    expect(callsOf(graph)).toEqual(["rms_norm", "rotate"]);
  });
  const joined = { name: "head*dim", size: 8, parts: [head, dim] } as const;
  const angles = (at: V, scaling?: ops.RopeScaling) => ops.ropeAngles<string, string>(at, 100, rot, scaling);
  const table = (body: (at: V) => Readonly<Record<string, V>>) =>
    program("p", { at }, ({ at }) => body(at as V)) as Graph;
  test("cosine and sine come from one table", () => {
    const graph = table((at) => ({ cos: ops.cos(angles(at)), sin: ops.sin(angles(at)) }));
    expect(linesOf(graph)).toEqual(["^cos, ^sin = rope_table(at $at, frequencies [1 0.1]) seq=seq n=2"]);
  });
  test("one of them alone leaves the other unread", () => {
    expect(linesOf(table((at) => ({ sin: ops.sin(angles(at)) })))).toEqual([
      "%0, ^sin = rope_table(at $at, frequencies [1 0.1]) seq=seq n=2",
    ]);
  });
  test("scaled angles are scaled frequencies, by a number and as Llama 3.1 does", () => {
    expect(linesOf(table((at) => ({ cos: ops.cos(ops.mul(angles(at), 1 / 8)) })))).toEqual([
      "^cos, %0 = rope_table(at $at, frequencies [0.125 0.0125]) seq=seq n=2",
    ]);
    const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, positions: 64 };
    // 0.1 turns 64 * 0.1 / (2 pi) = 1.0186 times: a share of 0.0186 / 3 stays, the rest is divided by 8.
    expect(linesOf(table((at) => ({ cos: ops.cos(angles(at, scaling)) })))).toEqual([
      "^cos, %0 = rope_table(at $at, frequencies [1 0.0130423]) seq=seq n=2",
    ]);
  });
  test("angles that are wanted themselves are computed beside the table", () => {
    const graph = table((at) => ({ angles: angles(at), cos: ops.cos(angles(at)) }));
    expect(callsOf(graph)).toEqual(["to_f32", "copy", "copy", "binary", "rope_table"]);
  });
  test("angles side by side have a table each", () => {
    const both = program("p", { row: at, col: at }, ({ row, col }) => {
      const each = [angles(row as V), angles(col as V)];
      return { cos: ops.cos(ops.concat<string>(each, "rot", axis("both", 4))) };
    });
    expect(linesOf(both)).toEqual([
      "%1, %2 = rope_table(at $row, frequencies [1 0.1]) seq=seq n=2",
      "^cos = copy(x %1) count=2*seq d4=seq d5=2 s4=2 s5=1 t4=4 t5=1 size=4*seq",
      "%0 = copy(x %2) count=2*seq d4=seq d5=2 s4=2 s5=1 t4=4 t5=1 size=4*seq",
      "%3, %4 = rope_table(at $col, frequencies [1 0.1]) seq=seq n=2",
      "^cos = copy(x %3) count=2*seq d4=seq d5=2 s4=2 s5=1 t4=4 t5=1 to=2 size=4*seq",
      "%0 = copy(x %4) count=2*seq d4=seq d5=2 s4=2 s5=1 t4=4 t5=1 to=2 size=4*seq",
    ]);
  });
  test("angles that are none are cosines like any others", () => {
    expect(callsOf(of((x) => ops.cos(x)))).toEqual(["unary"]);
    const fed = program("p", { at, f: f32(rot) }, ({ at, f }) => {
      const like = { dims: [seq, rot] };
      return { o: ops.cos(ops.mul(ops.broadcast<string>(ops.cast(at, "f32"), like), ops.broadcast<string>(f, like))) };
    });
    expect(callsOf(fed)).toContain("unary");
  });
});

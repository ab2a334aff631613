import { type Axis, type Env, evaluate, FeedError, ops, type PrimitiveName, type Size, type Value } from "@hulu/core";
import { type Array64, array, count, strides, walk } from "./array.js";
import { erf } from "./erf.js";

/** What a primitive computes: its inputs as arrays, and the node for its attributes. Leaves come from the caller. */
export type Kernel = (inputs: readonly Array64[], node: Value, env: Env) => Array64;
type Leaf = "input" | "param" | "state";

const map =
  (f: (x: number) => number): Kernel =>
  ([x]) =>
    array(x!.shape, x!.data.map(f));

const zip =
  (f: (a: number, b: number) => number): Kernel =>
  ([a, b]) =>
    array(
      a!.shape,
      a!.data.map((x, i) => f(x, b!.data[i]!)),
    );

const sizes = (dims: readonly Axis[], env: Env): number[] => dims.map((d) => evaluate(d.size, env));
const position = (node: Value, name: unknown): number => node.inputs[0]!.dims.findIndex((d) => d.name === name);

/** Fold an axis away: each output is `f` over the numbers along it. */
const reduce =
  (f: (sum: number, x: number) => number, start: number): Kernel =>
  ([x], node) => {
    const at = position(node, node.attrs.axis);
    const length = x!.shape[at]!;
    const inner = count(x!.shape.slice(at + 1));
    const out = array(x!.shape.filter((_, i) => i !== at));
    for (let i = 0; i < out.data.length; i++) {
      const from = Math.floor(i / inner) * length * inner + (i % inner);
      let sum = start;
      for (let j = 0; j < length; j++) sum = f(sum, x!.data[from + j * inner]!);
      out.data[i] = sum;
    }
    return out;
  };

/** [... m k] x [... n k] -> [... m n]; b without leading axes is shared by all of a's. */
const matmul: Kernel = ([a, b]) => {
  const [m, k, n] = [a!.shape.at(-2)!, a!.shape.at(-1)!, b!.shape.at(-2)!];
  const lead = a!.shape.slice(0, -2);
  const shared = b!.shape.length === 2;
  const out = array([...lead, m, n]);
  for (let p = 0, at = 0; p < count(lead); p++)
    for (let i = 0; i < m; i++) {
      const row = (p * m + i) * k;
      for (let j = 0; j < n; j++) {
        const col = ((shared ? 0 : p * n) + j) * k;
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a!.data[row + l]! * b!.data[col + l]!;
        out.data[at++] = sum;
      }
    }
  return out;
};

const rearrange: Kernel = ([x], node, env) => {
  const { split, perm, out } = ops.rearrangeSteps(node);
  const from = split.map((s) => evaluate(s, env));
  const steps = strides(from);
  const moved = walk(
    x!,
    perm.map((p) => from[p]!),
    perm.map((p) => steps[p]!),
  );
  return array(
    out.map((s) => evaluate(s, env)),
    moved.data,
  );
};

const broadcast: Kernel = ([x], node, env) => {
  const own = strides(x!.shape);
  let at = 0;
  const steps = node.dims.map((d) => (node.inputs[0]!.dims[at]?.name === d.name ? own[at++]! : 0));
  return walk(x!, sizes(node.dims, env), steps);
};

const slice: Kernel = ([x], node, env) => {
  const steps = strides(x!.shape);
  const at = position(node, node.attrs.axis);
  return walk(x!, sizes(node.dims, env), steps, evaluate(node.attrs.start as Size, env) * steps[at]!);
};

const concat: Kernel = (parts, node) => {
  const at = position(node, node.attrs.axis);
  const inner = count(parts[0]!.shape.slice(at + 1));
  const outer = count(parts[0]!.shape.slice(0, at));
  const length = parts.reduce((n, p) => n + p.shape[at]!, 0);
  const out = array(parts[0]!.shape.with(at, length));
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const p of parts) {
      const run = p.shape[at]! * inner;
      out.data.set(p.data.subarray(o * run, (o + 1) * run), to);
      to += run;
    }
  return out;
};

const gather: Kernel = ([table, index], node) => {
  const at = position(node, node.attrs.axis);
  const rows = table!.shape[at]!;
  const inner = count(table!.shape.slice(at + 1));
  const outer = count(table!.shape.slice(0, at));
  const out = array([...table!.shape.slice(0, at), ...index!.shape, ...table!.shape.slice(at + 1)]);
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const i of index!.data) {
      if (i < 0 || i >= rows)
        throw new FeedError(`the index ${i} is outside ${String(node.attrs.axis)}, which has ${rows} rows`);
      const from = (o * rows + i) * inner;
      out.data.set(table!.data.subarray(from, from + inner), to);
      to += inner;
    }
  return out;
};

/** The meaning of every primitive. A missing one does not compile. */
export const kernels: Readonly<Record<Exclude<PrimitiveName, Leaf>, Kernel>> = {
  constant: (_, node, env) => array(sizes(node.dims, env), Float64Array.from(node.attrs.values as readonly number[])),
  iota: (_, node, env) => {
    const start = evaluate(node.attrs.start as Size, env);
    const shape = sizes(node.dims, env);
    return array(
      shape,
      Float64Array.from({ length: shape[0]! }, (_, i) => start + i),
    );
  },
  abs: map(Math.abs),
  exp: map(Math.exp),
  sqrt: map(Math.sqrt),
  cos: map(Math.cos),
  sin: map(Math.sin),
  tanh: map(Math.tanh),
  erf: map(erf),
  add: zip((a, b) => a + b),
  sub: zip((a, b) => a - b),
  mul: zip((a, b) => a * b),
  div: zip((a, b) => a / b),
  max: zip(Math.max),
  less: zip((a, b) => Number(a < b)),
  equal: zip((a, b) => Number(a === b)),
  and: zip((a, b) => Number(a !== 0 && b !== 0)),
  where: ([condition, a, b]) =>
    array(
      a!.shape,
      a!.data.map((x, i) => (condition!.data[i] ? x : b!.data[i]!)),
    ),
  cast: ([x], node) =>
    node.dtype === "i32"
      ? array(x!.shape, x!.data.map(Math.trunc))
      : node.dtype === "bool"
        ? array(
            x!.shape,
            x!.data.map((v) => Number(v !== 0)),
          )
        : x!,
  broadcast,
  reduce_sum: reduce((sum, x) => sum + x, 0),
  reduce_max: reduce(Math.max, Number.NEGATIVE_INFINITY),
  matmul,
  rearrange,
  relabel: ([x]) => x!,
  slice,
  concat,
  gather,
};

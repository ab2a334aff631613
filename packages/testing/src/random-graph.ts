import {
  type Axis,
  atoms,
  axis,
  f32,
  fuse,
  type Graph,
  GraphError,
  i32,
  ops,
  program,
  symbol,
  type Value,
} from "@hulu/core";

type V = Value<string>;
type Choose = <T>(from: readonly T[]) => T;
/** One more value from those of the pool; undefined where none of them fits. */
export type RandomStep = (pool: readonly V[], choose: Choose, fresh: () => string) => V | undefined;
type Step = RandomStep;

const seq = axis("seq", symbol("seq"));
const row = axis("row", symbol("row"));
const [two, three] = [axis("two", 2), axis("three", 3)];
const isFloat = (v: V) => v.dtype === "f32";
const isWhole = (v: V) => v.dtype === "i32";
const isTruth = (v: V) => v.dtype === "bool";
const same = (a: V, b: V) =>
  a.dtype === b.dtype && a.axes === b.axes && JSON.stringify(a.dims) === JSON.stringify(b.dims);
/** One of the values that pass a test. */
export const among = (pool: readonly V[], choose: Choose, test: (v: V) => boolean): V | undefined => {
  const fit = pool.filter(test);
  return fit.length === 0 ? undefined : choose(fit);
};
const withTwin = (pool: readonly V[], choose: Choose, test: (v: V) => boolean): [V, V] | undefined => {
  const a = among(pool, choose, test);
  return a && [a, choose(pool.filter((b) => same(a, b)))];
};

const unary: Step = (pool, choose) => {
  const x = among(pool, choose, isFloat);
  const op = choose([
    ops.abs,
    ops.cos,
    ops.sin,
    ops.tanh,
    ops.erf,
    (v: V) => ops.sqrt(ops.abs(v)),
    (v: V) => ops.exp(ops.tanh(v)),
  ]);
  return x && op(x);
};
const binary: Step = (pool, choose) => {
  const pair = withTwin(pool, choose, (v) => !isTruth(v));
  if (pair === undefined) return undefined;
  const [a, b] = pair;
  if (isWhole(a)) return choose([ops.add, ops.sub, ops.max])(a, b);
  return choose([ops.add, ops.sub, ops.max, ops.mul, (x: V, y: V) => ops.div(x, ops.add(ops.abs(y), 1))])(a, b);
};
const compare: Step = (pool, choose) => {
  const pair = withTwin(pool, choose, isWhole);
  return pair && choose([ops.less, ops.equal])(pair[0], choose([pair[1], 1]) as V);
};
const both: Step = (pool, choose) => {
  const pair = withTwin(pool, choose, isTruth);
  return pair && ops.and(...pair);
};
const where: Step = (pool, choose) => {
  const condition = among(pool, choose, isTruth);
  const a =
    condition &&
    among(pool, choose, (v) => v.axes === condition.axes && JSON.stringify(v.dims) === JSON.stringify(condition.dims));
  return a && ops.where(condition, a, choose(pool.filter((b) => same(a, b))));
};
const cast: Step = (pool, choose) => {
  const x = among(pool, choose, (v) => !isFloat(v));
  return x && ops.cast(x, choose(["f32", "i32", "bool"] as const));
};
const broadcast: Step = (pool, choose, fresh) => {
  const x = choose(pool);
  const at = choose(Array.from({ length: x.dims.length + 1 }, (_, i) => i));
  const extra = axis(fresh(), choose([2, 1, symbol("row"), symbol("seq")]));
  return x.dims.length > 4 ? undefined : ops.broadcast<string>(x, { dims: x.dims.toSpliced(at, 0, extra) });
};
const reduce: Step = (pool, choose) => {
  const x = among(pool, choose, (v) => isFloat(v) && v.dims.length > 0);
  return x && choose([ops.reduceSum, ops.reduceMax])(x, choose(x.dims).name);
};
const rearrange: Step = (pool, choose) => {
  const x = among(pool, choose, (v) => v.dims.length > 0);
  if (x === undefined) return undefined;
  const left = x.dims.flatMap(atoms).map((a) => a.name);
  const order: string[] = [];
  while (left.length > 0) order.push(...left.splice(left.indexOf(choose(left)), 1));
  const right = order.reduce((text, name) => (text === "" ? name : `${text}${choose([" ", " ", "*"])}${name}`), "");
  return ops.rearrange<string, string>(x, `${x.axes} -> ${right}`);
};
const relabel: Step = (pool, choose, fresh) => {
  const x = among(pool, choose, (v) => v.dims.length > 0);
  if (x === undefined) return undefined;
  const old = choose(x.dims);
  return ops.relabel<string>(x, { [old.name]: { name: fresh(), size: old.size } });
};
const slice: Step = (pool, choose, fresh) => {
  const x = among(pool, choose, (v) => v.dims.some((d) => typeof d.size === "number"));
  if (x === undefined) return undefined;
  const of = choose(x.dims.filter((d) => typeof d.size === "number")) as Axis<string, number>;
  const start = choose(Array.from({ length: of.size + 1 }, (_, i) => i));
  return ops.slice<string>(x, of.name, start, axis(fresh(), choose([0, of.size - start])));
};
const concat: Step = (pool, choose, fresh) => {
  const pair = withTwin(pool, choose, (v) => v.dims.length > 0);
  if (pair === undefined) return undefined;
  const along = choose(pair[0].dims);
  const size =
    typeof along.size === "number"
      ? along.size * 2
      : { terms: Object.fromEntries(Object.entries(along.size.terms).map(([k, f]) => [k, f * 2])) };
  return ops.concat<string>(pair, along.name, { name: fresh(), size });
};
const gather: Step = (pool, choose, fresh) => {
  const table = among(pool, choose, (v) => v.dims.some((d) => typeof d.size === "number" && d.size > 0));
  if (table === undefined) return undefined;
  const of = choose(table.dims.filter((d) => typeof d.size === "number" && d.size > 0));
  const rows = choose([[0], [0, 0, (of.size as number) - 1]]);
  return ops.gather<string>(table, ops.constant<string>(rows, [axis(fresh(), rows.length)], "i32"), of.name);
};
const matmul: Step = (pool, choose, fresh) => {
  const a = among(pool, choose, (v) => isFloat(v) && v.dims.length > 1);
  if (a === undefined) return undefined;
  const rows = a.dims.at(-2)!;
  return ops.matmul<string>(a, ops.relabel<string>(a, { [rows.name]: { name: fresh(), size: rows.size } }));
};
const iota: Step = (_, choose, fresh) =>
  ops.iota(axis(fresh(), choose([symbol("seq"), 3])), choose([0, 2, symbol("row")]));

const steps = [
  unary,
  binary,
  compare,
  both,
  where,
  cast,
  broadcast,
  reduce,
  rearrange,
  relabel,
  slice,
  concat,
  gather,
  matmul,
  iota,
];

/** What an op's own rules refuse is no step. */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

/**
 * A graph that nobody would write: any primitive on whatever earlier ones gave. Comparisons stay among whole numbers, since
 * float32 and float64 may fall on different sides of a tie. Feed it with `x` `[seq 3]`, `y` `[row 2 3]`, `z` `[3]`, and whole
 * numbers `i` `[seq 3]` and `k` `[2*row]`.
 * @param choices numbers that every choice is made by; a quarter of them is the number of steps
 * @param more steps beside those of the primitives
 */
export function randomGraph(choices: readonly number[], more: readonly RandomStep[] = []): Graph {
  const all = [...steps, ...more];
  let at = 0;
  const choose: Choose = (from) => from[choices[at++ % choices.length]! % from.length]!;
  return program(
    "random",
    { x: f32(seq, three), y: f32(row, two, three), z: f32(three), i: i32(seq, three), k: i32(fuse(two, row)) },
    (inputs) => {
      const pool = Object.values(inputs) as unknown as V[];
      const count = choices.length / 4;
      for (let n = 0; n < count; n++) {
        const made = attempt(() => choose(all)(pool, choose, () => `a${n}`));
        if (made !== undefined) pool.push(made);
      }
      // Every value is used by nobody or by somebody; the last ones and a few others are seen.
      return Object.fromEntries(pool.slice(-6).map((v, i) => [`o${i}`, v]));
    },
  );
}

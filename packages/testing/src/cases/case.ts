import {
  type Axis,
  axis,
  emit,
  evaluate,
  type Graph,
  type HostTensor,
  hostF32,
  hostI32,
  memoryWeights,
  ops,
  program,
  type Spec,
  symbol,
  type Value,
  type WeightSource,
} from "@hulu/core";
import fc from "fast-check";
import type { Bound, Nd } from "../nd.js";
import { type Fill, fills, Random, seedOf } from "../random.js";

/**
 * What a case needs beyond the plain: `empty` draws an axis of no elements, `state` runs on a session, `symbolic` needs
 * sizes that are only known at run time. A backend that lacks one skips the cases that have it, and says why.
 */
export type Feature = "empty" | "state" | "symbolic" | "i32" | "bool" | "batch";

type Ranges = Readonly<Record<string, readonly [least: number, most: number]>>;

/** One drawn example of a case, small enough to print. */
export interface Draw {
  readonly sizes: Readonly<Record<string, number>>;
  /** Whether sizes that may be either are run-time symbols (a bit for each, in the order of their asking). */
  readonly symbols: number;
  /** Small whole numbers, whose result must be equal to the last bit, or any floats. */
  readonly exact: boolean;
  readonly seed: number;
}

/** One operation in one setting: which sizes it is tried with, what is built, and what must come out. */
export interface OpCase {
  /** The operation's name: `matmul`. */
  readonly op: string;
  /** What is special about this setting. */
  readonly about: string;
  readonly features: readonly Feature[];
  /** The least and the most of each axis; an axis of none is drawn by itself, as not every backend has such. */
  readonly sizes: Ranges;
  /** The least and the most of numbers that are no axes: a start, how much a session holds. */
  readonly counts?: Ranges;
  /** Of results that rounding touches; also where `exact` is false. */
  readonly bound: Bound;
  /** Whether results from small whole numbers are exact in float32. */
  readonly exact: boolean;
  readonly build: (make: Maker) => Built;
}

export interface Built {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly params?: Readonly<Record<string, Input>>;
  /** Cases are loose about axes, which random shapes change: a `Value<never>` goes wherever some value goes. */
  readonly body: (values: Readonly<Record<string, Value<never>>>) => Value;
  /** The definition, written out over plain arrays; `before` are the inputs of the run before on the same session. */
  readonly direct: (x: Readonly<Record<string, Nd>>, before: Readonly<Record<string, Nd>>) => Nd;
  /** How many positions an earlier run on the session has left behind: that run has `seq` = past. */
  readonly past?: number;
}

export interface Input {
  readonly spec: Spec;
  readonly fill: Fill;
}

/** Everything that a backend needs to run an example, and what must come out. */
export interface Sample {
  readonly graph: Graph;
  readonly weights: WeightSource;
  /** One after the other, on one session if there is more than one; the last is looked at. */
  readonly runs: readonly Readonly<Record<string, HostTensor>>[];
  readonly direct: () => Nd;
  readonly bound: Bound;
}

/** Gives a case its axes and numbers. */
export class Maker {
  readonly env: Record<string, number> = {};
  #asked = 0;
  readonly random: Random;

  constructor(readonly draw: Draw) {
    this.random = new Random(draw.seed);
  }

  size(name: string): number {
    return this.draw.sizes[name] as number;
  }
  /** An axis of a drawn size, a symbol or a number as it falls. */
  axis<N extends string>(name: N, size: string = name): Axis<N> {
    const bit = 1 << (this.#asked++ % 30);
    return (this.draw.symbols & bit) === 0 ? this.fixed(name, size) : this.symbol(name, size);
  }
  fixed<N extends string>(name: N, size: string = name): Axis<N> {
    return axis(name, this.size(size));
  }
  symbol<N extends string>(name: N, size: string = name): Axis<N> {
    this.env[name] = this.size(size);
    return axis(name, symbol(name));
  }
  f32(dims: readonly Axis[], random: Fill = fills.floats, exact: Fill = fills.small): Input {
    const spec = { axes: dims.map((d) => d.name).join(" "), dims, dtype: "f32" } as const;
    return { spec, fill: this.draw.exact ? exact : random };
  }
  i32(dims: readonly Axis[], fill: Fill = fills.small): Input {
    return { spec: { axes: dims.map((d) => d.name).join(" "), dims, dtype: "i32" }, fill };
  }
}

/** Build an example: its program, its numbers and its definition. */
export function sampleOf(c: OpCase, draw: Draw): Sample {
  const make = new Maker(draw);
  const built = c.build(make);
  const graph = program(
    c.op,
    Object.fromEntries(Object.entries(built.inputs).map(([name, { spec }]) => [name, spec])),
    (values) => {
      const params = Object.entries(built.params ?? {}).map(([path, { spec }]) => [
        path,
        emit(ops.paramOp, [], { path, dims: spec.dims, dtype: spec.dtype }),
      ]);
      const all = { ...values, ...Object.fromEntries(params) } as Readonly<Record<string, Value<never>>>;
      return { y: built.body(all) };
    },
  );
  const tensors = (inputs: Readonly<Record<string, Input>>, env: Record<string, number>, run: string) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, i]) => [name, filled(i, env, seedOf(run + name, draw.seed))]),
    );
  const params = tensors(built.params ?? {}, make.env, "param");
  const now = tensors(built.inputs, make.env, "now");
  const before = built.past ? tensors(built.inputs, { ...make.env, seq: built.past }, "before") : undefined;
  return {
    graph,
    weights: memoryWeights(
      Object.entries(params).map(([path, { shape, data }]) => [path, { shape, data: data as Float32Array }]),
    ),
    runs: before === undefined ? [now] : [before, now],
    direct: () => built.direct({ ...now, ...params }, before ?? {}),
    bound: draw.exact && c.exact ? { abs: 0, rel: 0, why: "the sums are exact in float32" } : c.bound,
  };
}

function filled({ spec, fill }: Input, env: Record<string, number>, seed: number): HostTensor {
  const random = new Random(seed);
  const shape = spec.dims.map((d) => evaluate(d.size, env));
  const numbers = Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => fill(random));
  return spec.dtype === "i32" ? hostI32(numbers, shape) : hostF32(numbers, shape);
}

/** Which sizes a case can be drawn with none of. */
export const emptiable = (c: OpCase): string[] =>
  Object.entries(c.sizes).flatMap(([name, [least]]) => (least === 0 ? [name] : []));

/** Examples of a case; with `empty`, one axis has no elements, else none has. */
export function draws(c: OpCase, empty = false): fc.Arbitrary<Draw> {
  const ranges = [
    ...Object.entries(c.sizes).map(([name, [least, most]]) => [name, Math.max(1, least), most] as const),
    ...Object.entries(c.counts ?? {}).map(([name, [least, most]]) => [name, least, most] as const),
  ];
  return fc
    .record({
      sizes: fc.record(Object.fromEntries(ranges.map(([name, min, max]) => [name, fc.integer({ min, max })]))),
      symbols: fc.nat({ max: 2 ** 16 - 1 }),
      exact: fc.boolean(),
      seed: fc.noShrink(fc.nat()),
      none: empty ? fc.constantFrom(...emptiable(c)) : fc.constant(undefined),
    })
    .map(({ none, ...draw }) => (none === undefined ? draw : { ...draw, sizes: { ...draw.sizes, [none]: 0 } }));
}

type Open = Omit<OpCase, "op" | "about" | "features" | "bound" | "exact"> & Partial<Pick<OpCase, "features" | "exact">>;

/** Rounding alone: a handful of float32 operations on numbers of ordinary size. */
export const rounding: Bound = { abs: 1e-5, rel: 2e-6, why: "a few dozen float32 operations on numbers of size 2" };

export const opCase = (op: string, about: string, bound: Bound, open: Open): OpCase => ({
  op,
  about,
  bound,
  features: [],
  exact: true,
  ...open,
});

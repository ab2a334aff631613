import type { Axis } from "./axis.js";
import { atoms, namesOf, printDims } from "./axis.js";
import { currentScope } from "./scope.js";
import { printSize, type Size } from "./size.js";

/** What the numbers of a value mean. How weights are stored is their source's business, how precisely to compute the backend's. */
export type DType = "f32" | "i32" | "bool" | "i8" | "i4";

export type Attr = string | number | boolean | Size | Axis | undefined | readonly Attr[];
export type Attrs = Readonly<Record<string, Attr>>;

/**
 * A value in a graph: an array whose axes are named in its type, `Value<"batch seq embed">`. A value is its node: what
 * made it is `op`, from `inputs`, with `attrs`; `scope` is the path of the module that called the op.
 */
export interface Value<A extends string = string> {
  readonly axes: A;
  readonly dims: readonly Axis[];
  readonly dtype: DType;
  readonly op: OpDef;
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
  readonly scope: string;
}

/** The shape and element type that an op gives. */
export interface Result {
  readonly dims: readonly Axis[];
  readonly dtype: DType;
}

/**
 * An operation. `infer` is its shape rule: it gives the result's axes or throws a `GraphError`. A composite's
 * `decompose` says what it means in other operations, and is its specification; a primitive has none.
 */
export interface OpDef {
  readonly name: string;
  infer(inputs: readonly Value[], attrs: Attrs): Result;
  decompose?(inputs: readonly Value[], attrs: Attrs): Value;
}

/** A graph was wired wrongly; the message says at which module and with which axes. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}

/** Add a node to the graph being traced: check it by the op's shape rule, and give its value. */
export function emit<A extends string>(op: OpDef, inputs: readonly Value[], attrs: Attrs = {}): Value<A> {
  const scope = currentScope();
  try {
    const { dims, dtype } = op.infer(inputs, attrs);
    checkDistinct(dims);
    return Object.freeze({
      axes: namesOf(dims) as A,
      dims: Object.freeze([...dims]),
      dtype,
      op,
      inputs: Object.freeze([...inputs]),
      attrs,
      scope,
    });
  } catch (cause) {
    if (!(cause instanceof GraphError || cause instanceof RangeError)) throw cause;
    const operands = inputs.map(describe).join(", ");
    throw new GraphError(`${op.name}(${operands})${scope && ` in ${scope}`}: ${cause.message}`, { cause });
  }
}

function checkDistinct(dims: readonly Axis[]): void {
  const seen = new Set<string>();
  for (const { name } of dims.flatMap(atoms)) {
    if (seen.has(name)) throw new GraphError(`the result would have two axes called ${name}: ${namesOf(dims)}`);
    seen.add(name);
  }
}

/** `f32[batch seq embed=64]`. */
export const describe = (v: Pick<Value, "dtype" | "dims">): string => `${v.dtype}[${printDims(v.dims)}]`;

/** State which axes a value of unknown axes has; checked here, at trace time. */
export function named<const A extends string>(x: Value, axes: A): Value<A> {
  if (x.axes !== axes) throw new GraphError(`expected axes "${axes}", found ${describe(x)}`);
  return x as Value<A>;
}

/** What most composites ask of their operands: numbers, so that their meaning is defined. */
export function floats(...values: readonly (Value | undefined)[]): void {
  const other = values.find((v) => v !== undefined && v.dtype !== "f32");
  if (other !== undefined) throw new GraphError(`takes f32, not ${other.dtype}`);
}

export const sameAxis = (a: Axis, b: Axis): boolean => a.name === b.name && printSize(a.size) === printSize(b.size);
export const sameDims = (a: readonly Axis[], b: readonly Axis[]): boolean =>
  a.length === b.length && a.every((d, i) => sameAxis(d, b[i]!));

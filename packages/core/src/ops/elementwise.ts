import { type Axis, namesOf } from "../graph/axis.js";
import { type DType, describe, emit, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { constant } from "./leaves.js";

// One number in, one number out, the axes unchanged.

const unary = (name: string): OpDef => ({
  name,
  infer([x]) {
    if (x!.dtype !== "f32") throw new GraphError(`takes f32, not ${x!.dtype}`);
    return { dims: x!.dims, dtype: "f32" };
  },
});

const binary = (name: string, takes: readonly DType[], gives?: DType): OpDef => ({
  name,
  infer([a, b]) {
    if (!sameDims(a!.dims, b!.dims)) throw new GraphError("both sides need the same axes; broadcast one to the other");
    if (a!.dtype !== b!.dtype || !takes.includes(a!.dtype))
      throw new GraphError(`takes two values of one type out of ${takes.join(", ")}`);
    return { dims: a!.dims, dtype: gives ?? a!.dtype };
  },
});

const numbers = ["f32", "i32"] as const;

export const absOp = unary("abs");
export const expOp = unary("exp");
export const sqrtOp = unary("sqrt");
export const cosOp = unary("cos");
export const sinOp = unary("sin");
export const tanhOp = unary("tanh");
export const erfOp = unary("erf");
export const addOp = binary("add", numbers);
export const subOp = binary("sub", numbers);
export const mulOp = binary("mul", numbers);
export const divOp = binary("div", ["f32"]);
export const maxOp = binary("max", numbers);
export const lessOp = binary("less", numbers, "bool");
export const equalOp = binary("equal", numbers, "bool");
export const andOp = binary("and", ["bool"], "bool");

/** condition ? a : b, element by element. */
export const whereOp: OpDef = {
  name: "where",
  infer([condition, a, b]) {
    if (condition!.dtype !== "bool") throw new GraphError(`the condition must be bool, not ${condition!.dtype}`);
    if (!sameDims(condition!.dims, a!.dims) || !sameDims(a!.dims, b!.dims))
      throw new GraphError("all three need the same axes");
    if (a!.dtype !== b!.dtype) throw new GraphError(`cannot choose between ${a!.dtype} and ${b!.dtype}`);
    return { dims: a!.dims, dtype: a!.dtype };
  },
};

/** To another element type: attrs `to`. bool gives 0 and 1; f32 to i32 drops the fraction. */
export const castOp: OpDef = { name: "cast", infer: ([x], attrs) => ({ dims: x!.dims, dtype: attrs.to as DType }) };

/** Repeat along the axes that are missing: attrs `dims`, of which the input's axes are some, in the same order. */
export const broadcastOp: OpDef = {
  name: "broadcast",
  infer([x], attrs) {
    const dims = attrs.dims as readonly Axis[];
    let at = 0;
    for (const d of dims) if (at < x!.dims.length && sameAxis(d, x!.dims[at]!)) at++;
    if (at < x!.dims.length) throw new GraphError(`${describe(x!)} does not spread over "${namesOf(dims)}"`);
    return { dims, dtype: x!.dtype };
  },
};

/** Repeat `x` along the axes of `like` that it lacks. */
export function broadcast<A extends string>(x: Value, like: Pick<Value<A>, "dims">): Value<A> {
  if (sameDims(x.dims, like.dims)) return x as Value<A>;
  return emit(broadcastOp, [x], { dims: like.dims });
}

/** A value with the same axes, or a number for all of them. */
export type Operand<A extends string> = Value<NoInfer<A>> | number;
const operand = <A extends string>(a: Value<A>, b: Operand<A>): Value<A> =>
  typeof b === "number" ? broadcast(constant([b], [], a.dtype), a) : b;
const apply =
  (op: OpDef) =>
  <A extends string>(a: Value<A>, b: Operand<A>): Value<A> =>
    emit(op, [a, operand(a, b)]);
const map =
  (op: OpDef) =>
  <A extends string>(x: Value<A>): Value<A> =>
    emit(op, [x]);

/** |x|. */
export const abs = map(absOp);
/** e^x. */
export const exp = map(expOp);
/** The square root; of a negative number, NaN. */
export const sqrt = map(sqrtOp);
/** The cosine of an angle in radians. */
export const cos = map(cosOp);
/** The sine of an angle in radians. */
export const sin = map(sinOp);
/** The hyperbolic tangent. */
export const tanh = map(tanhOp);
/** The error function. */
export const erf = map(erfOp);
/** a + b. */
export const add = apply(addOp);
/** a - b. */
export const sub = apply(subOp);
/** a * b. */
export const mul = apply(mulOp);
/** a / b, of f32 alone. */
export const div = apply(divOp);
/** The larger of a and b. */
export const max = apply(maxOp);
/** a < b, as bool. */
export const less = apply(lessOp);
/** a = b, as bool. */
export const equal = apply(equalOp);
/** Whether both are true. */
export const and = apply(andOp);

/** condition ? a : b, element by element. */
export function where<A extends string>(condition: Value<A>, a: Value<NoInfer<A>>, b: Operand<A>): Value<A> {
  return emit(whereOp, [condition, a, operand(a, b)]);
}

/** To another element type: see {@link castOp}. */
export function cast<A extends string>(x: Value<A>, to: DType): Value<A> {
  return x.dtype === to ? x : emit(castOp, [x], { to });
}

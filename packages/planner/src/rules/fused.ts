import { ops, type Value } from "@hulu/core";
import { countOf, rowsOf, widthOf } from "../plan/sizes.js";
import { base } from "../plan/views.js";
import { rotationSizes } from "./composites.js";
import { isResidual } from "./linear.js";
import type { Rule } from "./rule.js";

/** silu(gate) * up. Shazeer, 2020. */
export const swiglu: Rule = (value, uses) => {
  if (value.op !== ops.mulOp) return undefined;
  const [a, b] = value.inputs as [Value, Value];
  for (const [activated, up] of [
    [a, b],
    [b, a],
  ] as const) {
    const silu = uses.inner(activated);
    if (silu?.op !== ops.siluOp) continue;
    const gate = silu.inputs[0]!;
    return {
      results: [value],
      reads: [gate, up],
      emit(e) {
        const args = { gate: e.place(gate), up: e.place(up), y: e.result(value) };
        e.call("swiglu", value.scope, args, { count: countOf(value) });
      },
    };
  }
  return undefined;
};

/** A sum and its RMS norm. A sum that its product can make is left to it: that saves a pass more. */
export const addRmsNorm: Rule = (value, uses) => {
  if (value.op !== ops.rmsNormOp) return undefined;
  const [x, weight] = value.inputs as [Value, Value];
  const sum = base(x);
  // The sum is computed where it stands, and the norm with it: the norm's weight must be there by then.
  if (sum.op !== ops.addOp || sum.dtype !== "f32" || isResidual(sum, uses) || !uses.isFixed(weight)) return undefined;
  const [a, b] = sum.inputs as [Value, Value];
  return {
    results: [sum, value],
    reads: [a, b, weight],
    emit(e) {
      const args = { x: e.place(a), residual: e.place(b), weight: e.place(weight) };
      const params = { rows: rowsOf(value), width: widthOf(value), eps: Number(value.attrs.eps) };
      e.call("add_rms_norm", value.scope, { ...args, sum: e.result(sum), y: e.result(value) }, params);
    },
  };
};

/** A norm of each head, and its rotation: Qwen3's queries and keys. */
export const normRotate: Rule = (value, uses) => {
  if (value.op !== ops.rotateOp) return undefined;
  const [operand, cos, sin] = value.inputs as [Value, Value, Value];
  const norm = uses.inner(operand);
  if (norm?.op !== ops.rmsNormOp || widthOf(norm) !== widthOf(value)) return undefined;
  const [x, weight] = norm.inputs as [Value, Value];
  return {
    results: [value],
    reads: [x, weight, cos, sin],
    emit(e) {
      const args = { x: e.place(x), weight: e.place(weight), cos: e.place(cos), sin: e.place(sin) };
      const params = { ...rotationSizes(value), eps: Number(norm.attrs.eps) };
      e.call("qk_norm_rotate", norm.scope, { ...args, y: e.result(value) }, params);
    },
  };
};

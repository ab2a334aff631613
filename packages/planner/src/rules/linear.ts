import { type OpDef, ops, type Size, type Value } from "@hulu/core";
import { none } from "../plan/emission.js";
import { rowsOf } from "../plan/sizes.js";
import type { Uses } from "../plan/uses.js";
import { activationOp } from "./op-numbers.js";
import type { Rule } from "./rule.js";

const activating: ReadonlySet<OpDef> = new Set([ops.geluOp, ops.geluTanhOp, ops.siluOp]);

/** y = activation(x W^T + bias) + residual, as much of it as is there, in one launch. */
export const linear: Rule = (value, uses) => {
  const sum = value.op === ops.addOp ? added(value, uses) : undefined;
  const parts = sum ?? activated(value, uses);
  if (parts === undefined) return undefined;
  const { product, activation, residual } = parts;
  const [x, weight, bias] = product.inputs as [Value, Value, Value?];
  const [n, k] = weight.dims.map((d) => d.size) as [Size, Size];
  return {
    results: [value],
    reads: [...product.inputs, ...(residual === undefined ? [] : [residual])],
    emit(e) {
      const args = {
        x: e.place(x),
        ...e.matrix(weight),
        bias: bias === undefined ? none : e.place(bias),
        residual: residual === undefined ? none : e.place(residual),
      };
      const switches = { bias: Number(bias !== undefined), residual: Number(residual !== undefined) };
      const params = { m: rowsOf(x), n, k, activation: activationOp(activation), ...switches };
      e.call("matmul", product.scope, { ...args, y: e.result(value) }, params);
    },
  };
};

interface Parts {
  /** The linear, or a product with a matrix. */
  readonly product: Value;
  readonly activation: string;
  readonly residual?: Value;
}

/** Whether an addition becomes a part of the product that it follows. */
export const isResidual = (value: Value, uses: Uses): boolean => added(value, uses) !== undefined;

function added(value: Value, uses: Uses): Parts | undefined {
  const [a, b] = value.inputs as [Value, Value];
  for (const [branch, residual] of [
    [b, a],
    [a, b],
  ] as const) {
    const inner = uses.inner(branch);
    const parts = inner && activated(inner, uses);
    if (parts !== undefined) return { ...parts, residual };
  }
  return undefined;
}

function activated(value: Value, uses: Uses): Parts | undefined {
  if (isProduct(value)) return { product: value, activation: "none" };
  if (!activating.has(value.op)) return undefined;
  const product = uses.inner(value.inputs[0]!);
  return product !== undefined && isProduct(product) ? { product, activation: value.op.name } : undefined;
}

const isProduct = ({ op, inputs }: Value): boolean =>
  op === ops.linearOp || (op === ops.matmulOp && inputs[1]!.dims.length === 2);

import type { OpDef, Value } from "../graph/value.js";
import * as e from "./elementwise.js";
import { gatherOp } from "./gather.js";
import { constantOp, inputOp, iotaOp, paramOp, stateOp } from "./leaves.js";
import { matmulOp } from "./matmul.js";
import { reduceMaxOp, reduceSumOp } from "./reduce.js";
import { concatOp, rearrangeOp, relabelOp, sliceOp } from "./shape.js";

/**
 * The closed table of primitives. Everything else decomposes into these, so a backend that has an emitter for each runs
 * every model: type it `Record<PrimitiveName, ...>` and the compiler finds a missing one.
 */
export const primitives = {
  input: inputOp,
  param: paramOp,
  state: stateOp,
  constant: constantOp,
  iota: iotaOp,
  abs: e.absOp,
  exp: e.expOp,
  sqrt: e.sqrtOp,
  cos: e.cosOp,
  sin: e.sinOp,
  tanh: e.tanhOp,
  erf: e.erfOp,
  add: e.addOp,
  sub: e.subOp,
  mul: e.mulOp,
  div: e.divOp,
  max: e.maxOp,
  less: e.lessOp,
  equal: e.equalOp,
  and: e.andOp,
  where: e.whereOp,
  cast: e.castOp,
  broadcast: e.broadcastOp,
  reduce_sum: reduceSumOp,
  reduce_max: reduceMaxOp,
  matmul: matmulOp,
  rearrange: rearrangeOp,
  relabel: relabelOp,
  slice: sliceOp,
  concat: concatOp,
  gather: gatherOp,
} as const satisfies Readonly<Record<string, OpDef>>;

export type PrimitiveName = keyof typeof primitives;

/** Is this node one of the closed table (and not an op of somebody's that has the same name)? */
export const isPrimitive = (node: Value): boolean =>
  Object.hasOwn(primitives, node.op.name) && primitives[node.op.name as PrimitiveName] === node.op;

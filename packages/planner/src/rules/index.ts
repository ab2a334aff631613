import { isPrimitive, type PrimitiveName } from "@hulu/core";
import { composites } from "./composites.js";
import { addRmsNorm, normRotate, swiglu } from "./fused.js";
import { linear } from "./linear.js";
import { primitives } from "./primitives.js";
import { ropeTable } from "./rope-table.js";
import { alone, type Rule } from "./rule.js";

/** Every node that `supports` takes, by itself. */
const byItself: Rule = (value) => {
  const emit = isPrimitive(value) ? primitives[value.op.name as PrimitiveName] : composites.get(value.op);
  return emit && alone(value, emit);
};

/** The first that fits is taken. */
export const rules: readonly Rule[] = [linear, swiglu, addRmsNorm, normRotate, ropeTable, byItself];

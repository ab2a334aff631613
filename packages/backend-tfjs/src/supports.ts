import { isPrimitive, type Value } from "@hulu/core";
import { claims } from "./emit/composites.js";

const types: ReadonlySet<string> = new Set(["f32", "i32", "bool"]);

/** Whether this backend runs a node as it stands; if not, why. */
export function supports(node: Value): true | string {
  const strange = [node, ...node.inputs].find((v) => !types.has(v.dtype));
  if (strange !== undefined) return `${strange.dtype} is not computed with here`;
  if (isPrimitive(node)) return true;
  return claims.get(node.op)?.supports(node) ?? "expand me";
}

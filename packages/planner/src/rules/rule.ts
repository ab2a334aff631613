import type { Value } from "@hulu/core";
import type { Emission } from "../plan/emission.js";
import type { Uses } from "../plan/uses.js";

/**
 * How some values are computed together. What lies between `reads` and `results`, and is read by nobody else, is not
 * computed by itself: a match covers it.
 */
export interface Match {
  readonly results: readonly Value[];
  /** What is read, directly or through views. */
  readonly reads: readonly Value[];
  /** Call the kernels; each result gets its place. */
  emit(e: Emission): void;
}

/** How a value is computed, if the rule fits: `value` is among the results, and is the last of them in the graph. */
export type Rule = (value: Value, uses: Uses) => Match | undefined;

/** Calls the kernels for one node by itself. */
export type Emit = (e: Emission, node: Value) => void;

/** A node computed by itself. */
export const alone = (node: Value, emit: Emit): Match => ({
  results: [node],
  reads: node.inputs,
  emit: (e) => emit(e, node),
});

import { type Graph, rootsOf, type Value } from "@hulu/core";
import type { Match, Rule } from "../rules/rule.js";
import type { Uses } from "./uses.js";
import { base } from "./views.js";

const leaves: ReadonlySet<string> = new Set(["input", "param", "state", "constant"]);

/** Whether a value's numbers are there before a run. */
export const isLeaf = ({ op }: Value): boolean => leaves.has(op.name);

/**
 * How each value that is needed is computed: from the last to the first, so that a rule sees the largest pattern that ends in
 * a value, and what it covers is not asked for any more.
 */
export function chooseMatches(graph: Graph, uses: Uses, rules: readonly Rule[]): ReadonlyMap<Value, Match> {
  const needed = new Set(
    rootsOf(graph)
      .filter((v) => !graph.states.some((s) => s.rows === v))
      .map(base),
  );
  const chosen = new Map<Value, Match>();
  for (const value of uses.order.toReversed()) {
    if (!needed.has(value) || isLeaf(value) || chosen.has(value)) continue;
    const match = firstMatch(value, uses, rules, chosen);
    for (const result of match.results) chosen.set(result, match);
    for (const read of match.reads) needed.add(base(read));
  }
  return chosen;
}

function firstMatch(value: Value, uses: Uses, rules: readonly Rule[], chosen: ReadonlyMap<Value, Match>): Match {
  for (const rule of rules) {
    const match = rule(value, uses);
    // What another match gives already is not computed twice.
    if (match !== undefined && !match.results.some((r) => chosen.has(r))) return match;
  }
  throw new Error(`no rule computes ${value.op.name} in ${value.scope}`);
}

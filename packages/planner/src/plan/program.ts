import { type Env, type Graph, lower, type StateUpdate, type Value } from "@hulu/core";
import type { Plan, PlannedOutput, PlannedState } from "../plan.js";
import { rules } from "../rules/index.js";
import type { Match } from "../rules/rule.js";
import { checksOf } from "./checks.js";
import { chooseMatches, isLeaf } from "./choose.js";
import { Emission, none } from "./emission.js";
import { shareBuffers } from "./share.js";
import { countOf, product } from "./sizes.js";
import { supports } from "./supports.js";
import { Uses } from "./uses.js";
import { base } from "./views.js";

export interface PlanOptions {
  /** The most that each run-time symbol reaches: buffers are shared so that such a run takes little. One that is not given counts as 1. */
  readonly max?: Env;
}

/**
 * A program as launches of kernels: composites that have no kernel are planned by their meaning, what kernels can do in one go
 * is joined, and what is computed on the way shares as few buffers as it can.
 * @throws UnsupportedError that names what no kernel computes
 */
export function planProgram(graph: Graph, { max = {} }: PlanOptions = {}): Plan {
  const lowered = lower(graph, supports);
  const uses = new Uses(lowered);
  const chosen = chooseMatches(lowered, uses, rules);
  const e = new Emission(lowered, homes(lowered));
  emitAll(e, uses, chosen);
  const outputs = emitOutputs(e);
  const weights = e.weights();
  const steps = e.steps.map((step) => ({ ...step, args: withoutScales(step.args, weights) }));
  return {
    graph,
    steps,
    ...shareBuffers(steps, e.slots, max),
    constants: e.constants,
    weights,
    states: lowered.states.map(stateOf),
    outputs,
    ...checksOf({ graph: lowered, order: uses.order }),
  };
}

/** Values that are computed where the caller gets them; of two outputs that are one value, the first. */
function homes({ outputs }: Graph): ReadonlyMap<Value, string> {
  const homes = new Map<Value, string>();
  for (const [name, value] of Object.entries(outputs)) {
    const node = base(value);
    if (!isLeaf(node) && node.op.name !== "append" && !homes.has(node)) homes.set(node, name);
  }
  return homes;
}

/** In the order of the graph; but what a match reads comes before it, wherever its first result stands. */
function emitAll(e: Emission, { order }: Uses, chosen: ReadonlyMap<Value, Match>): void {
  const done = new Set<Match>();
  const ensure = (value: Value): void => {
    const match = chosen.get(value);
    if (match === undefined || done.has(match)) return;
    done.add(match);
    for (const read of match.reads) ensure(base(read));
    match.emit(e);
  };
  for (const value of order) ensure(value);
}

/** Outputs that are no computed value's home are copies: each is a buffer of its own. */
function emitOutputs(e: Emission): Plan["outputs"] {
  const found = Object.entries(e.graph.outputs).map(([name, value]): [string, PlannedOutput] => {
    const place = { kind: "output", name } as const;
    const at = e.place(value);
    if (at.kind !== "output" || at.name !== name) e.move(value, place);
    return [name, { place, dims: value.dims, dtype: value.dtype }];
  });
  return Object.fromEntries(found);
}

/** A weight in plain float32 has no scales. */
const withoutScales = (args: Plan["steps"][number]["args"], weights: Plan["weights"]): Plan["steps"][number]["args"] =>
  Object.fromEntries(
    Object.entries(args).map(([name, place]) => {
      const plain = place.kind === "scale" && weights.get(place.path)?.use === "plain";
      return [name, plain ? none : place];
    }),
  );

const stateOf = ({ name, past, rows, next }: StateUpdate): PlannedState => ({
  name,
  width: product(past.dims.slice(2)) as number,
  rows: rows.dims[1]!.size,
  count: countOf(next),
});

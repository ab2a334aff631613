import { type Env, evaluate, type Size, symbolsOf } from "./size.js";
import type { Value } from "./value.js";

/** What computing one value costs in memory, in bytes, on a backend. */
export interface NodeCost {
  /** What its result takes; 0 for what is held elsewhere, such as a weight. */
  readonly bytes: number;
  /** What is taken beside it while it is computed, and given back. */
  readonly scratch?: number;
  /** The value whose memory it is, where it is only another view of it. */
  readonly viewOf?: Value | undefined;
  /** A value whose memory it may take over, where this is the last use and the size is the same. */
  readonly over?: Value | undefined;
}

/** How a backend runs a program, as far as memory goes. */
export interface Schedule {
  /** The values in the order in which they are computed, each after those that it uses. */
  readonly order: readonly Value[];
  /** What the caller gets; it stays to the end. */
  readonly kept: Iterable<Value>;
  uses(value: Value): readonly Value[];
  cost(value: Value): NodeCost;
}

/** A size under a bound. A symbol that has none counts as 1, and the past as nothing. */
export function boundSize(size: Size, max: Env): number {
  const open = symbolsOf(size).filter((name) => max[name] === undefined);
  return evaluate(size, open.length === 0 ? max : { ...max, ...Object.fromEntries(open.map(unit)) });
}
const unit = (name: string) => [name, name === "past" ? 0 : 1] as const;

/** How many numbers a value has under a bound. */
export const boundCount = ({ dims }: Value, max: Env): number =>
  dims.reduce((n, d) => n * Math.max(0, boundSize(d.size, max)), 1);

/**
 * The most bytes that are held at once while a program runs, each value from where it is computed to its last use: what an
 * allocator needs that loses nothing between the pieces.
 */
export function peakBytes({ order, kept, uses, cost }: Schedule): number {
  const costs = new Map<Value, NodeCost>();
  const owners = new Map<Value, Value>();
  const owner = (value: Value): Value => owners.get(value) ?? value;
  for (const value of order) {
    const { viewOf, ...own } = cost(value);
    if (viewOf !== undefined) owners.set(value, owner(viewOf));
    costs.set(value, viewOf === undefined ? own : { ...own, bytes: 0 });
  }
  const last = new Map<Value, number>(order.map((value, i) => [owner(value), i]));
  for (const [i, value] of order.entries()) for (const used of uses(value)) last.set(owner(used), i);
  for (const value of kept) last.set(owner(value), order.length);
  const held = new Map<Value, number>();
  let [now, peak] = [0, 0];
  for (const [i, value] of order.entries()) {
    const { bytes, scratch = 0, over } = costs.get(value) as NodeCost;
    const from = over && owner(over);
    if (from !== undefined && last.get(from) === i && held.get(from) === bytes) {
      held.delete(from);
      now -= bytes;
    }
    held.set(value, bytes);
    now += bytes;
    peak = Math.max(peak, now + scratch);
    for (const done of new Set([...uses(value), value].map(owner))) {
      if (last.get(done) !== i) continue;
      now -= held.get(done) ?? 0;
      held.delete(done);
    }
  }
  return peak;
}

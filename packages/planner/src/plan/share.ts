import { boundSize, type Env, type Size, symbolsOf } from "@hulu/core";
import type { Plan, Slot, Step } from "../plan.js";
import { slotCount } from "./slot-count.js";

/** The steps of a slot's first and last use. */
export interface Life {
  readonly first: number;
  readonly last: number;
}

/** From when to when each slot holds something that is still read. */
export function livesOf(steps: readonly Step[], slots: number): Life[] {
  const lives: Life[] = Array.from({ length: slots }, () => ({ first: Number.POSITIVE_INFINITY, last: -1 }));
  for (const [at, { args }] of steps.entries())
    for (const place of Object.values(args)) {
      if (place.kind !== "slot") continue;
      const { first, last } = lives[place.slot]!;
      lives[place.slot] = { first: Math.min(first, at), last: Math.max(last, at) };
    }
  return lives;
}

/**
 * Let slots that are never alive together share buffers: the largest first, each into the smallest buffer that is free all its
 * life. Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020 (greedy by size).
 *
 * A step never finds one buffer under two slots, so none reads a buffer that it writes.
 * @param max the sizes by which slots are compared
 */
export function shareBuffers(
  steps: readonly Step[],
  counts: readonly Slot["count"][],
  max: Env,
): Pick<Plan, "slots" | "buffers"> {
  const lives = livesOf(steps, counts.length);
  const env = bounds(steps, counts, max);
  const sizes = counts.map((count) => slotCount({ steps }, { count }, env));
  const names = counts.map((count) => JSON.stringify(count));
  const buffers: { readonly size: number; readonly name: string; readonly slots: number[] }[] = [];
  const chosen = new Map<number, number>();
  const order = counts.map((_, i) => i).sort((a, b) => sizes[b]! - sizes[a]! || lives[a]!.first - lives[b]!.first);
  for (const slot of order) {
    const free = buffers.filter((b) => b.slots.every((other) => apart(lives[slot]!, lives[other]!)));
    const [best] = free.sort(
      (a, b) => a.size - b.size || Number(b.name === names[slot]) - Number(a.name === names[slot]),
    );
    const buffer = best ?? { size: sizes[slot]!, name: names[slot]!, slots: [] };
    if (best === undefined) buffers.push(buffer);
    buffer.slots.push(slot);
    chosen.set(slot, buffers.indexOf(buffer));
  }
  return { slots: counts.map((count, i) => ({ count, buffer: chosen.get(i)! })), buffers: buffers.length };
}

const apart = (a: Life, b: Life): boolean => a.last < b.first || b.last < a.first;

/** A bound for every symbol that the slots' sizes speak of, as `boundSize` has it. */
function bounds(steps: readonly Step[], counts: readonly Slot["count"][], max: Env): Env {
  const sizes = counts.flatMap((count): Size[] =>
    typeof count === "object" && "step" in count ? Object.values(steps[count.step]!.params) : [count],
  );
  const symbols = new Set(sizes.flatMap(symbolsOf));
  return Object.fromEntries([...symbols].map((name) => [name, boundSize({ terms: { [name]: 1 } }, max)]));
}

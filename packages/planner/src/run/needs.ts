import { countOf, type Env, evaluate, type Size, sessionRoom, symbolsOf } from "@hulu/core";
import { slotCount } from "../plan/slot-count.js";
import type { Plan, Slot } from "../plan.js";

const WORD = 4;

export const varies = (size: Size): boolean => symbolsOf(size).includes("past");

/** A size as a function: what is evaluated for each token is taken apart once. */
export type Sized = (env: Env) => number;

export function sizedBy(size: Size): Sized {
  if (typeof size === "number") return () => size;
  const terms = Object.entries(size.terms).map(([monomial, factor]) => ({
    factor,
    symbols: monomial === "" ? [] : monomial.split("*"),
  }));
  return (env) => {
    let sum = 0;
    for (const { factor, symbols } of terms) {
      let product = factor;
      for (const symbol of symbols) product *= env[symbol] ?? Number.NaN;
      sum += product;
    }
    // What a symbol is that nothing has set, the other says in words.
    return Number.isNaN(sum) ? evaluate(size, env) : sum;
  };
}

/** Whether a slot's size changes as a session gets longer. */
function slotVaries({ steps }: Plan, { count }: Slot): boolean {
  if (typeof count === "number" || "terms" in count) return varies(count);
  return Object.values(steps[count.step]!.params).some(varies);
}

/** By how many positions a run of a program makes its session longer. */
export const growth = ({ states }: Plan, env: Env): number => (states[0] ? evaluate(states[0].rows, env) : 0);

/** The past up to which a run's buffers are made: whole steps, so that decoding does not ask for memory at each token. */
export function roundedPast(plan: Plan, env: Env, most: number): number {
  const past = env.past ?? 0;
  const steps = sessionRoom(past + 1);
  return Math.max(past, Math.min(steps, most - growth(plan, env)));
}

/** Bytes of each of a plan's buffers: of the largest slot that lies in it. @param slots those to look at; all unless given */
export function bufferNeeds(plan: Plan, env: Env, slots: readonly Slot[] = plan.slots): number[] {
  const needs = new Array<number>(plan.buffers).fill(0);
  for (const slot of slots) needs[slot.buffer] = Math.max(needs[slot.buffer]!, slotCount(plan, slot, env) * WORD);
  return needs;
}

export const varyingSlots = (plan: Plan): readonly Slot[] => plan.slots.filter((slot) => slotVaries(plan, slot));

/** The outputs that get a buffer of their own, by the name of their place, in bytes. */
export function outputBytes({ outputs }: Plan, env: Env): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const [output, { place, dims }] of Object.entries(outputs))
    bytes.set(place.kind === "output" ? place.name : output, countOf(dims.map((d) => evaluate(d.size, env))) * WORD);
  return bytes;
}

import { type Env, evaluate } from "@hulu/core";
import type { Plan, Slot } from "../plan.js";

/** Elements of four bytes that a slot takes in a run. */
export function slotCount(plan: Pick<Plan, "steps">, { count }: Pick<Slot, "count">, env: Env): number {
  if (typeof count === "number" || "terms" in count) return Math.max(0, evaluate(count, env));
  const { kernel, params } = plan.steps[count.step]!;
  const numbers = Object.fromEntries(Object.entries(params).map(([name, size]) => [name, evaluate(size, env)]));
  return kernel.buffers[count.name]!.shape(numbers).reduce((n, d) => n * d, 1);
}

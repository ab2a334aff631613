import { type Env, evaluate, FeedError, printSize } from "@hulu/core";
import type { Plan } from "../plan.js";

/**
 * What the shapes of the feeds do not show, looked at before a run.
 * @param numbers of an input that is an index; undefined where they are not on the host and are taken as they are
 * @throws FeedError for a size below zero, a part beyond its axis, or an index outside its table
 */
export function checkRun(
  { graph, sizes, indices }: Plan,
  env: Env,
  numbers: (input: string) => ArrayLike<number> | undefined,
): void {
  for (const { size, most, axis } of sizes) {
    const [found, end] = [evaluate(size, env), most === undefined ? Number.POSITIVE_INFINITY : evaluate(most, env)];
    if (found < 0)
      throw new FeedError(`${graph.name}: the size ${printSize(size)}, of the axis ${axis}, would be ${found}`);
    if (found > end) throw new FeedError(`${graph.name}: ${found} is past the end of ${axis}, which has ${end}`);
  }
  for (const { input, least, end, axis } of indices) {
    const rows = evaluate(end, env);
    const outside = Array.from(numbers(input) ?? []).find((i) => i < least || i >= rows);
    if (outside !== undefined)
      throw new FeedError(`${graph.name}: the index ${outside} in ${input} is outside ${axis}, which has ${rows} rows`);
  }
}

import type { Feed, HostTensor } from "./backend.js";
import { SessionError } from "./backend.js";
import { FeedError } from "./graph/bind.js";
import type { Graph } from "./graph/graph.js";
import { type Env, evaluate } from "./graph/size.js";
import type { HostSession } from "./session.js";
import { toHost } from "./tensor.js";

/**
 * Everything that a program is fed, on the host and of the element types that it declares; shapes and names are for
 * `bindSizes` to check.
 * @throws FeedError for floats instead of integers, and the other way round
 */
export async function feedsOnHost(
  graph: Graph,
  inputs: Readonly<Record<string, Feed>>,
): Promise<ReadonlyMap<string, HostTensor>> {
  const fed = new Map<string, HostTensor>();
  for (const [name, feed] of Object.entries(inputs)) fed.set(name, await toHost(feed));
  checkTypes(graph, fed);
  return fed;
}

/** @throws FeedError for floats instead of integers, and the other way round */
export function checkTypes(graph: Graph, fed: ReadonlyMap<string, Pick<HostTensor, "dtype">>): void {
  for (const [name, value] of Object.entries(graph.inputs)) {
    const found = fed.get(name)?.dtype;
    if (found !== undefined && found !== value.dtype)
      throw new FeedError(`${graph.name}: ${name} is ${found}, it must be ${value.dtype}`);
  }
}

/**
 * See to it, before a run is computed, that its session can take what it adds.
 * @returns by how many positions the session will be longer
 * @throws SessionError when they do not fit, or when the run holds several conversations
 */
export function reserveRows(graph: Graph, session: Pick<HostSession, "reserve">, env: Env): number {
  const first = graph.states[0];
  if (first === undefined) return 0;
  const count = evaluate(first.rows.dims[1]!.size, env);
  session.reserve(count);
  const batch = first.past.dims[0]!;
  if (evaluate(batch.size, env) !== 1)
    throw new SessionError(`a session holds one conversation; ${batch.name} is ${evaluate(batch.size, env)}`);
  return count;
}

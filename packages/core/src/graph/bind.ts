import { printDims } from "./axis.js";
import type { Graph } from "./graph.js";
import { type Env, evaluate, printSize, solve, symbolsOf } from "./size.js";
import type { Value } from "./value.js";

/** What was fed does not fit the program: a wrong name, type or shape. The message says which input and what would fit. */
export class FeedError extends Error {
  override readonly name = "FeedError";
}

/**
 * Find what every run-time symbol stands for from the shapes that were fed: one unknown is solved at a time until none is
 * left, and then every dimension is checked.
 * @param shapes the shape of each input
 * @param known what is known beforehand: `past`, from the session
 * @param max the most that a symbol may reach, from the compile options
 */
export function bindSizes(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
  known: Env = {},
  max: Env = {},
): Env {
  const env: Record<string, number> = { ...known };
  const dims = fedDims(graph, shapes);
  for (let progress = true; progress; ) {
    progress = false;
    for (const { size, found, input, value } of dims) {
      const solved = solve(size, found, env);
      if (solved === undefined) continue;
      if (Number.isNaN(solved.value)) throw misfit(graph, input, value, shapes);
      env[solved.symbol] = solved.value;
      progress = true;
    }
  }
  for (const { size, found, input, value } of dims) {
    const open = symbolsOf(size).filter((s) => env[s] === undefined);
    if (open.length > 0) throw new FeedError(`${graph.name}: the shapes do not say how large ${open.join(", ")} is`);
    if (evaluate(size, env) !== found) throw misfit(graph, input, value, shapes, env);
  }
  for (const [s, value] of Object.entries(env)) {
    const most = max[s];
    if (most !== undefined && value > most)
      throw new FeedError(`${graph.name}: ${s} is ${value}; it was compiled for at most ${most}`);
  }
  return env;
}

function fedDims(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>) {
  for (const name of shapes.keys())
    if (!Object.hasOwn(graph.inputs, name))
      throw new FeedError(
        `${graph.name} has no input ${name}; it takes ${Object.keys(graph.inputs).join(", ") || "none"}`,
      );
  return Object.entries(graph.inputs).flatMap(([input, value]) => {
    const shape = shapes.get(input);
    if (shape === undefined) throw new FeedError(`${graph.name} needs the input ${input}[${printDims(value.dims)}]`);
    if (shape.length !== value.dims.length) throw misfit(graph, input, value, shapes);
    return value.dims.map((d, i) => ({ size: d.size, found: shape[i] as number, input, value }));
  });
}

function misfit(
  graph: Graph,
  input: string,
  value: Value,
  shapes: ReadonlyMap<string, readonly number[]>,
  env: Env = {},
): FeedError {
  const bound = value.dims.flatMap((d) => symbolsOf(d.size)).filter((s) => env[s] !== undefined);
  const where = bound.length > 0 ? ` with ${bound.map((s) => `${s}=${env[s]}`).join(" ")}` : "";
  const found = (shapes.get(input) ?? []).join(" ");
  const wanted = value.dims.map((d) => `${d.name}=${printSize(d.size)}`).join(" ");
  return new FeedError(`${graph.name}: ${input} is [${found}], it must be [${wanted}]${where}`);
}

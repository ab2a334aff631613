import {
  boundSize,
  countOf,
  type Env,
  evaluate,
  type MemoryEstimate,
  memoryEstimate,
  SESSION_STEP,
  type Size,
  type StoredTensor,
  sessionRoom,
  symbolsOf,
  type WeightSource,
} from "@hulu/core";
import type { Plan } from "../plan.js";
import { allocated } from "./memory.js";
import { bufferNeeds, growth, outputBytes } from "./needs.js";
import { pooled } from "./pool.js";
import { constantsBytes } from "./prepare.js";
import { type StorageOf, weightLayouts } from "./weight-layout.js";
import { largestPiece, PIECE } from "./weight-pieces.js";

const WORD = 4;
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((n, x) => n + x, 0);

/**
 * What plans take on a device, in bytes, from headers. `work` has what runs compute in, what they are fed from the host, one
 * result of each program, and the state that lies there twice while a session grows.
 * @param max the most that each symbol reaches; `past` is the capacity of the session
 */
export function estimatePlans(
  plans: ReadonlyMap<string, Plan>,
  weights: Pick<WeightSource, "info">,
  max: Env,
  storageOf?: StorageOf,
): MemoryEstimate {
  const infoOf = (path: string) => weights.info(path) ?? missing;
  const layouts = [...weightLayouts(plans.values(), infoOf, storageOf).values()];
  const states = stateBytes(plans.values(), max.past ?? 0);
  const runs = [...plans.values()].flatMap((plan) => envsOf(plan, max).map((env) => runNeeds(plan, env)));
  const results = [...plans.values()].map((plan) => resultBytes(plan, envOf(plan, max)));
  const growing = states.held > states.first ? states.largest : 0;
  return memoryEstimate({
    weights: sum(layouts.map((w) => allocated(w.bytes) + (w.scaleBytes > 0 ? allocated(w.scaleBytes) : 0))),
    loading: Math.min(sum(layouts.map((w) => w.bytes + w.scaleBytes)), Math.max(PIECE, ...layouts.map(largestPiece))),
    session: states.held,
    work: sum(pooled(runs).map(allocated)) + sum(results) + growing + constantsBytes(plans.values()),
    fixed: 0,
  });
}

/** What a checkpoint lacks is refused before it is loaded; an estimate may be asked for nevertheless. */
const missing: StoredTensor = { dtype: "F32", shape: [0] };

/** What a run computes in, and is fed from the host. */
function runNeeds(plan: Plan, env: Env): readonly number[] {
  const inputs = Object.values(plan.graph.inputs).map((v) => countOf(v.dims.map((d) => evaluate(d.size, env))) * WORD);
  return [...bufferNeeds(plan, env), ...inputs];
}

const resultBytes = (plan: Plan, env: Env): number => sum([...outputBytes(plan, env).values()].map(allocated));

/** The largest run, and the shortest behind the longest past: kernels may want scratch for that one alone. */
function envsOf(plan: Plan, max: Env): readonly Env[] {
  const largest = envOf(plan, max);
  if (plan.states.length === 0) return [largest];
  return [largest, envOf(plan, max.past === undefined ? {} : { past: max.past })];
}

/** Every symbol of a program at its most; one that has none is 1, and the past what a full session leaves to this run. */
function envOf(plan: Plan, max: Env): Env {
  const { graph } = plan;
  const sizes: Size[] = [
    ...Object.values(graph.inputs).flatMap((v) => v.dims.map((d) => d.size)),
    ...graph.states.flatMap((s) => s.past.dims.map((d) => d.size)),
  ];
  const symbols = new Set(sizes.flatMap(symbolsOf));
  const env: Record<string, number> = { past: 0 };
  for (const symbol of symbols) env[symbol] = boundSize({ terms: { [symbol]: 1 } }, max);
  // A session holds one conversation.
  if (plan.states.length > 0) env.past = Math.max(0, (max.past ?? 0) - growth(plan, env));
  return env;
}

/** What the states of all programs take together when a session holds so many positions. */
function stateBytes(
  plans: Iterable<Plan>,
  positions: number,
): { readonly held: number; readonly first: number; readonly largest: number } {
  const widths = new Map<string, number>();
  for (const { states } of plans) for (const { name, width } of states) widths.set(name, width);
  const bytes = (room: number) => (room === 0 ? [0] : [...widths.values()].map((w) => allocated(room * w * WORD)));
  const room = sessionRoom(positions, positions);
  // The last step but one.
  const before = sessionRoom(Math.max(0, positions - SESSION_STEP), positions);
  return {
    held: sum(bytes(room)),
    first: sum(bytes(sessionRoom(1, positions))),
    largest: Math.max(0, ...bytes(before)),
  };
}

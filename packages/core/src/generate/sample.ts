import { type Random, seededRandom } from "./random.js";

/** How the next token is chosen from the logits. All unset is greedy. */
export interface SamplingOptions {
  /** Divides the logits; 0 or unset is greedy. */
  readonly temperature?: number | undefined;
  /** Only the k likeliest tokens (and those that tie with the last of them). */
  readonly topK?: number | undefined;
  /** Only the fewest likeliest tokens whose probabilities sum to at least p. Holtzman et al., 2020. */
  readonly topP?: number | undefined;
  /**
   * Divides positive and multiplies negative logits of tokens that were generated; 1 changes nothing. The prompt does not
   * count: the released code generates from embeddings, so there too only new tokens do. Keskar et al., CTRL, 2019.
   */
  readonly repetitionPenalty?: number | undefined;
  /** The same seed gives the same tokens. */
  readonly seed?: number | undefined;
  /** Sees, and may change in place, the logits before all the rest: to forbid tokens, or to follow a grammar. */
  readonly processLogits?: ((logits: Float32Array, context: SamplingContext) => void) | undefined;
}

/** What came before a token. */
export interface SamplingContext {
  /** The prompt and what was generated. */
  readonly ids: readonly number[];
  readonly generated: readonly number[];
}

/** An option of generation is out of its range; the message says which range. */
export class GenerationError extends Error {
  override readonly name = "GenerationError";
}

/** Chooses the next token from `[vocab]` logits. */
export type Sampler = (logits: Float32Array, context: SamplingContext) => number;

/** @throws GenerationError when an option is out of its range */
export function sampler(options: SamplingOptions = {}): Sampler {
  const { temperature = 0, topK, topP, repetitionPenalty = 1, seed = 0, processLogits } = options;
  within("temperature", temperature, temperature >= 0, "at least 0");
  if (topK !== undefined) within("topK", topK, Number.isSafeInteger(topK) && topK >= 1, "a whole number of at least 1");
  if (topP !== undefined) within("topP", topP, topP > 0 && topP <= 1, "above 0 and at most 1");
  within("repetitionPenalty", repetitionPenalty, repetitionPenalty > 0, "above 0");
  within("seed", seed, Number.isSafeInteger(seed), "a whole number");
  const random = seededRandom(seed);
  return (given, context) => {
    const logits = Float32Array.from(given);
    processLogits?.(logits, context);
    if (repetitionPenalty !== 1) penalize(logits, context.generated, repetitionPenalty);
    if (temperature === 0) return argmax(logits);
    for (let i = 0; i < logits.length; i++) logits[i]! /= temperature;
    return draw(nucleus(probabilities(likeliest(logits, topK)), topP), random);
  };
}

function within(name: string, value: number, fits: boolean, range: string): void {
  if (!fits || !Number.isFinite(value)) throw new GenerationError(`${name} is ${value}; it must be ${range}`);
}

/**
 * The first of the largest logits.
 * @throws GenerationError when there is none, because all are NaN or -infinity
 */
export function argmax(logits: ArrayLike<number>): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++)
    if (logits[i]! > most) {
      most = logits[i]!;
      best = i;
    }
  if (best < 0) throw new GenerationError("no token can be chosen: every logit is -infinity or not a number");
  return best;
}

function penalize(logits: Float32Array, ids: readonly number[], penalty: number): void {
  for (const id of new Set(ids)) {
    const logit = logits[id];
    if (logit !== undefined) logits[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
}

interface Candidate {
  readonly id: number;
  readonly weight: number;
}

/** The candidates by falling logit; with k, those not below the k-th. */
function likeliest(logits: Float32Array, k: number | undefined): readonly Candidate[] {
  const all: Candidate[] = [];
  for (const [id, weight] of logits.entries()) if (weight > Number.NEGATIVE_INFINITY) all.push({ id, weight });
  if (all.length === 0) argmax(logits);
  all.sort((a, b) => b.weight - a.weight || a.id - b.id);
  const last = k === undefined ? undefined : all[k - 1];
  return last === undefined ? all : all.filter((c) => c.weight >= last.weight);
}

function probabilities(candidates: readonly Candidate[]): readonly Candidate[] {
  const most = candidates[0]!.weight;
  const raw = candidates.map(({ id, weight }) => ({ id, weight: Math.exp(weight - most) }));
  const sum = raw.reduce((n, c) => n + c.weight, 0);
  return raw.map(({ id, weight }) => ({ id, weight: weight / sum }));
}

function nucleus(candidates: readonly Candidate[], p: number | undefined): readonly Candidate[] {
  if (p === undefined || p === 1) return candidates;
  const kept: Candidate[] = [];
  let sum = 0;
  for (const candidate of candidates) {
    kept.push(candidate);
    sum += candidate.weight;
    if (sum >= p) break;
  }
  return kept;
}

function draw(candidates: readonly Candidate[], random: Random): number {
  const total = candidates.reduce((n, c) => n + c.weight, 0);
  let left = random() * total;
  for (const { id, weight } of candidates) {
    left -= weight;
    if (left < 0) return id;
  }
  return candidates.at(-1)!.id;
}

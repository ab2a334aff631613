import { descending } from "./descending.js";
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
    return draw(candidates(logits, topK, topP), random);
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

/** What is drawn from: ids, and how likely each is beside the others; they need not add up to 1. */
interface Candidates {
  readonly ids: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** The candidates: all, the k largest and those equal to the k-th, or the largest that make up p of their sum, or both. */
function candidates(logits: Float32Array, k: number | undefined, p: number | undefined): Candidates {
  const most = logits[argmax(logits)]!;
  if (k === undefined && (p === undefined || p === 1)) return everyone(logits, most);
  const likeliest = k === undefined ? undefined : [...largest(logits, k)];
  const weights = likeliest?.map((id) => weight(logits[id]!, most)) ?? everyone(logits, most).weights;
  const enough = (p ?? 1) * sum(weights);
  return nucleus(logits, likeliest ?? descending(logits), most, p === undefined || p === 1 ? undefined : enough);
}

/** exp(logit - most): 1 for the largest. */
const weight = (logit: number, most: number): number => (logit === most ? 1 : Math.exp(logit - most));

function sum(weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  return total;
}

/** Every token that can be chosen, in the order of ids; the weight of the others is 0. */
function everyone(logits: Float32Array, most: number): Candidates {
  const ids = new Int32Array(logits.length);
  const weights = new Float64Array(logits.length);
  for (let id = 0; id < logits.length; id++) {
    ids[id] = id;
    weights[id] = logits[id]! > Number.NEGATIVE_INFINITY ? weight(logits[id]!, most) : 0;
  }
  return { ids, weights };
}

function* largest(logits: Float32Array, k: number): Generator<number> {
  let count = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const id of descending(logits)) {
    if (count >= k && logits[id]! < last) return;
    last = logits[id]!;
    count++;
    yield id;
  }
}

/** From the front, until the weights add up to `enough`; that which makes it so is the last. */
function nucleus(
  logits: Float32Array,
  falling: Iterable<number>,
  most: number,
  enough: number | undefined,
): Candidates {
  const ids: number[] = [];
  const weights: number[] = [];
  let total = 0;
  for (const id of falling) {
    ids.push(id);
    weights.push(weight(logits[id]!, most));
    total += weights.at(-1)!;
    if (enough !== undefined && total >= enough) break;
  }
  return { ids, weights };
}

function draw({ ids, weights }: Candidates, random: Random): number {
  let left = random() * sum(weights);
  let last = 0;
  for (let i = 0; i < ids.length; i++) {
    if (weights[i] === 0) continue;
    last = ids[i]!;
    left -= weights[i]!;
    if (left < 0) return last;
  }
  return last;
}

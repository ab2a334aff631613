import type { Arrays, Params } from "../kernel.js";

export type AttentionParam =
  | "batch"
  | "seq"
  | "ctx"
  | "heads"
  | "kv"
  | "dim"
  | "scale"
  | "causal"
  | "window"
  | "softcap"
  | "segments";
export type AttentionBuffer = "q" | "k" | "v" | "segments" | "y" | "partial";

/** The keys that query i could see, [from, to): what `causal` and `window` leave. */
function span({ seq, ctx, causal, window }: Params<AttentionParam>, i: number): readonly [number, number] {
  if (!causal) return [0, ctx];
  const to = ctx - seq + i + 1;
  return [window ? Math.max(0, to - window) : 0, to];
}

/** Pairs of a query and a key that are computed; segments are not taken off. */
export function visiblePairs(params: Params<AttentionParam>): number {
  const { seq, ctx, causal, window } = params;
  if (!causal) return seq * ctx;
  const most = window || ctx;
  // The queries whose whole past fits the window see one key more each; the others see `most`.
  const growing = Math.max(0, Math.min(seq, most - (ctx - seq)));
  return growing * (ctx - seq) + (growing * (growing + 1)) / 2 + (seq - growing) * most;
}

/** Attention by its definition, in float64: the scores of a row, their softmax, the mean of the values. */
export function attentionReference(
  params: Params<AttentionParam>,
  { q = [], k = [], v = [], segments = [] }: Arrays<AttentionBuffer>,
): Arrays<AttentionBuffer> {
  const { batch, seq, ctx, heads, kv, dim } = params;
  const y = new Float64Array(batch * seq * heads * dim);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < seq; i++)
      for (let h = 0; h < heads; h++) {
        const row = ((b * seq + i) * heads + h) * dim;
        const key = (n: number) => ((b * ctx + n) * kv + Math.floor(h / (heads / kv))) * dim;
        const [from, to] = span(params, i);
        const seen = Array.from({ length: to - from }, (_, n) => from + n).filter(
          (n) => !params.segments || segments[n] === segments[i],
        );
        const weights = softmax(seen.map((n) => score(params, q, row, k, key(n))));
        for (const [place, n] of seen.entries())
          for (let d = 0; d < dim; d++) y[row + d]! += weights[place]! * v[key(n) + d]!;
      }
  return { y };
}

function score(
  { dim, scale, softcap }: Params<AttentionParam>,
  q: ArrayLike<number>,
  row: number,
  k: ArrayLike<number>,
  key: number,
): number {
  let dot = 0;
  for (let d = 0; d < dim; d++) dot += q[row + d]! * k[key + d]!;
  // The kernel is given its constants in float32.
  const s = dot * Math.fround(scale);
  const cap = Math.fround(softcap);
  return cap ? cap * Math.tanh(s / cap) : s;
}

function softmax(scores: readonly number[]): number[] {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = scores.map((s) => Math.exp(s - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

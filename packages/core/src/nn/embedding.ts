import type { Axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import { mul } from "../ops/elementwise.js";
import { gather } from "../ops/gather.js";
import { linear } from "../ops/linear.js";
import { type Module, module, param } from "./module.js";

export interface Embedding<V extends string, E extends string> {
  /** Token ids to their rows. */
  readonly lookup: <L extends string>(ids: Value<L>) => Value<`${L} ${E}`>;
  /** Rows to a score for every token: the head of a model whose head is tied to its embedding. */
  readonly scores: <L extends string>(x: Value<`${L} ${E}`>) => Value<`${L} ${V}`>;
}

export interface EmbeddingOptions {
  /** What looked-up rows are multiplied by, sqrt(embed) in Gemma; scores are not. 1 unless given. */
  readonly scale?: number;
}

/** A table of one row for each token: weight `[vocab embed]`. */
export const embedding = <V extends string, E extends string>(
  vocab: Axis<V>,
  embed: Axis<E>,
  { scale = 1 }: EmbeddingOptions = {},
): Module<Embedding<V, E>> =>
  module({ weight: param(vocab, embed) }, (m) => ({
    lookup: <L extends string>(ids: Value<L>) => {
      const rows = gather<`${L} ${E}`>(m.weight, ids, vocab.name);
      return scale === 1 ? rows : mul(rows, scale);
    },
    scores: <L extends string>(x: Value<`${L} ${E}`>) => linear<L, E, V>(x, m.weight as Value<`${V} ${E}`>),
  }));

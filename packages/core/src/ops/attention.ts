import { type Axis, axis, fuse } from "../graph/axis.js";
import { divideSizes, printSize, sameSize, subtractSizes } from "../graph/size.js";
import { type Attrs, emit, floats, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { softmax } from "./activation.js";
import { add, and, broadcast, div, equal, less, mul, sub, tanh, where } from "./elementwise.js";
import { iota } from "./leaves.js";
import { matmul } from "./matmul.js";
import { rearrange, relabel } from "./shape.js";

/**
 * Scaled dot-product attention, grouped queries included: q `[batch seq head dim]`, k and v `[batch ctx kv dim]`, where
 * head = kv * group and query head h reads key head floor(h / group): attrs `scale`, `causal`. With `causal` the queries
 * are the last of the context: row i sees the keys up to ctx - seq + i. A fourth input, segments i32 `[seq]`, keeps
 * packed samples apart; it needs ctx = seq. Vaswani et al., 2017; Ainslie et al., GQA, 2023.
 *
 * Two attrs more, each absent where it is not used. `window` (with `causal`): a row sees only the last `window` keys, its
 * own among them; Beltagy et al., Longformer, 2020. `softcap`: scores become softcap * tanh(score / softcap) before the
 * mask; Gemma 2, 2024.
 */
export const attentionOp: OpDef = {
  name: "attention",
  infer([q, k, v, segments], attrs) {
    floats(q, k, v);
    for (const x of [q!, k!, v!]) if (x.dims.length !== 4) throw new GraphError("q, k and v have four axes");
    const [batch, seq, head, dim] = q!.dims as [Axis, Axis, Axis, Axis];
    const [keyBatch, ctx, kv, keyDim] = k!.dims as [Axis, Axis, Axis, Axis];
    if (!sameDims(k!.dims, v!.dims)) throw new GraphError("k and v differ");
    if (!sameAxis(batch, keyBatch) || !sameAxis(dim, keyDim))
      throw new GraphError("q and k differ in batch or in head width");
    const group = Number(head.size) / Number(kv.size);
    if (!Number.isInteger(group))
      throw new GraphError(`${printSize(head.size)} heads do not share ${printSize(kv.size)} key heads evenly`);
    if (
      segments !== undefined &&
      !(segments.dims.length === 1 && sameAxis(segments.dims[0]!, seq) && sameSize(ctx.size, seq.size))
    )
      throw new GraphError("segments are [seq], and need the context to be this run's");
    if (segments !== undefined && segments.dtype !== "i32")
      throw new GraphError(`segments are i32, not ${segments.dtype}`);
    checkRule(attrs);
    return { dims: q!.dims, dtype: "f32" };
  },
  decompose([q, k, v, segments], attrs) {
    const [batch, seq, head, dim] = q!.dims as [Axis, Axis, Axis, Axis];
    const { 1: ctx, 2: kv } = k!.dims as readonly [Axis, Axis, Axis, Axis];
    const [b, s, d] = [batch.name, seq.name, dim.name];
    // The group goes into the rows: every key head then meets one tall matrix of queries, and nothing is repeated.
    const shared = axis("shared", kv.size);
    const group = axis("group", divideSizes(head.size, kv.size));
    const key = axis("key", ctx.size);
    const grouped = relabel<string>(mul(q!, Number(attrs.scale)), { [head.name]: fuse(shared, group) });
    const queries = rearrange(grouped, `${grouped.axes} -> ${b} shared group*${s} ${d}`);
    const context = { [ctx.name]: key, [kv.name]: shared };
    const keys = relabel<string>(k!, context);
    const values = relabel<string>(v!, context);
    const scores = matmul<string>(queries, rearrange(keys, `${keys.axes} -> ${b} shared key ${d}`));
    const [window, softcap] = [attrs.window as number | undefined, attrs.softcap as number | undefined];
    const capped = softcap === undefined ? scores : mul(tanh(div(scores, softcap)), softcap);
    const masked = maskScores(capped, { seq, key, causal: attrs.causal === true, window, segments, group });
    const mixed = matmul<string>(softmax(masked), rearrange(values, `${values.axes} -> ${b} shared ${d} key`));
    return relabel(rearrange(mixed, `${mixed.axes} -> ${b} ${s} shared*group ${d}`), { "shared*group": head });
  },
};

function checkRule({ causal, window, softcap }: Attrs): void {
  if (window !== undefined && !(Number.isInteger(window) && Number(window) >= 1 && Number(window) < 2 ** 31))
    throw new GraphError(`a window is a whole number of keys from 1 to 2^31 - 1, not ${window}`);
  if (window !== undefined && causal !== true)
    throw new GraphError("a window counts keys back from each row: it needs causal attention");
  if (softcap !== undefined && !(Number.isFinite(softcap) && Number(softcap) > 0))
    throw new GraphError(`a softcap is a finite number above 0, not ${softcap}`);
}

interface Mask {
  readonly seq: Axis;
  readonly key: Axis;
  readonly group: Axis;
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly segments: Value | undefined;
}

/** Below every score that float32 attention can give, and still finite: the row maximum stays a number. */
const MASKED = -1e30;

function maskScores(scores: Value, { seq, key, group, causal, window, segments }: Mask): Value {
  const square = { dims: [seq, key] };
  let visible: Value<string> | undefined;
  if (causal) {
    const row = broadcast<string>(iota(seq, subtractSizes(key.size, seq.size)), square);
    const column = broadcast<string>(iota(key), square);
    visible = less(column, add(row, 1));
    if (window !== undefined) visible = and(visible, less(sub(row, window), column));
  }
  if (segments !== undefined) {
    const other = relabel(segments, { [seq.name]: key });
    const same = equal(broadcast<string>(segments, square), broadcast<string>(other, square));
    visible = visible === undefined ? same : and(visible, same);
  }
  if (visible === undefined) return scores;
  const rows = broadcast<string>(visible, { dims: [group, seq, key] });
  const folded = rearrange(rows, `${rows.axes} -> group*${seq.name} key`);
  return where(broadcast(folded, scores), scores, MASKED);
}

export interface AttentionOptions<S extends string> {
  /** What the scores are multiplied by: dim^-0.5 as a rule. */
  readonly scale: number;
  readonly causal: boolean;
  readonly segments?: Value<S> | undefined;
  /**
   * How many keys a row sees at most, its own among them; all unless given. It needs `causal`. A session still keeps
   * every row of its past.
   */
  readonly window?: number | undefined;
  /** Scores are squeezed into (-softcap, softcap): softcap * tanh(score / softcap). */
  readonly softcap?: number | undefined;
}

/**
 * See {@link attentionOp}: scaled dot-product attention over grouped heads.
 * @throws GraphError for heads that do not share evenly, a window below 1 or without `causal`, a softcap of 0 or less
 */
export function attention<
  B extends string,
  S extends string,
  C extends string,
  H extends string,
  K extends string,
  D extends string,
>(
  q: Value<`${B} ${S} ${H} ${D}`>,
  k: Value<`${NoInfer<B>} ${C} ${K} ${NoInfer<D>}`>,
  v: Value<`${NoInfer<B>} ${NoInfer<C>} ${NoInfer<K>} ${NoInfer<D>}`>,
  { scale, causal, segments, window, softcap }: AttentionOptions<NoInfer<S>>,
): Value<`${B} ${S} ${H} ${D}`> {
  return emit(attentionOp, segments === undefined ? [q, k, v] : [q, k, v, segments], {
    scale,
    causal,
    ...(window !== undefined && { window }),
    ...(softcap !== undefined && { softcap }),
  });
}

import { type Axis, axis, fuse } from "../graph/axis.js";
import { divideSizes, printSize, sameSize, subtractSizes } from "../graph/size.js";
import { emit, floats, GraphError, type OpDef, sameAxis, sameDims, type Value } from "../graph/value.js";
import { softmax } from "./activation.js";
import { add, and, broadcast, equal, less, mul, where } from "./elementwise.js";
import { iota } from "./leaves.js";
import { matmul } from "./matmul.js";
import { rearrange, relabel } from "./shape.js";

/**
 * Scaled dot-product attention, grouped queries included: q `[batch seq head dim]`, k and v `[batch ctx kv dim]`, where
 * head = kv * group and query head h reads key head floor(h / group): attrs `scale`, `causal`. With `causal` the queries
 * are the last of the context: row i sees the keys up to ctx - seq + i. A fourth input, segments i32 `[seq]`, keeps
 * packed samples apart; it needs ctx = seq. Vaswani et al., 2017; Ainslie et al., GQA, 2023.
 */
export const attentionOp: OpDef = {
  name: "attention",
  infer([q, k, v, segments]) {
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
    const masked = maskScores(scores, { seq, key, causal: attrs.causal === true, segments, group });
    const mixed = matmul<string>(softmax(masked), rearrange(values, `${values.axes} -> ${b} shared ${d} key`));
    return relabel(rearrange(mixed, `${mixed.axes} -> ${b} ${s} shared*group ${d}`), { "shared*group": head });
  },
};

interface Mask {
  readonly seq: Axis;
  readonly key: Axis;
  readonly group: Axis;
  readonly causal: boolean;
  readonly segments: Value | undefined;
}

/** Below every score that float32 attention can give, and still finite: the row maximum stays a number. */
const MASKED = -1e30;

function maskScores(scores: Value, { seq, key, group, causal, segments }: Mask): Value {
  const square = { dims: [seq, key] };
  let visible: Value<string> | undefined;
  if (causal) {
    const row = broadcast<string>(iota(seq, subtractSizes(key.size, seq.size)), square);
    visible = less(broadcast<string>(iota(key), square), add(row, 1));
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
}

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
  { scale, causal, segments }: AttentionOptions<NoInfer<S>>,
): Value<`${B} ${S} ${H} ${D}`> {
  return emit(attentionOp, segments === undefined ? [q, k, v] : [q, k, v, segments], { scale, causal });
}

import type { Size, Value } from "@hulu/core";
import type { Emission, Emitter } from "../emission.js";
import type { TfTensor } from "../runtime.js";
import { FEW_ROWS, product } from "./products.js";

/** Below every score that float32 attention can give, and still finite. */
const MASKED = -1e30;

/** What is known of attention here. An attribute that is not must not be passed over. */
const KNOWN: ReadonlySet<string> = new Set(["scale", "causal", "window", "softcap"]);

export function supportsAttention(node: Value): true | string {
  const unknown = Object.entries(node.attrs).find(([name, value]) => !KNOWN.has(name) && value !== undefined);
  if (unknown !== undefined) return `attention with ${unknown[0]} is expanded`;
  const fixed = (size: Size | undefined) => typeof size === "number" && size > 0;
  const [, , head, dim] = node.dims;
  const kv = node.inputs[1]!.dims[2];
  if (node.inputs.length > 4 || ![head, dim, kv].every((axis) => fixed(axis?.size)))
    return "the number of heads and their width must be fixed";
  return true;
}

/**
 * The query heads of one key head are rows that meet its keys in one product. With many rows each key head has products of
 * its own, and only one head's scores are in memory at a time.
 */
export const attention: Emitter = (e, node) => {
  const { tf } = e;
  const [q, k, v] = node.inputs.map((x) => e.full(x)) as [TfTensor, TfTensor, TfTensor];
  const [batch, seq, head, dim] = q.shape as [number, number, number, number];
  const [, ctx, kv] = k.shape as [number, number, number];
  // Nobody sees anything: what is mixed of nothing is nothing.
  if (ctx === 0) return tf.zeros(q.shape);
  const group = head / kv;
  const [count, rows] = [batch * kv, group * seq];
  const scaled = tf.mul(q, Number(node.attrs.scale));
  const grouped = tf.transpose(tf.reshape(scaled, [batch, seq, kv, group, dim]), [0, 2, 3, 1, 4]);
  const queries = tf.reshape(grouped, [count, rows, dim]);
  const values = tf.reshape(tf.transpose(v, [0, 2, 1, 3]), [count, ctx, dim]);
  const mask = maskOf(e, node, seq, ctx);
  const softcap = node.attrs.softcap as number | undefined;
  const weights = (scores: TfTensor): TfTensor => {
    const capped = softcap === undefined ? scores : tf.mul(tf.tanh(tf.div(scores, softcap)), softcap);
    if (mask === undefined) return tf.softmax(capped);
    const squares = tf.reshape(capped, [scores.size / (seq * ctx), seq, ctx]);
    return tf.reshape(tf.softmax(tf.add(squares, mask)), scores.shape);
  };
  const mixed =
    rows <= FEW_ROWS
      ? tf.matMul(weights(tf.matMul(queries, keysAs(e, k, [0, 2, 1, 3]), false, true)), values)
      : headByHead(e, weights, { queries, keys: keysAs(e, k, [0, 2, 3, 1]), values });
  const back = tf.transpose(tf.reshape(mixed, [batch, kv, group, seq, dim]), [0, 3, 1, 2, 4]);
  return tf.reshape(back, [batch, seq, head, dim]);
};

/** `[batch ctx kv dim]` with the axes in another order, batch and key head as one. */
function keysAs({ tf }: Emission, k: TfTensor, order: readonly number[]): TfTensor {
  const moved = tf.transpose(k, [...order]);
  return tf.reshape(moved, [moved.shape[0]! * moved.shape[1]!, moved.shape[2]!, moved.shape[3]!]);
}

interface Heads {
  /** `[batch*kv group*seq dim]`. */
  readonly queries: TfTensor;
  /** `[batch*kv dim ctx]`. */
  readonly keys: TfTensor;
  /** `[batch*kv ctx dim]`. */
  readonly values: TfTensor;
}

function headByHead(e: Emission, weights: (scores: TfTensor) => TfTensor, heads: Heads): TfTensor {
  const { tf } = e;
  const [queries, keys, values] = [heads.queries, heads.keys, heads.values].map((t) => tf.unstack(t)) as [
    TfTensor[],
    TfTensor[],
    TfTensor[],
  ];
  return tf.stack(queries.map((q, i) => tf.tidy(() => product(e, weights(product(e, q, keys[i]!)), values[i]!))));
}

/** What is added to the scores, `[seq ctx]`: 0 where a query sees a key, else what no score outweighs. */
function maskOf(e: Emission, node: Value, seq: number, ctx: number): TfTensor | undefined {
  const causal = node.attrs.causal === true;
  const window = (node.attrs.window as number | undefined) ?? ctx;
  const segments = node.inputs[3] && e.full(node.inputs[3]).dataSync();
  // One query is the last of its context, and without a window sees all of it.
  if (segments === undefined && (!causal || (seq === 1 && window >= ctx))) return undefined;
  const make = () => {
    const bias = new Float32Array(seq * ctx);
    for (let row = 0; row < seq; row++)
      for (let key = 0; key < ctx; key++) {
        // The queries are the last of the context.
        const back = ctx - seq + row - key;
        const behind = !causal || (back >= 0 && back < window);
        if (!behind || segments?.[row] !== segments?.[key]) bias[row * ctx + key] = MASKED;
      }
    return e.tf.tensor2d(bias, [seq, ctx]);
  };
  return segments === undefined ? e.once(`causal ${seq} ${ctx} ${window}`, make) : make();
}

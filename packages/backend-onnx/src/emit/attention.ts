import { multiplySizes, ops, type Size, type Value } from "@hulu/core";
import { type Emission, hintOf, isFixed, sizesOf } from "../emission.js";
import { pastInput } from "./leaves.js";
import { productOfRows } from "./primitives.js";

const APPEND = ops.appendOp;

/** Whether a node is the causal attention of a session: over keys and values that are appended to states. */
const overSession = (node: Value): boolean => node.inputs[1]!.op === APPEND && node.inputs[2]!.op === APPEND;

/**
 * Two forms are claimed: without mask, which ONNX Runtime computes in blocks (O(n) memory), and causal behind a session's
 * past, which reads the cache where it lies.
 */
export function supportsAttention(node: Value): true | string {
  const [q, k, , segments] = node.inputs as [Value, Value, Value, Value?];
  const [head, dim] = q.dims.slice(2).map((d) => d.size) as [Size, Size];
  const kv = k.dims[2]!.size;
  if (segments !== undefined) return "no kernel keeps segments apart";
  if (!isFixed(head) || !isFixed(dim) || !isFixed(kv)) return "the number of heads and their width must be fixed";
  // A scale of 0 asks these kernels for their default.
  if (Number(node.attrs.scale) === 0) return "a scale of 0 cannot be said";
  if (node.attrs.causal !== true) return supportsBidirectional(node, head === kv);
  if (!overSession(node)) return "GroupQueryAttention needs keys and values that are appended to a session";
  if (dim % 8 !== 0) return `GroupQueryAttention takes heads of a multiple of 8, not of ${dim}`;
  return true;
}

function supportsBidirectional(node: Value, keyHeadForEach: boolean): true | string {
  if (node.attrs.softcap !== undefined) return "MultiHeadAttention has no softcap";
  return keyHeadForEach ? true : "MultiHeadAttention has a key head for each query head";
}

/** Behind a session, attention reads the new rows and the storage, not what `append` makes of them. */
export function usedByAttention(node: Value): readonly Value[] {
  if (node.attrs.causal !== true) return node.inputs;
  const [q, k, v] = node.inputs as [Value, Value, Value];
  return [q, k.inputs[1]!, v.inputs[1]!];
}

export function emitAttention(e: Emission, node: Value): void {
  if (node.attrs.causal === true) emitCached(e, node);
  else emitBidirectional(e, node);
}

/** `[batch, seq, head*dim]`: heads side by side, as these kernels take and give them. */
const flat = (value: Value): readonly Size[] => {
  const [batch, seq, head, dim] = sizesOf(value.dims) as [Size, Size, Size, Size];
  return [batch, seq, multiplySizes(head, dim)];
};

function emitBidirectional(e: Emission, node: Value): void {
  const [q, k, v] = node.inputs as [Value, Value, Value];
  const mixed = e.node(
    "MultiHeadAttention",
    [q, k, v].map((x) => e.view(x, flat(x))),
    {
      domain: "com.microsoft",
      attributes: { num_heads: { int: q.dims[2]!.size as number }, scale: { float: Number(node.attrs.scale) } },
      hint: hintOf(node),
    },
  );
  e.define(node, mixed, flat(node));
}

/** What both forms of cached attention read, by name. */
interface Cached {
  readonly q: string;
  readonly keyRows: string;
  readonly valueRows: string;
  readonly pastKeys: string;
  readonly pastValues: string;
  readonly heads: number;
  readonly kv: number;
  readonly dim: number;
  readonly scale: number;
  readonly window: number | undefined;
  readonly softcap: number | undefined;
  readonly hint: string;
  /** The shapes, as int64s, of the queries and of the new rows for `onePosition`, and of the result. */
  readonly shapes: { readonly queries: string; readonly rows: string; readonly mixed: string };
}

/**
 * One position reads the cache with plain products (1.5 to 1.8 times faster than GroupQueryAttention, which copies the
 * cache); more positions go through GroupQueryAttention. Both are in one model, so that the packed weights are held once.
 */
function emitCached(e: Emission, node: Value): void {
  const [q, k, v] = node.inputs as [Value, Value, Value];
  const [pastKeys, keys] = k.inputs as [Value, Value];
  const [pastValues, values] = v.inputs as [Value, Value];
  const cached: Cached = {
    q: e.view(q, flat(q)),
    keyRows: e.view(keys, flat(keys)),
    valueRows: e.view(values, flat(values)),
    pastKeys: pastInput(e, pastKeys),
    pastValues: pastInput(e, pastValues),
    heads: q.dims[2]!.size as number,
    kv: k.dims[2]!.size as number,
    dim: q.dims[3]!.size as number,
    scale: Number(node.attrs.scale),
    window: node.attrs.window as number | undefined,
    softcap: node.attrs.softcap as number | undefined,
    hint: hintOf(node),
    shapes: onePositionShapes(e, q, k),
  };
  const decoding = e.input("decoding", "bool", [1]);
  const lengths = [e.input("seqlens_k", "i32", ["batch"]), e.input("total_sequence_length", "i32", [1])] as const;
  const fill = cacheFill(e, cached.pastKeys, pastKeys.dims[1]!.size, cached.window);
  const one = e.branch(() => onePosition(e, cached, fill));
  const many = e.branch(() => manyPositions(e, cached, lengths));
  const graph = (name: string, { nodes, result }: typeof one) => ({
    graph: {
      name: `${cached.hint}/${name}`,
      nodes,
      initializers: [],
      inputs: [],
      outputs: [{ name: result, type: "f32" as const }],
    },
  });
  const mixed = e.node("If", [decoding], {
    attributes: { then_branch: graph("one", one), else_branch: graph("many", many) },
    hint: cached.hint,
  });
  e.define(node, mixed, flat(node));
}

interface CacheFill {
  /** How many positions the storage has, int64[1]. */
  readonly capacity: string;
  /** What is added to their scores: 0 where one position sees them, and elsewhere what no score outweighs. */
  readonly bias: string;
}

/** One position sees what is filled, or the last `window - 1` of that and itself. */
function cacheFill(e: Emission, past: string, length: Size, window: number | undefined): CacheFill {
  const capacity = e.once("cache capacity", () =>
    e.node("Shape", [past], { attributes: { start: { int: 2 }, end: { int: 3 } }, hint: "cache_capacity" }),
  );
  const bias = e.once(window === undefined ? "cache bias" : `cache bias of ${window}`, () => {
    const hint = window === undefined ? "cache_bias" : `cache_bias_${window}`;
    const limit = e.node("Reshape", [capacity, e.constant("i64", [])], { hint });
    const places = e.node("Range", [e.constant("i64", [0], []), limit, e.constant("i64", [1], [])], { hint });
    const filled = e.node("Less", [places, e.size(length)], { hint });
    const seen =
      window === undefined ? filled : e.node("And", [filled, within(e, places, length, window, hint)], { hint });
    return e.node("Where", [seen, e.constant("f32", [0], []), e.constant("f32", [-1e30], [])], { hint });
  });
  return { capacity, bias };
}

/** The places from which the position behind `length` others is less than `window` away. */
function within(e: Emission, places: string, length: Size, window: number, hint: string): string {
  const out = e.node("Sub", [e.size(length), e.constant("i64", [window])], { hint });
  return e.node("Less", [out, places], { hint });
}

/** One position or none: their count is a factor of the rows. */
function onePositionShapes(e: Emission, q: Value, k: Value): Cached["shapes"] {
  const [batch, seq, head, dim] = sizesOf(q.dims) as [Size, Size, number, number];
  const kv = k.dims[2]!.size as number;
  const count = multiplySizes(batch, seq);
  return {
    queries: e.shape([1, kv, multiplySizes(count, head / kv), dim]),
    rows: e.shape([1, kv, count, dim]),
    mixed: e.shape(flat(q)),
  };
}

/** The query heads of one key head are the rows of a product with the cache; softmax runs over cache and new row together. */
function onePosition(e: Emission, c: Cached, { bias, capacity }: CacheFill): string {
  const hint = `${c.hint}/one`;
  const to = (x: string, shape: string) =>
    e.node("Reshape", [x, shape], { attributes: { allowzero: { int: 1 } }, hint });
  const q = to(c.q, c.shapes.queries);
  const key = to(c.keyRows, c.shapes.rows);
  const value = to(c.valueRows, c.shapes.rows);
  const scored = (keys: string) => capped(e, productOfRows(e, q, keys, hint, c.scale), c.softcap, hint);
  const past = e.node("Add", [scored(c.pastKeys), bias], { hint });
  const scores = e.concat([past, scored(key)], 3, hint);
  const weights = e.node("Softmax", [scores], { attributes: { axis: { int: -1 } }, hint });
  const part = (from: string, end: string) => e.node("Slice", [weights, from, end, e.constant("i64", [3])], { hint });
  const ofPast = e.node("MatMul", [part(e.size(0), capacity), c.pastValues], { hint });
  const ofNew = e.node("MatMul", [part(capacity, e.constant("i64", [Number.MAX_SAFE_INTEGER])), value], { hint });
  return to(e.node("Add", [ofPast, ofNew], { hint }), c.shapes.mixed);
}

/** softcap * tanh(score / softcap). */
function capped(e: Emission, scores: string, softcap: number | undefined, hint: string): string {
  if (softcap === undefined) return scores;
  const cap = e.constant("f32", [softcap], []);
  return e.node("Mul", [e.node("Tanh", [e.node("Div", [scores, cap], { hint })], { hint }), cap], { hint });
}

/** GroupQueryAttention. Its second and third result must be named although nobody reads them: else it ignores the past. */
function manyPositions(e: Emission, c: Cached, lengths: readonly [string, string]): string {
  const inputs = [c.q, c.keyRows, c.valueRows, c.pastKeys, c.pastValues, ...lengths];
  return e.nodeOf("GroupQueryAttention", inputs, {
    domain: "com.microsoft",
    attributes: {
      num_heads: { int: c.heads },
      kv_num_heads: { int: c.kv },
      scale: { float: c.scale },
      do_rotary: { int: 0 },
      ...(c.window !== undefined && { local_window_size: { int: c.window } }),
      ...(c.softcap !== undefined && { softcap: { float: c.softcap } }),
    },
    hint: `${c.hint}/many`,
    outputs: 3,
  })[0]!;
}

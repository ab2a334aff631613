import type { Launch, LaunchChoice, Params } from "../kernel.js";
import { grid, KernelError } from "../layout.js";
import { type BoundRows, boundPieces } from "./attention-pieces.js";
import type { AttentionBuffer, AttentionParam } from "./attention-reference.js";

type P = Params<AttentionParam>;
type AttentionLaunch = Launch<AttentionParam, AttentionBuffer>;

/** Rows of `partial`, the mixes of parts that there is room for: as many for calls of every size. */
export const PARTIAL_ROWS = 2048;
/** A row is put together from so many parts at most, and a part has so many keys at least. */
const MOST_PARTS = 128;
const LEAST_KEYS = 64;
/** So many workgroups keep a device busy; a call that has fewer is cut into parts. */
const BUSY = 256;
/** Rows of a key head that one workgroup of `decode` takes, and up to which it is the better one. */
const DECODE_ROWS = 8;
const DECODE_MOST = 16;
/** Threads of a workgroup of `combine`. */
const COMBINE = 64;

const WIDTHS = [64, 96, 128, 256];

/**
 * A few rows that share a key head: `decode`, over parts of the context. Else tiles of rows, by the width of a head. Parts are
 * put together by `combine`. What is over a limit goes frame by frame, some queries at a time, and the keys that can be bound at
 * once are the parts of a row.
 * @throws KernelError for sizes that are no attention, and for a head wider than 256
 */
export function attentionLaunches(call: P, choice: LaunchChoice): readonly AttentionLaunch[] {
  if (call.batch * call.seq * call.heads === 0) return [];
  check(call);
  const { batch, seq, ctx, heads, kv, dim } = call;
  const { maxStorageBufferBindingSize: bytes, maxComputeWorkgroupsPerDimension: most } = choice.limits;
  const fits = Math.max(batch * seq * heads, batch * ctx * kv) * dim * 4 <= bytes;
  const shape = shapeOf(call, choice);
  if (fits && Math.max(batch, shape.blocks(seq)) <= most)
    return ofPiece(call, choice, { frames: batch, seq, at: ctx - seq, keys: [{ from: 0, to: ctx }] });
  return Array.from({ length: batch }, (_, frame) => frame).flatMap((frame) => ofFrame(call, choice, frame));
}

/** Which entry does it, and how many workgroups take so many queries of a key head. */
function shapeOf({ seq, heads, kv, dim }: P, { preset }: LaunchChoice) {
  const few = (seq * heads) / kv <= DECODE_MOST;
  const rows = few ? DECODE_ROWS : 4 * (preset.constants.TEAMS ?? 8);
  const entry = few ? "decode" : `tile${WIDTHS.find((width) => dim <= width)}`;
  return { few, entry, blocks: (queries: number) => Math.ceil((queries * heads) / kv / rows) };
}

/** Queries, of whole frames or of a piece of one, with all keys of theirs in as many bindings as it takes. */
interface Piece {
  readonly frames: number;
  readonly seq: number;
  /** Where the first query stands in the context. */
  readonly at: number;
  readonly queries?: BoundRows;
  readonly keys: readonly { readonly from: number; readonly to: number; readonly bound?: BoundRows }[];
}

function ofPiece(call: P, choice: LaunchChoice, { frames: batch, seq, at, queries, keys }: Piece): AttentionLaunch[] {
  const { few, entry, blocks } = shapeOf(call, choice);
  const most = choice.limits.maxComputeWorkgroupsPerDimension;
  const rows = batch * seq * call.heads;
  const wanted = partsOf({ ...call, batch, seq }, blocks(seq), few);
  const room = Math.floor(roomFor(call, choice) / (rows * keys.length));
  const cuts = Math.max(1, Math.min(wanted, room, few ? most : Math.floor(most / call.kv)));
  const parts = cuts * keys.length;
  const partial = [0, parts > 1 ? rows * parts : 1] as const;
  const bound = { partial, ...(queries && { q: queries.rows, y: queries.rows }) };
  // Where no row looks at its place, there may be more queries than keys.
  const common = { batch, seq, at: Math.max(0, at), parts, cuts, query0: queries?.skip ?? 0 };
  const mixes = keys.map(
    ({ from, to, bound: held }, i): AttentionLaunch => ({
      entry,
      workgroups: few ? [cuts, call.kv * blocks(seq), batch] : [blocks(seq), call.kv * cuts, batch],
      params: { ...common, begin: from, end: to, key0: held?.skip ?? 0, part0: i * cuts },
      rows: { ...bound, ...(held && { k: held.rows, v: held.rows }) },
    }),
  );
  if (parts === 1) return mixes;
  const [last] = mixes.slice(-1);
  return [...mixes, { ...last!, entry: "combine", workgroups: grid(rows * call.dim, COMBINE, most) }];
}

/** One frame, in pieces that can be bound. */
function ofFrame(call: P, choice: LaunchChoice, frame: number): AttentionLaunch[] {
  const { seq, ctx, heads, kv, dim } = call;
  const { limits } = choice;
  const keys = boundPieces(frame * ctx, (frame + 1) * ctx, kv * dim * 4, limits).map((bound) => ({
    from: bound.from - frame * ctx,
    to: bound.to - frame * ctx,
    bound,
  }));
  // Rows whose parts find room, and whose blocks find workgroups.
  const room = keys.length > 1 ? Math.floor(roomFor(call, choice) / (heads * keys.length)) : seq;
  const perBlock = shapeOf(call, choice).few ? seq : Math.floor((limits.maxComputeWorkgroupsPerDimension * kv) / heads);
  const most = Math.min(room, Math.max(1, perBlock));
  if (most === 0)
    throw new KernelError(
      `attention: ${heads} heads over ${keys.length} bindings of keys are too many for this device`,
    );
  return boundPieces(frame * seq, (frame + 1) * seq, heads * dim * 4, limits, most).flatMap((queries) =>
    ofPiece(call, choice, {
      frames: 1,
      seq: queries.to - queries.from,
      at: ctx - seq + queries.from - frame * seq,
      queries,
      keys,
    }),
  );
}

const roomFor = ({ dim }: P, { limits }: LaunchChoice): number =>
  Math.min(PARTIAL_ROWS, Math.floor(limits.maxStorageBufferBindingSize / ((dim + 2) * 4)));

/** Into how many parts the context is best cut: as many as keep the device busy, and have keys enough. */
function partsOf({ batch, seq, ctx, kv, window }: P, blocks: number, few: boolean): number {
  const keys = window > 0 ? Math.min(ctx, window + seq) : ctx;
  const busy = few ? MOST_PARTS : Math.ceil(BUSY / (blocks * kv * batch));
  return Math.min(busy, Math.floor(keys / LEAST_KEYS), MOST_PARTS);
}

function check({ seq, ctx, heads, kv, dim, causal, segments }: P): void {
  const bad = (what: string) => {
    throw new KernelError(`attention: ${what}`);
  };
  if (!(dim >= 1 && dim <= 256)) bad(`heads are 1 to 256 wide, not ${dim}`);
  if (kv === 0 || heads % kv !== 0) bad(`${heads} heads do not share ${kv} key heads evenly`);
  if (ctx === 0 || (causal && ctx < seq)) bad(`${seq} queries are not the last of ${ctx} keys`);
  if (segments && ctx !== seq) bad(`with segments the context is this run's, but ctx is ${ctx} and seq ${seq}`);
}

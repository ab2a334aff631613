import type { Cases } from "../cases.js";
import type { Params } from "../kernel.js";
import type { Random } from "../random.js";
import type { AttentionBuffer, AttentionParam } from "./attention-reference.js";

const plain = { batch: 1, past: 0, kv: 1, group: 1, dim: 8, causal: 1, window: 0, capped: 0, packed: 0 };
const full = { ...plain, causal: 0 };

/** Sizes around the edges of both tiles (32 or 64 rows, 32 keys; 8 rows, 32 or 64 keys) and of the widths of the entries. */
export const attentionCases: Cases<AttentionParam, AttentionBuffer> = {
  sizes: {
    batch: [0, 2],
    seq: [0, 40],
    past: [0, 70],
    kv: [1, 2],
    group: [1, 4],
    dim: [1, 40],
    causal: [0, 1],
    window: [0, 40],
    capped: [0, 1],
    packed: [0, 1],
  },
  always: [
    { ...plain, seq: 1, dim: 1 },
    { ...full, seq: 31, dim: 32 },
    { ...full, seq: 32, dim: 65 },
    { ...full, batch: 2, seq: 33, dim: 72 },
    { ...plain, seq: 65, dim: 20 },
    { ...plain, seq: 17, past: 50, kv: 2, group: 3, dim: 128 },
    { ...plain, seq: 5, past: 30, group: 4, dim: 129 },
    { ...plain, seq: 64, past: 3, window: 7 },
    { ...plain, seq: 20, past: 200, kv: 1, group: 2, window: 90 },
    { ...full, seq: 70, packed: 1 },
    // More queries than keys.
    { ...full, seq: 9, past: -4, group: 2 },
    { ...full, batch: 2, seq: 40, past: -30, dim: 20 },
    { ...plain, seq: 40, group: 2, packed: 1, capped: 1 },
    // Parts of different sizes, by tiles and of few rows.
    { ...plain, seq: 17, past: 200, group: 2, window: 150 },
    { ...plain, seq: 1, past: 159, group: 2 },
    // Few rows.
    { ...plain, seq: 1, past: 127, kv: 2, group: 4, dim: 128 },
    { ...plain, seq: 1, past: 128, group: 3, dim: 16, window: 5 },
    { ...plain, seq: 3, past: 300, kv: 2, group: 3, dim: 20, window: 100, capped: 1 },
    { ...plain, batch: 2, seq: 2, past: 62, dim: 256 },
    { ...plain, seq: 9, past: 64, group: 1, dim: 6 },
  ],
  exact: false,
  make: (sizes, random) => {
    const { batch = 1, seq = 1, past = 0, kv = 1, group = 1, dim = 8, causal = 1, capped = 0, packed = 0 } = sizes;
    const ctx = Math.max(1, seq + (packed ? 0 : past));
    const rows = packed ? ctx : seq;
    const params: Params<AttentionParam> = {
      batch,
      seq: rows,
      ctx,
      heads: kv * group,
      kv,
      dim,
      scale: dim ** -0.5,
      causal,
      window: causal ? (sizes.window ?? 0) : 0,
      softcap: capped ? 5 : 0,
      segments: packed,
    };
    return {
      params,
      inputs: {
        q: random.numbers(batch * rows * kv * group * dim),
        k: random.numbers(batch * ctx * kv * dim),
        v: random.numbers(batch * ctx * kv * dim),
        ...(packed && { segments: packedSamples(rows, random) }),
      },
    };
  },
  bench: {
    "prefill, 7B": { ...plain, seq: 2048, kv: 4, group: 7, dim: 128 },
    "decode, 7B": { ...plain, seq: 1, past: 4095, kv: 4, group: 7, dim: 128 },
    "vision, 16 frames": { ...full, batch: 16, seq: 729, kv: 16, dim: 72 },
    "vision, packed": { ...full, seq: 4096, kv: 16, dim: 72, packed: 1 },
  },
};

/** Samples of some rows each, one behind the other; sometimes the numbers of their segments come back. */
function packedSamples(rows: number, random: Random): Int32Array {
  const out = new Int32Array(rows);
  for (let i = 1; i < rows; i++) out[i] = random.unit() < 0.1 ? Math.floor(random.unit() * 4) - 1 : out[i - 1]!;
  return out;
}

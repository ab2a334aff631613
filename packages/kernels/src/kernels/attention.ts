import decode from "../../../../kernels/wgsl/attention/decode.wgsl";
import tile from "../../../../kernels/wgsl/attention/tile.wgsl";
import common from "../../../../kernels/wgsl/attention.wgsl";
import { defineKernel } from "../kernel.js";
import { attentionCases } from "./attention-cases.js";
import { attentionLaunches, PARTIAL_ROWS } from "./attention-launches.js";
import { attentionReference, visiblePairs } from "./attention-reference.js";

/**
 * Scaled dot-product attention in memory of O(seq + ctx). The queries are the last of the context: query i stands at
 * ctx - seq + i. Heads are at most 256 wide; `k` and `v` may be longer buffers, as those of a KV cache with room are.
 */
export const attention = defineKernel({
  name: "attention",
  formula:
    "y = softmax(mask(cap(scale q k^T))) v over each head; query head h reads key head floor(h / (heads / kv)). Vaswani et " +
    "al., 2017; Ainslie et al., GQA, 2023. In tiles with a running softmax: Dao et al., FlashAttention, 2022; its parts of " +
    "the context: Dao et al., Flash-Decoding, 2023",
  params: {
    batch: { type: "u32", about: "frames or samples; they do not see each other" },
    seq: { type: "u32", about: "queries of each" },
    ctx: { type: "u32", about: "keys of each, those of the queries at the end" },
    heads: { type: "u32", about: "heads of the queries: a multiple of kv" },
    kv: { type: "u32", about: "heads of the keys and values" },
    dim: { type: "u32", about: "numbers in a head, from 1 to 256" },
    scale: { type: "f32", about: "the scores' factor, dim^-0.5 as a rule" },
    causal: { type: "u32", about: "1: a query sees the keys up to its own" },
    window: { type: "u32", about: "with causal: how many keys a query sees, its own among them; 0: all" },
    softcap: { type: "f32", about: "scores become softcap * tanh(score / softcap); 0: they stay" },
    segments: { type: "u32", about: "1: a query sees the keys of its own segment; ctx is seq then" },
  },
  launchParams: {
    at: { type: "u32", about: "where the first query stands in the context" },
    begin: { type: "u32", about: "the first key" },
    end: { type: "u32", about: "the key behind the last" },
    query0: { type: "u32", about: "at which of the bound rows the queries begin" },
    key0: { type: "u32", about: "at which of the bound rows the keys begin" },
    cuts: { type: "u32", about: "into how many parts the keys are cut" },
    part0: { type: "u32", about: "the first of them" },
    parts: { type: "u32", about: "all parts of a row; 1: it is done" },
  },
  buffers: {
    q: { role: "input", element: "f32", shape: ({ batch, seq, heads, dim }) => [batch * seq, heads, dim] },
    k: { role: "input", element: "f32", shape: ({ batch, ctx, kv, dim }) => [batch * ctx, kv, dim] },
    v: { role: "input", element: "f32", shape: ({ batch, ctx, kv, dim }) => [batch * ctx, kv, dim] },
    segments: { role: "input", element: "i32", shape: ({ seq, segments }) => [segments * seq] },
    y: { role: "output", element: "f32", shape: ({ batch, seq, heads, dim }) => [batch * seq, heads, dim] },
    // What the parts of a row have found: its mix, its greatest score, the sum of its weights.
    partial: { role: "scratch", element: "f32", shape: ({ dim }) => [PARTIAL_ROWS, dim + 2] },
  },
  variants: [{ name: "f32", features: [], wgsl: [common, tile, decode] }],
  presets: [
    { name: "64 rows", constants: { TEAMS: 16, DECODE_THREADS: 128 }, invocations: 128, workgroupBytes: 24320 },
    { name: "32 rows", constants: { TEAMS: 8, DECODE_THREADS: 64 }, invocations: 64, workgroupBytes: 14880 },
  ],
  launches: attentionLaunches,
  reference: attentionReference,
  tolerance: ({ dim, scale, softcap }) => ({
    abs: 1e-5 + 1e-6 * dim * scale + 2e-6 * softcap,
    rel: 1e-5,
    why:
      "a mean of values of size 4, whose weights err as the scores do: a float32 dot product of dim numbers, a tanh of some " +
      "ulp times softcap, and an exponential of 3 + 2 |x| ulp",
  }),
  work: (params) => {
    const { batch, seq, ctx, heads, kv, dim } = params;
    return {
      bytes: 4 * batch * dim * (2 * seq * heads + 2 * ctx * kv),
      flops: 4 * batch * heads * dim * visiblePairs(params),
    };
  },
  cases: attentionCases,
});

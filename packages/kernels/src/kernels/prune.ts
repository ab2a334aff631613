import wgsl from "../../../../kernels/wgsl/prune.wgsl";
import { defineKernel } from "../kernel.js";
import { grid } from "../layout.js";
import { pruneCases } from "./prune/cases.js";
import { checkRule, firstIsWhole, keptByDistance, leastKept, pruneKernelRules } from "./prune/rules.js";

/** Places of a block; the same number stands in the source. */
const BLOCK = 1024;

/**
 * Which tokens of a video or volume are kept, by their distances from the frame before: their places, in order. What is decided
 * is what float64 decides of the same distances, to the last bit.
 */
export const prune = defineKernel({
  name: "prune",
  formula:
    "kept = the places that the rule keeps, and in a frame that would keep fewer than min_tokens its first min_tokens too, in " +
    "order; then -1. count = how many. Hulu-Med, Methods, and its released code",
  params: {
    frames: { type: "u32", about: "how many frames" },
    tokens: { type: "u32", about: "tokens in a frame" },
    rule: { type: "u32", about: "one of pruneKernelRules" },
    summed: {
      type: "u32",
      about:
        "numbers that each distance is the sum over, of which all rules but embedding take the mean; 1 where it is that",
    },
    threshold: { type: "f32", about: "compared with the distance in float64, as the rule says" },
    min_tokens: { type: "u32", about: "a frame that would keep fewer keeps its first ones as well" },
    continues: { type: "u32", about: "1 where these frames follow others, so that the first is like the rest" },
  },
  buffers: {
    distances: { role: "input", element: "f32", shape: ({ frames, tokens }) => [frames, tokens] },
    frame_counts: { role: "scratch", element: "u32", shape: ({ frames }) => [frames] },
    sums: { role: "scratch", element: "u32", shape: ({ frames, tokens }) => [blocks(frames * tokens)] },
    kept: { role: "output", element: "i32", shape: ({ frames, tokens }) => [frames * tokens] },
    count: { role: "output", element: "i32", shape: () => [1] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: [
    { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 1024 },
    { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 256 },
  ],
  launches(call, { limits }) {
    checkRule(call);
    const each = (count: number) => grid(count, 1, limits.maxComputeWorkgroupsPerDimension);
    // Where the first frame is whole, the released rule is that of pixels.
    const rule = firstIsWhole(call) && call.rule === pruneKernelRules.released ? pruneKernelRules.pixel : call.rule;
    const params = { rule, threshold: leastKept(call) };
    const over = each(blocks(call.frames * call.tokens));
    return [
      ...(call.min_tokens === 0 ? [] : [{ entry: "count_frames", workgroups: each(call.frames), params }]),
      { entry: "block_sums", workgroups: over, params },
      { entry: "scan_sums", workgroups: [1, 1, 1], params },
      { entry: "scatter", workgroups: over, params },
    ];
  },
  reference(params, { distances = [] }) {
    const { frames, tokens, min_tokens: least } = params;
    const kept: number[] = [];
    for (let frame = 0; frame < frames; frame++) {
      const first = frame === 0 && params.continues === 0 && params.rule !== pruneKernelRules.off;
      const keeps = (token: number) =>
        first ? firstIsWhole(params) : keptByDistance(params, distances[frame * tokens + token]!);
      const own = Array.from({ length: tokens }, (_, token) => token).filter(keeps);
      const few = own.length < least;
      for (let token = 0, next = 0; token < tokens; token++) {
        const kept_ = own[next] === token;
        if (kept_) next++;
        if (kept_ || (few && token < least)) kept.push(frame * tokens + token);
      }
    }
    const out = new Int32Array(frames * tokens).fill(-1);
    out.set(kept);
    return { kept: out, count: [kept.length] };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "places" }),
  work: ({ frames, tokens }) => ({ bytes: 8 * frames * tokens, flops: 0 }),
  cases: pruneCases,
});

function blocks(places: number): number {
  return Math.ceil(places / BLOCK);
}

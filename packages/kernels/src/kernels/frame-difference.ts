import wgsl from "../../../../kernels/wgsl/frame_difference.wgsl";
import { defineKernel } from "../kernel.js";
import { grid } from "../layout.js";

/** Frames that a workgroup takes one after the other; the same number stands in the source. */
const RUN = 8;

/** How far each token is from the one at its place in the frame before, as an L1 norm: what pruning goes by. */
export const frameDifference = defineKernel({
  name: "frame_difference",
  formula: "y[t, i] = sum |x[t, i] - x[t - 1, i]| over the width, x[-1] = before. Hulu-Med, Methods",
  params: {
    frames: { type: "u32", about: "how many frames" },
    tokens: { type: "u32", about: "tokens, or windows of pixels, in a frame" },
    width: { type: "u32", about: "numbers of each" },
  },
  buffers: {
    x: { role: "input", element: "f32", shape: ({ frames, tokens, width }) => [frames, tokens, width] },
    before: { role: "input", element: "f32", shape: ({ tokens, width }) => [tokens, width] },
    y: { role: "output", element: "f32", shape: ({ frames, tokens }) => [frames, tokens] },
  },
  variants: [{ name: "f32", features: [], wgsl: [wgsl] }],
  presets: [
    { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 8192 },
    { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 2048 },
  ],
  launches: ({ frames, tokens }, { limits }) => [
    { entry: "main", workgroups: grid(Math.ceil(frames / RUN) * tokens, 1, limits.maxComputeWorkgroupsPerDimension) },
  ],
  reference({ frames, tokens, width }, { x = [], before = [] }) {
    const y = new Float64Array(frames * tokens);
    const frame = tokens * width;
    for (let i = 0; i < frames * frame; i++)
      y[Math.floor(i / width)]! += Math.abs(x[i]! - (i < frame ? before[i]! : x[i - frame]!));
    return { y };
  },
  tolerance: ({ width }) => ({
    abs: 0,
    rel: 6e-8 * (Math.ceil(width / 64) + 45),
    why: "no terms cancel: one rounding of each, of a thread's additions, of 8 of these, and of up to 32 of those",
  }),
  work: ({ frames, tokens, width }) => ({
    bytes: 4 * tokens * ((frames + 1) * width + frames),
    flops: 3 * frames * tokens * width,
  }),
  cases: {
    sizes: { frames: [0, 20], tokens: [1, 5], width: [1, 150] },
    always: [
      { frames: 1, tokens: 1, width: 1 },
      { frames: 8, tokens: 3, width: 257 },
      { frames: 9, tokens: 2, width: 64 },
    ],
    exact: true,
    make: ({ frames = 1, tokens = 1, width = 1 }, random) => ({
      params: { frames, tokens, width },
      inputs: { x: random.numbers(frames * tokens * width), before: random.numbers(tokens * width) },
    }),
    bench: { "a chunk of tokens": { frames: 16, tokens: 256, width: 1152 } },
  },
});

import type { Tensor } from "../backend.js";
import type { Compiled } from "../compile.js";
import { FeedError } from "../graph/bind.js";
import type { visionPrograms } from "../models/vlm.js";
import { hostF32, hostI32, resultOnHost } from "../tensor.js";
import { chunksOf, type VisualFrames } from "./chunks.js";
import { checkGrid, type Grid, mergeWeights, patchPositions, tokensPerFrame, VisionError } from "./patches.js";
import { keepMask, type PruneOptions, pixelDistances } from "./prune.js";

/** A picture, or the frames of a video or volume, cut into patches. */
export interface VisualItem {
  /** Normalized pixel values, `[frame, patch, channel*py*px]`, patches in merge-block order. */
  readonly pixels: Float32Array;
  readonly grid: Grid;
  /** How many patches go into a token along each side. */
  readonly merge: number;
}

export type VisionModel = Pick<Compiled<ReturnType<typeof visionPrograms>>, "run">;

/** What `encodeVision` is fed for an item, or for some frames of it. */
export function visionFeeds({ pixels, grid, merge }: VisualItem) {
  const [frames] = grid;
  const { row, col } = patchPositions(grid, merge);
  return {
    pixels: hostF32(pixels, [frames, row.length, pixels.length / frames / row.length]),
    row: hostI32(row),
    col: hostI32(col),
    window: hostF32(mergeWeights(merge), [merge * merge]),
  };
}

export interface EncodeOptions {
  readonly prune?: PruneOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The most patches that go through the encoder at once, `PATCHES_AT_ONCE` unless given; frames are never split. */
  readonly patchesAtOnce?: number;
  /** Sees the encoder's tokens of each chunk, `[frame, token, vision]`, before pruning. */
  readonly onTokens?: (tokens: Tensor) => void | Promise<void>;
}

export interface EncodedItem {
  /** The kept tokens in the decoder's width, in parts of `[row, embed]`. */
  readonly visual: readonly Tensor[];
  /** 1 for each token that was kept. */
  readonly keep: Uint8Array;
}

/** The most patches that go through the encoder at once, unless a single frame has more. */
export const PATCHES_AT_ONCE = 1024;

/**
 * Run an item through the encoder, pruning and the projector; see `encodeFrames`, which it is a call of.
 * @throws FeedError for pixels that are not the grid's
 */
export async function encodeItem(
  model: VisionModel,
  { grid, merge, pixels }: VisualItem,
  options: EncodeOptions = {},
): Promise<EncodedItem> {
  checkGrid(grid, merge);
  const [frames, rows, columns] = grid;
  if (pixels.length % (frames * rows * columns) !== 0 || pixels.length === 0)
    throw new FeedError(
      `${pixels.length} pixel values are not a whole number for each of ${frames * rows * columns} patches`,
    );
  const size = pixels.length / frames;
  function* eachFrame() {
    for (let at = 0; at < pixels.length; at += size) yield pixels.subarray(at, at + size);
  }
  return encodeFrames(model, { frames: eachFrame(), grid, merge }, options);
}

/**
 * Run the frames of an item through the encoder, pruning and the projector, a chunk at a time: only kept tokens stay in
 * memory, and dropped ones never reach the projector. All chunks but the last are of one size, so that what a runtime holds
 * for a run serves the next.
 * @throws FeedError for frames that are not the grid's; VisionError for a grid or pruning options that cannot be; what the
 *   frames throw
 */
export async function encodeFrames(
  model: VisionModel,
  clip: VisualFrames,
  options: EncodeOptions = {},
): Promise<EncodedItem> {
  const { grid, merge } = clip;
  checkGrid(grid, merge);
  const [frames, rows, columns] = grid;
  const tokens = tokensPerFrame(grid, merge);
  const most = Math.max(1, Math.floor(patchesAtOnce(options) / (rows * columns)));
  const keep = new Uint8Array(frames * tokens);
  const visual: Tensor[] = [];
  let before: Before = {};
  let start = 0;
  try {
    for await (const { count, pixels } of chunksOf(clip, most, options.signal)) {
      const feeds = visionFeeds({ pixels, grid: [count, rows, columns], merge });
      const { tokens: encoded } = await model.run("encodeVision", feeds, signalOf(options));
      try {
        await options.onTokens?.(encoded);
        const mask = await chunkMask(model, encoded, pixels, before, options.prune);
        keep.set(mask, start * tokens);
        visual.push(...(await projectKept(model, encoded, mask, options)));
        before = start + count < frames ? await lastOf(encoded, pixels, options.prune) : {};
      } finally {
        encoded.dispose();
      }
      start += count;
    }
  } catch (error) {
    for (const part of visual) part.dispose();
    throw error;
  }
  return { visual, keep };
}

function patchesAtOnce({ patchesAtOnce = PATCHES_AT_ONCE }: EncodeOptions): number {
  if (Number.isSafeInteger(patchesAtOnce) && patchesAtOnce >= 1) return patchesAtOnce;
  throw new VisionError(`patchesAtOnce is ${patchesAtOnce}; it must be a whole number of at least 1`);
}

/** What a rule compares a chunk's first frame with: that before it, unless it is the clip's first. */
interface Before {
  /** Its patches, for the rules of pixels. */
  readonly pixels?: Float32Array;
  /** Its tokens, `[token, vision]`, for the rule of the encoder's tokens. */
  readonly tokens?: Tensor;
}

async function lastOf(encoded: Tensor, pixels: Float32Array, prune: PruneOptions | undefined): Promise<Before> {
  const [count = 1] = encoded.shape;
  if (prune === undefined || prune.rule === "off") return {};
  if (prune.rule === "embedding") return { tokens: await frameAt(encoded, count - 1) };
  // A copy: the next chunk overwrites these.
  return { pixels: pixels.slice(pixels.length - pixels.length / count) };
}

async function chunkMask(
  model: VisionModel,
  encoded: Tensor,
  pixels: Float32Array,
  before: Before,
  prune: PruneOptions | undefined,
) {
  const [count = 0, tokens = 0] = encoded.shape;
  if (prune === undefined || prune.rule === "off") return new Uint8Array(count * tokens).fill(1);
  if (prune.rule !== "embedding") {
    const distances = pixelDistances(pixels, count, tokens, before.pixels);
    return keepMask(distances, tokens, prune, before.pixels !== undefined);
  }
  // The clip's first frame has none before it; its distances are not looked at, so it may be held against itself.
  const first = before.tokens ?? (await frameAt(encoded, 0));
  const { distance } = await model.run("frameDifference", { tokens: encoded, before: first });
  try {
    return keepMask(await distance.read(), tokens, prune, before.tokens !== undefined);
  } finally {
    distance.dispose();
  }
}

async function projectKept(
  model: VisionModel,
  encoded: Tensor,
  mask: Uint8Array,
  options: EncodeOptions,
): Promise<Tensor[]> {
  const kept = Int32Array.from([...mask.keys()].filter((i) => mask[i] === 1));
  if (kept.length === 0) return [];
  const [frames = 0, tokens = 0, width = 0] = encoded.shape;
  const rows = encoded.reshape([frames * tokens, width]);
  try {
    const { visual } = await model.run("project", { tokens: rows, keep: hostI32(kept) }, signalOf(options));
    return [visual];
  } finally {
    rows.dispose();
  }
}

const signalOf = ({ signal }: EncodeOptions) => (signal === undefined ? {} : { signal });

async function frameAt(encoded: Tensor, frame: number): Promise<Tensor> {
  const [, tokens = 0, width = 0] = encoded.shape;
  const data = (await encoded.read()).slice(frame * tokens * width, (frame + 1) * tokens * width);
  return resultOnHost({ dtype: "f32", shape: [tokens, width], data });
}

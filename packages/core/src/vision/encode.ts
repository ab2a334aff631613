import type { Tensor } from "../backend.js";
import type { Compiled } from "../compile.js";
import { FeedError } from "../graph/bind.js";
import type { visionPrograms } from "../models/vlm.js";
import { hostF32, hostI32, resultOnHost } from "../tensor.js";
import { checkGrid, type Grid, mergeWeights, patchPositions, tokensPerFrame } from "./patches.js";
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
  /** The most patches that go through the encoder at once; frames are never split. */
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

/**
 * Run an item through the encoder, pruning and the projector, a chunk of frames at a time: only kept tokens stay in
 * memory, and dropped ones never reach the projector.
 */
export async function encodeItem(
  model: VisionModel,
  item: VisualItem,
  options: EncodeOptions = {},
): Promise<EncodedItem> {
  const { grid, merge, pixels } = item;
  checkGrid(grid, merge);
  const [frames, rows, columns] = grid;
  const tokens = tokensPerFrame(grid, merge);
  if (pixels.length % (frames * rows * columns) !== 0 || pixels.length === 0)
    throw new FeedError(
      `${pixels.length} pixel values are not a whole number for each of ${frames * rows * columns} patches`,
    );
  const size = pixels.length / frames;
  const chunk = Math.max(1, Math.floor((options.patchesAtOnce ?? 4096) / (rows * columns)));
  const keep = new Uint8Array(frames * tokens);
  const visual: Tensor[] = [];
  let before: Tensor | undefined;
  try {
    for (let start = 0; start < frames; start += chunk) {
      options.signal?.throwIfAborted();
      const count = Math.min(chunk, frames - start);
      const part = pixels.subarray(start * size, (start + count) * size);
      const feeds = visionFeeds({ pixels: part, grid: [count, rows, columns], merge });
      const { tokens: encoded } = await model.run("encodeVision", feeds, signalOf(options));
      try {
        await options.onTokens?.(encoded);
        const previous = start === 0 ? undefined : pixels.subarray((start - 1) * size, start * size);
        const mask = await chunkMask(model, encoded, part, { count, tokens, previous, before }, options.prune);
        keep.set(mask, start * tokens);
        visual.push(...(await projectKept(model, encoded, mask, options)));
        before = options.prune?.rule === "embedding" ? await lastFrame(encoded) : undefined;
      } finally {
        encoded.dispose();
      }
    }
  } catch (error) {
    for (const part of visual) part.dispose();
    throw error;
  }
  return { visual, keep };
}

interface Chunk {
  readonly count: number;
  readonly tokens: number;
  readonly previous: Float32Array | undefined;
  readonly before: Tensor | undefined;
}

async function chunkMask(
  model: VisionModel,
  encoded: Tensor,
  part: Float32Array,
  chunk: Chunk,
  prune: PruneOptions | undefined,
) {
  const { count, tokens, previous, before } = chunk;
  if (prune === undefined || prune.rule === "off") return new Uint8Array(count * tokens).fill(1);
  if (prune.rule !== "embedding")
    return keepMask(pixelDistances(part, count, tokens, previous), tokens, prune, previous !== undefined);
  // The clip's first frame has none before it; its distances are not looked at, so it may be held against itself.
  const first = before ?? (await firstFrame(encoded));
  const { distance } = await model.run("frameDifference", { tokens: encoded, before: first });
  const mask = keepMask(await distance.read(), tokens, prune, before !== undefined);
  distance.dispose();
  return mask;
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
  const { visual } = await model.run(
    "project",
    { tokens: encoded.reshape([frames * tokens, width]), keep: hostI32(kept) },
    signalOf(options),
  );
  return [visual];
}

const signalOf = ({ signal }: EncodeOptions) => (signal === undefined ? {} : { signal });

async function frameAt(encoded: Tensor, frame: number): Promise<Tensor> {
  const [, tokens = 0, width = 0] = encoded.shape;
  const data = (await encoded.read()).slice(frame * tokens * width, (frame + 1) * tokens * width);
  return resultOnHost({ dtype: "f32", shape: [tokens, width], data });
}
const firstFrame = (encoded: Tensor) => frameAt(encoded, 0);
const lastFrame = (encoded: Tensor) => frameAt(encoded, (encoded.shape[0] ?? 1) - 1);

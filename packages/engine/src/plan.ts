import {
  type Grid,
  keepMask,
  type PruneOptions,
  type PruneRule,
  pixelDistances,
  pruneDefaults,
  tokensPerFrame,
} from "@hulu/core";
import {
  type FrameSource,
  frameResizer,
  type PassOrder,
  type PreprocessorConfig,
  patchify,
  type RgbImage,
  type Size,
  targetSizes,
} from "@hulu/processor";
import type { PromptOptions } from "./ask-options.js";

/** How a visual input is cut up for a model: all that can be known without its weights, and without decoding a frame. */
export interface VisualPlan {
  readonly kind: FrameSource["kind"];
  /** What every frame is resized to, in pixels. */
  readonly size: Size;
  /** Frames, rows and columns of patches. */
  readonly grid: Grid;
  /** How many patches go into a token along each side. */
  readonly merge: number;
  readonly tokensPerFrame: number;
  /** Tokens before pruning. */
  readonly tokens: number;
  /** How tokens are pruned; undefined where none are: a picture, a single frame, the rule `off`. */
  readonly prune: PruneOptions | undefined;
}

export interface PlanOptions extends Pick<PromptOptions, "merge" | "aspect"> {
  /** `released` unless given. A checkpoint may switch that off: what `config.tokenCompression` of its model says. */
  readonly prune?: PruneRule | PruneOptions | undefined;
}

/**
 * The plans of all visual inputs of one prompt, whose sizes depend on one another.
 * @param preprocessor of the checkpoint; `DEFAULT_CONFIG` of `@hulu/processor` where there is none
 * @throws ProcessorError `image-size` where a frame would come out with no pixel, or with too many
 */
export function planVisual(
  inputs: readonly Pick<FrameSource, "kind" | "count" | "width" | "height">[],
  preprocessor: PreprocessorConfig,
  options: PlanOptions = {},
): VisualPlan[] {
  const merge = options.merge ?? (inputs.some(({ kind }) => kind !== "image") ? 2 : 1);
  const merges = inputs.map(() => merge);
  const sized = inputs.map(({ count, height, width }) => ({ frames: count, height, width }));
  return targetSizes(sized, merges, preprocessor, options.aspect).map((size, i) => {
    const { kind, count } = inputs[i]!;
    const { patchSize } = preprocessor;
    const grid = [count, size.height / patchSize, size.width / patchSize] as const;
    const perFrame = tokensPerFrame(grid, merge);
    const prune = kind === "image" || count === 1 ? undefined : pruning(options.prune);
    return { kind, size, grid, merge, tokensPerFrame: perFrame, tokens: count * perFrame, prune };
  });
}

function pruning(prune: PlanOptions["prune"] = "released"): PruneOptions | undefined {
  const options = typeof prune === "object" ? prune : { rule: prune };
  return options.rule === "off" ? undefined : options;
}

/** The fewest tokens that pruning can leave of an input. */
export function fewestTokens({ grid: [frames], tokensPerFrame, prune }: VisualPlan): number {
  if (prune === undefined) return frames * tokensPerFrame;
  return frames * Math.min(tokensPerFrame, prune.minTokens ?? pruneDefaults.minTokens);
}

/** A frame as the model is shown it. */
export interface PreviewFrame {
  /** Its number, from 0. */
  readonly index: number;
  /** The very pixels, resized. */
  readonly image: RgbImage;
  /**
   * 1 for each token that is kept, row by row: token i covers the square of `merge * patchSize` pixels at row
   * `floor(i / n)` and column `i % n`, with n the tokens of a row. Undefined for the rule `embedding`, which needs the model.
   */
  readonly keep: Uint8Array | undefined;
}

export interface PreviewOptions {
  readonly passOrder?: PassOrder | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The frames of an input as the model is shown them, and which of their tokens are kept, one at a time.
 * @param plan of this input
 * @throws what reading the frames throws
 */
export async function* previewFrames(
  source: FrameSource,
  plan: VisualPlan,
  preprocessor: PreprocessorConfig,
  options: PreviewOptions = {},
): AsyncGenerator<PreviewFrame> {
  const { prune, tokensPerFrame } = plan;
  let index = 0;
  let before: Float32Array | undefined;
  for await (const { image, pixels } of cutFrames(source, plan, preprocessor, options)) {
    if (prune === undefined) yield { index, image, keep: new Uint8Array(tokensPerFrame).fill(1) };
    else if (prune.rule === "embedding") yield { index, image, keep: undefined };
    else {
      const distances = pixelDistances(pixels, 1, tokensPerFrame, before);
      yield { index, image, keep: keepMask(distances, tokensPerFrame, prune, index > 0) };
      before = pixels.slice();
    }
    index++;
  }
}

/** Each frame of an input resized, and cut into the patches that the encoder takes; the next frame's overwrite them. */
export async function* cutFrames(
  source: Pick<FrameSource, "frames">,
  { size, merge }: Pick<VisualPlan, "size" | "merge">,
  preprocessor: PreprocessorConfig,
  { passOrder, signal }: PreviewOptions = {},
): AsyncGenerator<{ readonly image: RgbImage; readonly pixels: Float32Array }> {
  const resize = frameResizer(size, passOrder === undefined ? {} : { passOrder });
  let pixels: Float32Array | undefined;
  for await (const frame of source.frames({ signal })) {
    const image = resize(frame);
    pixels = patchify(image, merge, preprocessor, pixels).pixels;
    yield { image, pixels };
  }
}

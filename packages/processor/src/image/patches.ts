import type { PreprocessorConfig } from "../config.js";
import { ProcessorError } from "../errors.js";
import { type PassOrder, resizeBicubic } from "./resize.js";
import { checkRgb, type RgbImage } from "./rgb.js";
import { type Aspect, type Size, targetSizes } from "./size.js";

/** The most pixels that all frames of a call may be resized to where their patches are held whole: 6 GiB of them. */
const MAX_CALL_PIXELS = 2 ** 29;

/** Patches of one frame: `pixels` is [h*w, 3*patchSize*patchSize]. */
export interface FramePatches {
  readonly pixels: Float32Array;
  /** Patches per column and per row. */
  readonly h: number;
  readonly w: number;
}

/** Patches of a picture, video or volume, as the vision encoder takes them. */
export interface Patches {
  /**
   * `[t*h*w, 3*P*P]`: a row is one patch, its values in channel, row, column order. Rows go frame by frame, then merge
   * block by block (row-major over h/m x w/m blocks), then row-major inside a block.
   */
  readonly pixels: Float32Array;
  /** Frames, patches per column, patches per row. */
  readonly grid: readonly [t: number, h: number, w: number];
  /** Patches per side of a merge block. */
  readonly merge: number;
  readonly patchSize: number;
}

/** One visual input of a call: the frames of a picture (1), a video or a volume, and its merge size. */
export interface VisualItem {
  readonly frames: readonly RgbImage[];
  readonly merge: number;
}

export interface PatchOptions {
  readonly aspect?: Aspect;
  readonly passOrder?: PassOrder;
}

/**
 * The released image processor over all visual inputs of one call: choose sizes, resize, normalise, cut into patches.
 * All frames of an item take the first frame's target size.
 * @throws ProcessorError `image-shape`, `image-size`, `video-frames` (an item without frames).
 */
export function preprocess(
  items: readonly VisualItem[],
  config: PreprocessorConfig,
  options: PatchOptions = {},
): Patches[] {
  return patchItems(items, itemSizes(items, config, options.aspect), config, options);
}

/**
 * {@link preprocess} of items whose sizes are known: those of a call of which not all items are needed.
 * @param sizes target size of each item, pixels, from {@link targetSizes} over all items of the call
 * @throws ProcessorError as `preprocess`
 */
export function patchItems(
  items: readonly VisualItem[],
  sizes: readonly Size[],
  config: PreprocessorConfig,
  options: Pick<PatchOptions, "passOrder"> = {},
): Patches[] {
  const pixels = sizes.reduce((n, { height, width }, i) => n + items[i]!.frames.length * height * width, 0);
  if (pixels > MAX_CALL_PIXELS)
    throw new ProcessorError(
      "image-size",
      `the frames come out as ${pixels} pixels together, of at most ${MAX_CALL_PIXELS}; use fewer frames or a smaller merge size`,
    );
  return items.map((item, i) => joinFrames(item, sizes[i]!, config, options));
}

/** The target size of each item: {@link targetSizes} of the items' first frames. */
export function itemSizes(items: readonly VisualItem[], config: PreprocessorConfig, aspect: Aspect = "true"): Size[] {
  const sized = items.map(({ frames }, i) => {
    const first = frames[0];
    if (first === undefined) throw new ProcessorError("video-frames", `item ${i} has no frame`);
    return { frames: frames.length, height: first.height, width: first.width };
  });
  return targetSizes(
    sized,
    items.map(({ merge }) => merge),
    config,
    aspect,
  );
}

/**
 * One frame at a time, for a clip that should not be held whole: each step gives the rows of one frame.
 * @param size the item's target size, pixels, from {@link targetSizes}
 */
export function* streamPatches(
  frames: Iterable<RgbImage>,
  size: Size,
  merge: number,
  config: PreprocessorConfig,
  options: { readonly passOrder?: PassOrder } = {},
): Generator<FramePatches> {
  for (const frame of frames) yield framePatches(frame, size, merge, config, options);
}

/** Resizes one frame to `size`, normalises it and cuts it into patches. */
export function framePatches(
  frame: RgbImage,
  size: Size,
  merge: number,
  config: PreprocessorConfig,
  options: { readonly passOrder?: PassOrder } = {},
): FramePatches {
  return patchify(resizeBicubic(frame, size, options), merge, config);
}

function joinFrames(
  item: VisualItem,
  size: Size,
  config: PreprocessorConfig,
  options: Pick<PatchOptions, "passOrder">,
): Patches {
  const { patchSize } = config;
  const grid = [item.frames.length, size.height / patchSize, size.width / patchSize] as const;
  const perFrame = size.height * size.width * 3;
  const pixels = new Float32Array(grid[0] * perFrame);
  item.frames.forEach((frame, t) => {
    pixels.set(framePatches(frame, size, item.merge, config, options).pixels, t * perFrame);
  });
  return { pixels, grid, merge: item.merge, patchSize };
}

/**
 * Normalises a picture and cuts it into patches.
 * @param image its sides are multiples of patchSize * merge
 * @param into gets the values, where there is room for just as many: for frame after frame of a clip. A new array unless given.
 * @throws ProcessorError `image-shape` when they are not.
 */
export function patchify(
  image: RgbImage,
  merge: number,
  config: PreprocessorConfig,
  into?: Float32Array,
): FramePatches {
  checkRgb(image);
  const { patchSize: p } = config;
  const block = p * merge;
  if (!(block >= 1) || image.height % block !== 0 || image.width % block !== 0) {
    const { width, height } = image;
    throw new ProcessorError("image-shape", `${width} x ${height} pixels do not divide into blocks of ${block}`);
  }
  const h = image.height / p;
  const w = image.width / p;
  const table = normalisation(config);
  const count = h * w * 3 * p * p;
  const pixels = into?.length === count ? into : new Float32Array(count);
  let to = 0;
  for (const [row, col] of mergeOrder(h, w, merge)) {
    for (let c = 0; c < 3; c++) {
      for (let y = row * p; y < (row + 1) * p; y++) {
        let from = (y * image.width + col * p) * 3 + c;
        for (let x = 0; x < p; x++, from += 3) pixels[to++] = table[c * 256 + image.data[from]!]!;
      }
    }
  }
  return { pixels, h, w };
}

/** (row, column) of each patch in merge-block order. */
export function* mergeOrder(h: number, w: number, merge: number): Generator<readonly [row: number, col: number]> {
  for (let blockRow = 0; blockRow < h; blockRow += merge) {
    for (let blockCol = 0; blockCol < w; blockCol += merge) {
      for (let i = 0; i < merge; i++) {
        for (let j = 0; j < merge; j++) yield [blockRow + i, blockCol + j];
      }
    }
  }
}

/**
 * [3, 256]: the normalised value of every byte, per channel, each step rounded as upstream rounds it: the product with
 * 1/255 in float64, then float32; minus the mean and over the standard deviation in float32.
 */
function normalisation(config: PreprocessorConfig): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let c = 0; c < 3; c++) {
    const mean = Math.fround(config.mean[c]!);
    const std = Math.fround(config.std[c]!);
    for (let v = 0; v < 256; v++) {
      table[c * 256 + v] = Math.fround(Math.fround(v * config.rescaleFactor) - mean) / std;
    }
  }
  return table;
}

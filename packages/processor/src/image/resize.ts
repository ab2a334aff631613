import { ProcessorError } from "../errors.js";
import { kernel } from "./kernel.js";
import { type Passes, scalarPasses } from "./resize-scalar.js";
import { simdPasses } from "./resize-simd.js";
import { checkRgb, type RgbImage } from "./rgb.js";
import type { Size } from "./size.js";

/**
 * Which pass runs first; the bytes between the passes are rounded, so it shows. `pillow13`: the vertical one where the
 * height shrinks by more than twice the pixels that the width does (a width that grows shrinks by less than none), else
 * the horizontal one. `pillow12`: always the horizontal one (Pillow 12 and before). Source: Pillow pull request 9549.
 */
export type PassOrder = "pillow13" | "pillow12";

/**
 * Pillow's antialiased bicubic `resize`, byte for byte: coefficients in float64, normalised, rounded to fixed point with
 * 22 bits; one pass per axis, each rounded and clipped to uint8.
 * Source: R. Keys, "Cubic convolution interpolation" (1981), a = -0.5; Pillow, "Concepts: filters" and `Resample.c`.
 * @throws ProcessorError `image-shape`, `image-size` (a target that is not a positive integer).
 */
export function resizeBicubic(image: RgbImage, size: Size, options: { readonly passOrder?: PassOrder } = {}): RgbImage {
  checkRgb(image);
  return frameResizer(size, options)(image);
}

/**
 * {@link resizeBicubic} for frame after frame of a clip: what a resize needs of memory is made once.
 * @throws ProcessorError as `resizeBicubic`
 */
export function frameResizer(
  size: Size,
  options: { readonly passOrder?: PassOrder } = {},
): (image: RgbImage) => RgbImage {
  const { width, height } = size;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new ProcessorError(
      "image-size",
      `cannot resize to ${width} x ${height}: both sides must be positive integers`,
    );
  }
  const passes = simdPasses() ?? scalarPasses;
  return (image) => {
    checkRgb(image);
    const verticalFirst = options.passOrder !== "pillow12" && shrinksMoreInHeight(image, size);
    return resizeBy(passes, image, size, verticalFirst);
  };
}

/** Both passes, by one way to run them. */
export function resizeBy(passes: Passes, image: RgbImage, size: Size, verticalFirst: boolean): RgbImage {
  const { width, height } = size;
  const across = (x: RgbImage) => (width === x.width ? x : passes.horizontal(x, width, kernel(x.width, width)));
  const down = (x: RgbImage) => (height === x.height ? x : passes.vertical(x, height, kernel(x.height, height)));
  return verticalFirst ? across(down(image)) : down(across(image));
}

function shrinksMoreInHeight(from: RgbImage, to: Size): boolean {
  const lost = from.height - to.height;
  return lost > 0 && lost > 2 * (from.width - to.width);
}

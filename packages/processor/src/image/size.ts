import { ProcessorError } from "../errors.js";
import { roundHalfEven } from "./round.js";

/** Pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** What is resized together: `frames` pictures of one size (a picture is 1, a video or a volume its length). */
export interface SizedItem extends Size {
  readonly frames: number;
}

/** How many patches a call may use. A token here is one patch group of `factor` x `factor` pixels. */
export interface TokenLimits {
  readonly minTokens: number;
  readonly maxTokens: number;
}

/**
 * `true`: height is height. `transposed`: the released code reads a Pillow picture's (width, height) as (height, width)
 * when it picks the target, so a picture that is not square is squeezed into the transposed shape. Only for equality
 * with the published numbers.
 */
export type Aspect = "true" | "transposed";

/** The most pixels that a frame may be resized to. A merge size out of all measure asks for more, by the minimum of tokens. */
const MAX_TARGET_PIXELS = 2 ** 28;

/**
 * The rule for one factor (patch size times merge size) in the whole call, as upstream computes it.
 * @param items all items of the call, sizes in pixels
 * @returns sizes in pixels, multiples of `factor`, one per item
 */
export function simpleSizes(items: readonly SizedItem[], factor: number, limits: TokenLimits): Size[] {
  const frames = items.reduce((n, item) => n + item.frames, 0);
  const most = Math.floor((limits.maxTokens * factor * factor) / frames);
  const least = limits.minTokens * factor * factor;
  return items.map(({ height: h, width: w }) => {
    let height = roundHalfEven(h / factor) * factor;
    let width = roundHalfEven(w / factor) * factor;
    if (height * width > most) {
      const beta = Math.sqrt((h * w) / most);
      height = Math.floor(h / beta / factor) * factor;
      width = Math.floor(w / beta / factor) * factor;
    }
    if (height * width < least) {
      const beta = Math.sqrt(least / (h * w));
      height = Math.ceil((h * beta) / factor) * factor;
      width = Math.ceil((w * beta) / factor) * factor;
    }
    return { height, width };
  });
}

/**
 * The rule for several factors in one call, as upstream computes it: there is no minimum, and a side can come out as 0.
 * @param factors one per item
 * @returns sizes in pixels, multiples of each item's factor
 */
export function mixedSizes(items: readonly SizedItem[], factors: readonly number[], maxTokens: number): Size[] {
  const total = items.reduce(
    (n, { frames, height, width }, i) => n + frames * Math.ceil(height / factors[i]!) * Math.ceil(width / factors[i]!),
    0,
  );
  const beta = Math.sqrt(total / maxTokens);
  return items.map(({ height, width }, i) => {
    const f = factors[i]!;
    const side = (x: number) => (total > maxTokens ? Math.floor(x / beta / f) : roundHalfEven(x / f)) * f;
    return { height: side(height), width: side(width) };
  });
}

/**
 * The target size of every item of a call: the simple rule where all merge sizes are equal, the mixed one where not.
 * @param merges merge size (patches per side of a token) of each item
 * @throws ProcessorError `image-size` where a side would be 0: the picture is too thin, or the call too large for the limit;
 *   and where a frame would have more than 2^28 pixels: the merge size is too large.
 */
export function targetSizes(
  items: readonly SizedItem[],
  merges: readonly number[],
  config: TokenLimits & { readonly patchSize: number },
  aspect: Aspect = "true",
): Size[] {
  items.forEach((item, i) => {
    checkItem(item, merges[i], i);
  });
  const read = items.map(({ frames, height, width }) => {
    return aspect === "transposed" ? { frames, height: width, width: height } : { frames, height, width };
  });
  const factors = merges.map((m) => m * config.patchSize);
  const [factor] = factors;
  if (factor === undefined) return [];
  const mixed = factors.some((f) => f !== factor);
  const sizes = mixed ? mixedSizes(read, factors, config.maxTokens) : simpleSizes(read, factor, config);
  sizes.forEach((size, i) => {
    checkTarget(items[i]!, size, i);
  });
  return sizes;
}

function checkTarget({ height: h, width: w }: Size, { height, width }: Size, i: number): void {
  const wrong = (advice: string) =>
    new ProcessorError("image-size", `item ${i}: ${w} x ${h} pixels come out as ${width} x ${height}; ${advice}`);
  if (!(height > 0 && width > 0)) throw wrong("use fewer frames, a larger max_tokens or a less thin picture");
  if (height * width > MAX_TARGET_PIXELS)
    throw wrong(`a frame may have ${MAX_TARGET_PIXELS} pixels; use a smaller merge size or min_tokens`);
}

function checkItem({ frames, height, width }: SizedItem, merge: number | undefined, i: number): void {
  const good = [frames, height, width, merge].every((n) => Number.isSafeInteger(n) && n! >= 1);
  if (!good) {
    throw new ProcessorError("image-size", `item ${i}: frames, height, width and merge size must be positive integers`);
  }
}

import { ProcessorError } from "../errors.js";
import { MAX_PIXELS } from "../image/limits.js";

/** What a file may ask for, checked against its header before anything is allocated. Real studies pass, bombs do not. */
export interface InputLimits {
  /** Pixels of one picture, slice or frame. Default {@link MAX_PIXELS}. */
  readonly maxPixels?: number;
  /** Frames or slices of one file or series; of a clip, those that are shown. Default 65,536. */
  readonly maxFrames?: number;
  /** Bytes that a file may hold, or unpack to. Default 2 GiB. */
  readonly maxBytes?: number;
}

export const INPUT_LIMITS: Required<InputLimits> = Object.freeze({
  maxPixels: MAX_PIXELS,
  maxFrames: 65_536,
  maxBytes: 2 ** 31,
});

/**
 * Limits with their defaults.
 * @throws ProcessorError `input-limit` where one is not a positive integer.
 */
export function inputLimits(given: InputLimits = {}): Required<InputLimits> {
  const limits = { ...INPUT_LIMITS };
  for (const name of ["maxPixels", "maxFrames", "maxBytes"] as const) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1)
      throw new ProcessorError("input-limit", `${name} must be a positive integer`);
    limits[name] = value;
  }
  return limits;
}

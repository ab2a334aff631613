import type { Rescale } from "./frame-attributes.js";
import { type Lut, lookUp } from "./lut.js";
import type { StoredSamples } from "./stored.js";

/** What was applied to the stored values. */
export type RescaleUsed = Rescale | "lut";

/** From stored values to those of the file's units. */
export interface Modality {
  readonly used: RescaleUsed;
  value(stored: number): number;
}

/** Source: DICOM PS3.3 C.11.1. A Modality LUT stands in for slope and intercept. Float64, the product first. */
export function modality({ slope, intercept }: Rescale, lut: Lut | undefined): Modality {
  if (lut !== undefined) return { used: "lut", value: (stored) => lookUp(lut, stored) };
  return { used: { slope, intercept }, value: (stored) => stored * slope + intercept };
}

/** The least and the greatest finite value; none where there is no finite one. */
export function valueRange(samples: StoredSamples, { used, value }: Modality): ValueRange | undefined {
  const real = samples instanceof Float32Array || samples instanceof Float64Array;
  if (used !== "lut" && !real) {
    // A line has its ends where the stored values have theirs.
    const { min, max } = extent(samples);
    return some(extent([value(min), value(max)]));
  }
  return some(extent(samples, value));
}

const some = (range: ValueRange) => (range.min <= range.max ? range : undefined);

export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

function extent(samples: StoredSamples | readonly number[], value: (stored: number) => number = (x) => x): ValueRange {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < samples.length; i++) {
    const x = value(samples[i]!);
    if (!Number.isFinite(x)) continue;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return { min, max };
}

import { affineOf, type Geometry, geometryOf } from "../volume/affine.js";
import { otherSpace } from "../volume/typed.js";
import type { Stack } from "./order.js";
import { normalOf } from "./slice.js";

/**
 * Where a stack lies: its axes are columns, rows and slices. A step to the next slice is the mean one, from the first
 * position to the last, so that a tilted gantry shears; of one slice it is the spacing or thickness that the file gives.
 * Undefined without positions or pixel spacing.
 * Source: DICOM PS3.3 C.7.6.2.1.1.
 */
export function stackGeometry({ slices, positions }: Stack): Geometry | undefined {
  const [first, last] = [slices[0]!.at, slices.at(-1)!.at];
  const normal = normalOf(first);
  const { orientation, position, spacing } = first;
  if (positions === undefined || normal === undefined || position === undefined || spacing === undefined)
    return undefined;
  const [a, b, c, d, e, f] = orientation!;
  const [betweenRows, betweenColumns] = spacing;
  const alone = slices[0]!.header.spacingBetween ?? first.thickness ?? 1;
  const step = normal.map((v, r) =>
    slices.length > 1 ? (last.position![r]! - position[r]!) / (slices.length - 1) : v * Math.abs(alone),
  );
  const columns = [[a, b, c].map((v) => v * betweenColumns), [d, e, f].map((v) => v * betweenRows), step];
  return geometryOf(otherSpace(affineOf(columns, position)));
}

/** How the slices follow one another. */
export interface Gaps {
  /** mm between neighbours. */
  readonly gaps: readonly number[];
  /** The lower median of them. */
  readonly usual: number;
  readonly even: boolean;
  /** Slices that would have to be put in to make them even. */
  readonly missing: number;
}

/** Scanners place slices more evenly than this, of the usual gap. */
const UNEVEN = 0.05;

/** Undefined without positions, or with fewer than two gaps to compare. */
export function stackGaps({ positions }: Stack): Gaps | undefined {
  if (positions === undefined || positions.length < 3) return undefined;
  const gaps = positions.slice(1).map((at, i) => at - positions[i]!);
  const usual = gaps.toSorted((a, b) => a - b)[(gaps.length - 1) >> 1]!;
  const even = gaps.every((gap) => Math.abs(gap - usual) <= UNEVEN * usual);
  const missing = gaps.reduce((n, gap) => n + Math.max(0, Math.round(gap / usual) - 1), 0);
  return { gaps, usual, even, missing };
}

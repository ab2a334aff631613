import type { FrameAttributes } from "../dicom/frame-attributes.js";
import { ProcessorError } from "../errors.js";
import { normalOf, type Slice } from "./slice.js";

/** Slices that may be one volume: of one series, size, kind and orientation. */
export interface Group {
  readonly slices: readonly Slice[];
  /** How many groups the series fell into by orientation or pixel spacing. */
  readonly parts: number;
}

/** Direction cosines are written with some six digits; the slices of one scan differ by less than this. */
const DIRECTION = 1e-3;
const SPACING = 1e-3;

/** No scan has more; each slice is compared with all that came before. */
const MAX_ORIENTATIONS = 256;

/**
 * In order of their first slices.
 * @throws ProcessorError `series-too-large`
 */
export function groupSlices(slices: readonly Slice[]): Group[] {
  const bySeries = new Map<string, Slice[]>();
  for (const slice of slices) {
    const key = keyOf(slice);
    const there = bySeries.get(key);
    if (there === undefined) bySeries.set(key, [slice]);
    else there.push(slice);
  }
  return [...bySeries.values()].flatMap((series) => {
    const parts = byOrientation(series);
    return parts.map((part) => ({ slices: part, parts: parts.length }));
  });
}

/** An enhanced file is a series of itself. */
function keyOf({ header, file }: Slice): string {
  const { seriesUid, frameOfReferenceUid, rows, columns, samples, photometric, bitsAllocated, frames } = header;
  const own = frames > 1 ? file : undefined;
  return JSON.stringify([seriesUid, frameOfReferenceUid, rows, columns, samples, photometric, bitsAllocated, own]);
}

function byOrientation(slices: readonly Slice[]): Slice[][] {
  const parts: Slice[][] = [];
  for (const slice of slices) {
    const there = parts.find(([first]) => alike(first!.at, slice.at));
    if (there !== undefined) there.push(slice);
    else if (parts.length < MAX_ORIENTATIONS) parts.push([slice]);
    else throw new ProcessorError("series-too-large", `a series has more than ${MAX_ORIENTATIONS} orientations`);
  }
  return parts;
}

function alike(a: FrameAttributes, b: FrameAttributes): boolean {
  const placed = (at: FrameAttributes) => at.position !== undefined && normalOf(at) !== undefined;
  if (placed(a) !== placed(b)) return false;
  if (placed(a) && !a.orientation!.every((v, i) => Math.abs(v - b.orientation![i]!) <= DIRECTION)) return false;
  if (a.spacing === undefined || b.spacing === undefined) return a.spacing === b.spacing;
  return a.spacing.every((mm, i) => Math.abs(mm - b.spacing![i]!) <= SPACING * mm);
}

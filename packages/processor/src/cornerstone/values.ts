import type { CornerstoneImage } from "./types.js";

/** value = pixel * slope + intercept */
export interface Scale {
  readonly slope: number;
  readonly intercept: number;
}

/** Full resolution, though perhaps of a lossy kind. Source: `ImageQualityStatus` of @cornerstonejs/core. */
const WHOLE = 7;

/** Whether an image is there as a whole: while a series loads, it may be a neighbour's copy. */
export const isWhole = ({ imageQualityStatus: status }: CornerstoneImage): boolean =>
  status === undefined || status >= WHOLE;

/** Whether the loader has applied the rescale: its pixels are Hounsfield units, or SUV. */
export const isScaled = ({ preScale, isPreScaled }: CornerstoneImage): boolean =>
  preScale?.scaled ?? isPreScaled ?? false;

/** What is still to be applied to an image's pixels. */
export function scaleOf(image: CornerstoneImage): Scale {
  if (isScaled(image)) return { slope: 1, intercept: 0 };
  const finite = (value: number | undefined, other: number) => (Number.isFinite(value) ? value! : other);
  return { slope: finite(image.slope, 1), intercept: finite(image.intercept, 0) };
}

import { ProcessorError } from "../errors.js";
import { type RgbImage, toRgb } from "../image/rgb.js";
import { linspaceInts } from "../image/round.js";
import { turned } from "./reorient.js";
import { type Axis, axisNumber, type Plane, planeAxes, type Volume } from "./volume.js";

/**
 * Whose rule turns a volume into pictures. `repository`: the released inference code; `numSlices` (180) slices, a smaller
 * volume repeats some, a constant slice is cast as it is and wraps. `hf`: the code that travels with the checkpoints; all
 * slices unless `numSlices` is less, an optional window, a constant slice is black.
 */
export type SliceRule = "repository" | "hf";

/**
 * How a slice is laid out as a picture. `upstream`: rows run along the first, columns along the second of the two axes, as
 * numpy's `V[:, :, k]` does; of most files that is the mirrored transpose of what a viewer shows. `radiological`: as a viewer
 * shows it: the patient's right at the left, the front at the top of an axial slice and at the left of a sagittal one, the
 * head at the top of the others.
 */
export type SliceView = "upstream" | "radiological";

export interface SliceOptions {
  /** Default `"axial"`. */
  readonly axis?: Axis;
  /** Default `"repository"`. */
  readonly rule?: SliceRule;
  /** Slices wanted. Default: 180 (`repository`), all (`hf`). */
  readonly numSlices?: number | null;
  /** `hf` only: values are clipped to center +- width / 2 before scaling. Both or none; physical units. */
  readonly window?: { readonly center: number; readonly width: number };
  /** Default `"upstream"`. */
  readonly view?: SliceView;
}

/** What {@link SliceOptions} of the `repository` rule take where no number is given. */
export const DEFAULT_SLICES = 180;

/**
 * Which slices of `count` are taken.
 * @throws ProcessorError `volume-slices`.
 */
export function sliceIndices(count: number, rule: SliceRule, numSlices?: number | null): number[] {
  if (rule !== "repository" && rule !== "hf")
    throw new ProcessorError("volume-slices", "rule must be repository or hf");
  const wanted = numSlices ?? (rule === "repository" ? DEFAULT_SLICES : count);
  if (!Number.isSafeInteger(wanted) || wanted < 1 || !Number.isSafeInteger(count) || count < 1) {
    throw new ProcessorError("volume-slices", "the number of slices must be a positive integer");
  }
  return linspaceInts(0, count - 1, rule === "hf" ? Math.min(wanted, count) : wanted);
}

/**
 * Cuts a volume into pictures, each scaled to 0..255 by its own minimum and maximum and truncated. Values that are not
 * finite are left out of minimum and maximum; NaN is drawn as the minimum, infinities are clipped. Colours are taken as
 * they are: they are never scaled, nor windowed.
 * @throws ProcessorError `volume-axis`, `volume-slices`, `volume-window`, `volume-geometry` (the radiological view of a
 *   volume that does not say how it lies).
 */
export function volumeFrames(volume: Volume, options: SliceOptions = {}): RgbImage[] {
  return [...streamSlices(volume, options)];
}

/** {@link volumeFrames}, one slice at a time. A slice that is taken twice is the same object twice. */
export function* streamSlices(volume: Volume, options: SliceOptions = {}): Generator<RgbImage> {
  const { rule = "repository", window } = options;
  const axis = axisNumber(options.axis ?? "axial");
  checkWindow(rule, window);
  const layout = sliceLayout(volume, axis, options.view);
  let last: { index: number; image: RgbImage } | undefined;
  for (const index of sliceIndices(volume.shape[axis], rule, options.numSlices)) {
    if (last?.index !== index) {
      const plane = turned(volume.plane(axis, index), volume.channels, layout);
      const { rows: height, cols: width, values } = plane;
      const grey = volume.channels === 1 && scalePlane(plane, rule, window);
      last = { index, image: { data: grey ? toRgb(grey, width, height, 1) : Uint8Array.from(values), width, height } };
    }
    yield last.image;
  }
}

/** How planes become pictures: first transposed, then turned about. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly transpose: boolean;
  readonly flipRows: boolean;
  readonly flipCols: boolean;
}

/** @throws ProcessorError `volume-geometry`. */
export function sliceLayout(
  { shape, geometry }: Pick<Volume, "shape" | "geometry">,
  axis: 0 | 1 | 2,
  view: SliceView = "upstream",
): Layout {
  const [a, b] = planeAxes(axis);
  if (view === "upstream")
    return { width: shape[b], height: shape[a], transpose: false, flipRows: false, flipCols: false };
  if (view !== "radiological") throw new ProcessorError("volume-geometry", "the view must be upstream or radiological");
  if (geometry === undefined)
    throw new ProcessorError(
      "volume-geometry",
      "the volume does not say how it lies in the patient: it has no radiological view",
    );
  // Of right, forward and up the earlier one runs along the columns; all three run to the left and to the top.
  const { orientation } = geometry;
  const transpose = orientation[a].axis < orientation[b].axis;
  const [down, across] = transpose ? [b, a] : [a, b];
  return {
    width: shape[across],
    height: shape[down],
    transpose,
    flipRows: orientation[down].sign === 1,
    flipCols: orientation[across].sign === 1,
  };
}

/** One slice as bytes, `[row * cols + col]`; see {@link volumeFrames}. The arithmetic is float64, as numpy's is. */
export function scalePlane(plane: Plane, rule: SliceRule, window?: SliceOptions["window"]): Uint8Array {
  checkWindow(rule, window);
  const values = window === undefined ? plane.values : clipped(plane.values, window);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  const out = new Uint8Array(values.length);
  if (max === Number.NEGATIVE_INFINITY || (max === min && rule === "hf")) return out;
  if (max === min) return out.fill(Math.trunc(min) % 256);
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    const finite = Number.isNaN(v) ? min : Math.min(Math.max(v, min), max);
    out[i] = ((finite - min) / (max - min)) * 255;
  }
  return out;
}

function clipped(
  values: Float64Array,
  { center, width }: { readonly center: number; readonly width: number },
): Float64Array {
  const low = center - width / 2;
  const high = center + width / 2;
  return values.map((v) => (v < low ? low : Math.min(v, high)));
}

function checkWindow(rule: SliceRule, window: SliceOptions["window"]): void {
  if (window === undefined) return;
  if (rule === "repository")
    throw new ProcessorError("volume-window", "the repository's rule has no window: use rule hf");
  if (!Number.isFinite(window.center) || !Number.isFinite(window.width) || window.width <= 0) {
    throw new ProcessorError("volume-window", "a window needs a finite center and a positive width");
  }
}

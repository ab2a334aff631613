import { minMaxVoi, toByte, type Voi, windowVoi } from "../dicom/voi.js";
import { chooseWindow, type WindowChoice, type WindowUsed } from "../dicom/window.js";
import { ProcessorError } from "../errors.js";
import { type RgbImage, toRgb } from "../image/rgb.js";
import type { FrameSource } from "../input/frame-source.js";
import { type SliceRule, scalePlane, sliceIndices } from "../volume/slices.js";
import { type Axis, axisNumber } from "../volume/volume.js";
import { acquiredCuts, type Cut, reformattedCuts, type SeriesView } from "./cuts.js";
import type { Stack } from "./order.js";
import { isGrey, type Open } from "./volume.js";

/** As of one DICOM file, but for the whole series; `"slice-min-max"`: each slice by itself, by upstream's rule for NIfTI. */
export type SeriesWindow = WindowChoice | "slice-min-max";

export interface SeriesSliceOptions {
  /**
   * Across which axis: 2 or `"axial"` (the default) are the slices as they were acquired, read one file at a time, whatever
   * their true direction; the others are cut out of the whole volume.
   */
  readonly axis?: Axis;
  /** Default `"repository"`. */
  readonly rule?: SliceRule;
  /** Slices wanted. Default: 180 (`repository`), all (`hf`). */
  readonly numSlices?: number | null;
  /**
   * One window for all slices: were each to have its own, their brightness would jump. Default `"file"`: the first window of
   * the middle slice; else its first VOI LUT (acquired slices only); else `"min-max"`, over the whole volume.
   */
  readonly window?: SeriesWindow;
  /**
   * `"stored"` (the default): an acquired slice as its file has it, rows by columns; the others as a viewer shows them: head
   * or front at the top, the patient's right at the left. `"upstream"`: as slices of a NIfTI file are laid out, V[:, :, k],
   * which is the transpose.
   */
  readonly view?: SeriesView;
  /** Which volume of a 4D series, from 0, the default. */
  readonly volumeIndex?: number;
}

/** What all slices of a series are seen through; the range of "min-max" is known once they are read. */
export type SeriesWindowUsed = Exclude<WindowUsed, { readonly min: number }> | "min-max" | "slice-min-max";

/** The slices of a series as frames. */
export interface SeriesSource extends FrameSource {
  /** Undefined for colour, which is never windowed. */
  readonly window: SeriesWindowUsed | undefined;
}

/**
 * @throws ProcessorError `volume-axis`, `volume-slices`, `dicom-window`, `volume-geometry` (no such view); while it is read,
 *   what the files' codecs find wrong, and `series-too-large` (axes other than the acquired slices')
 */
export function stackSource(
  stack: Stack,
  options: SeriesSliceOptions,
  open: () => Open,
  limits: { readonly maxBytes: number; readonly maxFrames: number },
): SeriesSource {
  const { rule = "repository", view = "stored" } = options;
  const axis = axisNumber(options.axis ?? "axial");
  if (view !== "stored" && view !== "upstream")
    throw new ProcessorError("volume-geometry", "the view must be stored or upstream");
  const { columns, rows } = stack.slices[0]!.header;
  const indices = sliceIndices([columns, rows, stack.slices.length][axis]!, rule, options.numSlices);
  if (indices.length > limits.maxFrames)
    throw new ProcessorError("volume-slices", `${indices.length} slices are over the limit of ${limits.maxFrames}`);
  const window = chosenWindow(stack, options.window ?? "file", axis);
  const lut = typeof window === "object" && !("width" in window) ? window.from.lut : undefined;
  const cuts = axis === 2 ? acquiredCuts(stack, open, view, lut) : reformattedCuts(stack, open, view, axis, limits);
  const paint = painter(stack, rule, window, open);
  return {
    kind: "volume",
    count: indices.length,
    width: cuts.width,
    height: cuts.height,
    window,
    async *frames({ signal } = {}) {
      const cut = await cuts.begin(signal);
      let last: { readonly index: number; readonly image: RgbImage } | undefined;
      for (const index of indices) {
        signal?.throwIfAborted();
        if (last?.index !== index) last = { index, image: await paint(await cut(index), signal) };
        yield last.image;
      }
    },
  };
}

function chosenWindow(stack: Stack, choice: SeriesWindow, axis: 0 | 1 | 2): SeriesWindowUsed | undefined {
  const { header, at } = stack.slices[(stack.slices.length - 1) >> 1]!;
  if (!isGrey(stack.slices[0]!)) return undefined;
  if (choice === "slice-min-max") return choice;
  const used = chooseWindow(choice, { windows: at.windows, luts: header.voiLuts, modality: header.modality });
  if (used === "min-max" || "width" in used || axis === 2) return used;
  if (choice === "file") return "min-max";
  throw new ProcessorError("dicom-window", "a VOI LUT is applied to acquired slices only (axis 2)");
}

/** Turns cuts into pictures. The range of "min-max" is found once, over all slices of the volume. */
function painter(stack: Stack, rule: SliceRule, window: SeriesWindowUsed | undefined, open: () => Open) {
  const inverted = stack.slices[0]!.header.photometric === "MONOCHROME1";
  let range: Range | undefined;
  return async ({ plane, painted }: Cut, signal: AbortSignal | undefined): Promise<RgbImage> => {
    const { rows: height, cols: width, values } = plane;
    if (painted) return { data: Uint8Array.from(values), width, height };
    let grey: Uint8Array;
    if (window === "slice-min-max") grey = scalePlane(plane, rule);
    else {
      if (window === "min-max") range ??= await rangeOf(stack, open(), signal);
      grey = seenThrough(values, voiOf(window, range));
    }
    if (inverted) for (let i = 0; i < grey.length; i++) grey[i] = 255 - grey[i]!;
    return { data: toRgb(grey, width, height, 1), width, height };
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function voiOf(window: SeriesWindowUsed | undefined, range: Range | undefined): Voi {
  if (typeof window === "object" && "width" in window) return windowVoi(window.center, window.width, window.function);
  return minMaxVoi(range!.min, range!.max);
}

function seenThrough(values: Float64Array, voi: Voi): Uint8Array {
  const grey = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) grey[i] = toByte(voi(values[i]!));
  return grey;
}

async function rangeOf(stack: Stack, open: Open, signal: AbortSignal | undefined): Promise<Range> {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const slice of stack.slices) {
    signal?.throwIfAborted();
    const image = await open(slice);
    for (const v of await image.values(slice.frame)) {
      if (v < min && v !== Number.NEGATIVE_INFINITY) min = v;
      if (v > max && v !== Number.POSITIVE_INFINITY) max = v;
    }
  }
  return min <= max ? { min, max } : { min: 0, max: 0 };
}

import type { VoiFunction } from "../dicom/frame-attributes.js";
import { ProcessorError } from "../errors.js";
import type { CornerstoneViewport, ViewportProperties } from "./types.js";

/** A window as `readDicom`, `fromImageId` and, by its center and width, the slices of a volume take it. */
export interface ViewportWindow {
  readonly center: number;
  readonly width: number;
  readonly function: VoiFunction;
  /** Whether bright is shown dark. Of a MONOCHROME1 image the viewer says true: it is the whole inversion, not a second one. */
  readonly invert: boolean;
}

/**
 * The window that a reader has set, so that the model sees what the reader sees. A colour map is not part of it.
 * Source: `createLinearRGBTransferFunction` and `createSigmoidRGBTransferFunction` of @cornerstonejs/core: a straight line
 * from `lower` to `upper`, whether the window was LINEAR or LINEAR_EXACT; or a sigmoid of the width and center of that range.
 * @param viewport a viewport, or its properties
 * @param volumeId which volume, where a viewport shows several
 * @throws ProcessorError `dicom-window` where the viewport shows nothing yet, or no grey values.
 */
export function viewportWindow(viewport: CornerstoneViewport | ViewportProperties, volumeId?: string): ViewportWindow {
  const properties = "getProperties" in viewport ? viewport.getProperties(volumeId) : viewport;
  const { lower = Number.NaN, upper = Number.NaN } = properties?.voiRange ?? {};
  if (!Number.isFinite(lower) || !Number.isFinite(upper))
    throw new ProcessorError("dicom-window", "the viewport has no window: its image must be shown first");
  const invert = properties?.invert ?? false;
  if (properties?.VOILUTFunction === "SIGMOID")
    return { center: (lower + upper + 1) / 2, width: Math.abs(upper - lower) + 1, function: "SIGMOID", invert };
  // A step at `lower`: LINEAR of width 1 is black up to half below its center.
  if (lower === upper) return { center: lower + 0.5, width: 1, function: "LINEAR", invert };
  const [center, width] = [(lower + upper) / 2, Math.abs(upper - lower)];
  return { center, width, function: "LINEAR_EXACT", invert: lower < upper ? invert : !invert };
}

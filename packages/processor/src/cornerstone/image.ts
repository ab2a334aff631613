import type { Lut } from "../dicom/lut.js";
import { type Modality, modality, type RescaleUsed, valueRange } from "../dicom/modality.js";
import { renderGrey } from "../dicom/render.js";
import type { StoredSamples } from "../dicom/stored.js";
import { lutVoi, minMaxVoi, type Voi, windowVoi } from "../dicom/voi.js";
import { chooseWindow, type WindowChoice, type WindowUsed } from "../dicom/window.js";
import { ProcessorError } from "../errors.js";
import { type RgbImage, toRgb } from "../image/rgb.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import type { Geometry } from "../volume/affine.js";
import { type Modules, readModules } from "./modules.js";
import type { CornerstoneImage, CornerstonePixels, MetaData } from "./types.js";
import { isScaled, isWhole, scaleOf } from "./values.js";
import type { ViewportWindow } from "./window.js";

/** Where an image comes from. */
export interface CornerstoneSource {
  /** Cornerstone's `metaData`, or one provider. */
  readonly metaData: MetaData;
  /** `imageLoader.loadAndCacheImage`, or `cache.getImage` for what is shown already. */
  load(imageId: string): CornerstoneImage | undefined | Promise<CornerstoneImage | undefined>;
  readonly limits?: InputLimits;
}

/** An image of a viewer as the model is shown it. */
export interface CornerstonePicture {
  readonly image: RgbImage;
  /** Undefined for colour, which is never windowed. */
  readonly window: WindowUsed | undefined;
  /** Whether bright was made dark. */
  readonly inverted: boolean;
}

/** An image of a viewer: its pixels as the loader left them, not copied. */
export interface CornerstoneFrame {
  readonly width: number;
  readonly height: number;
  readonly colour: boolean;
  readonly modality: string | undefined;
  /** What was applied to stored values: by the loader, or here. Undefined for colour. */
  readonly rescale: RescaleUsed | undefined;
  /** Where it lies in the patient, as a volume of one slice. */
  readonly geometry: Geometry | undefined;
  /**
   * Grey values, `[row * width + column]`, in the units of the file (Hounsfield), of PET in those of the viewer (SUV).
   * @throws ProcessorError `dicom-unsupported` for colour.
   */
  values(): Float64Array;
  /**
   * As RGB, through the VOI chain of `readDicom`. Default window: "file". A window of `viewportWindow` also says whether to
   * invert; otherwise MONOCHROME1 is. Colours are given as they are.
   * @throws ProcessorError `dicom-window`.
   */
  picture(options?: { readonly window?: WindowChoice | ViewportWindow }): CornerstonePicture;
}

/**
 * An image of Cornerstone3D by its id.
 * @throws ProcessorError `input-not-loaded` where it is not in the viewer's cache, or only in part; `image-shape`,
 *   `image-too-large`, `dicom-corrupt`, `dicom-unsupported`, `input-limit`; what the viewer's loader throws.
 */
export async function fromImageId(imageId: string, source: CornerstoneSource): Promise<CornerstoneFrame> {
  const { maxPixels } = inputLimits(source.limits);
  const image = await source.load(imageId);
  if (image === undefined) throw new ProcessorError("input-not-loaded", "the viewer does not hold this image");
  if (!isWhole(image)) throw new ProcessorError("input-not-loaded", "the viewer has loaded only a part of this image");
  const modules = readModules(source.metaData, imageId);
  const { columns: width, rows: height } = image;
  const pixels = image.getPixelData();
  const samples = checkShape(pixels, width, height, maxPixels);
  const frame = { width, height, modality: modules.modality, geometry: modules.geometry };
  if (samples > 1 || image.color === true) return { ...frame, ...colour(pixels, image, samples, modules) };
  return { ...frame, ...grey(pixels, image, modules) };
}

function checkShape(pixels: CornerstonePixels, width: number, height: number, maxPixels: number): 1 | 3 | 4 {
  const sides = [width, height].every((side) => Number.isSafeInteger(side) && side >= 1);
  if (!sides) throw new ProcessorError("image-shape", "rows and columns must be positive integers");
  if (width * height > maxPixels)
    throw new ProcessorError("image-too-large", `${width} x ${height} is over the limit of ${maxPixels} (maxPixels)`);
  const samples = ArrayBuffer.isView(pixels) ? pixels.length / (width * height) : 0;
  if (samples === 1 || samples === 3 || samples === 4) return samples;
  throw new ProcessorError("image-shape", `${width} x ${height} pixels do not fit the image's data`);
}

type Rest = Pick<CornerstoneFrame, "colour" | "rescale" | "values" | "picture">;

/** Loaders have made RGB of it; the canvas of a viewer makes RGBA of that, so `rgba` is not to be trusted. */
function colour(
  pixels: CornerstonePixels,
  image: CornerstoneImage,
  samples: number,
  { bitsStored = 8 }: Modules,
): Rest {
  const { columns: width, rows: height } = image;
  if (samples === 1) throw new ProcessorError("dicom-unsupported", "the viewer's colours are not RGB");
  const bytes = pixels.BYTES_PER_ELEMENT === 1;
  if (!bytes && (bitsStored <= 8 || bitsStored > 16))
    throw new ProcessorError("dicom-unsupported", `colours of ${bitsStored} bits in wider numbers are not read`);
  return {
    colour: true,
    rescale: undefined,
    values() {
      throw new ProcessorError("dicom-unsupported", "values in the file's units are those of grey pictures");
    },
    picture() {
      const eight = bytes ? Uint8Array.from(pixels) : Uint8Array.from(pixels, (v) => v >>> (bitsStored - 8));
      return {
        image: { data: toRgb(eight, width, height, samples), width, height },
        window: undefined,
        inverted: false,
      };
    },
  };
}

function grey(pixels: CornerstonePixels, image: CornerstoneImage, modules: Modules): Rest {
  const samples = storedSamples(pixels, image, modules);
  const applied = modalityOf(image, modules);
  const photometric = modules.photometric ?? image.photometricInterpretation;
  const darkens = photometric === undefined ? image.invert === true : photometric === "MONOCHROME1";
  // Values in other units than the file's: its windows do not fit them.
  const other = isScaled(image) && otherUnits(image);
  const there = {
    windows: other ? [] : modules.windows,
    luts: other ? 0 : modules.voiLuts.length,
    modality: modules.modality,
  };
  return {
    colour: false,
    rescale: isScaled(image) ? scaledBy(image) : applied.used,
    values: () => Float64Array.from(samples, applied.value),
    picture({ window = "file" } = {}) {
      const { voi, used } = voiOf(window, samples, applied, there, modules.voiLuts);
      const inverted = isViewports(window) ? window.invert : darkens;
      const layout = {
        rows: image.rows,
        columns: image.columns,
        photometric: inverted ? "MONOCHROME1" : "MONOCHROME2",
      } as const;
      return { image: renderGrey({ samples, colour: "grey" }, layout, applied, voi), window: used, inverted };
    },
  };
}

const isViewports = (window: WindowChoice | ViewportWindow): window is ViewportWindow =>
  typeof window === "object" && "invert" in window && typeof window.invert === "boolean";

function voiOf(
  choice: WindowChoice,
  samples: StoredSamples,
  applied: Modality,
  there: Parameters<typeof chooseWindow>[1],
  luts: readonly Lut[],
): { voi: Voi; used: WindowUsed } {
  const used = chooseWindow(choice, there);
  if (used === "min-max") {
    const { min, max } = valueRange(samples, applied) ?? { min: 0, max: 0 };
    return { voi: minMaxVoi(min, max), used: { from: "min-max", min, max } };
  }
  if ("width" in used) return { voi: windowVoi(used.center, used.width, used.function), used };
  return { voi: lutVoi(luts[used.from.lut]!), used };
}

/** What is left to be done to the pixels. A loader knows no Modality LUT: what has one is not scaled. */
function modalityOf(image: CornerstoneImage, { rescale, modalityLuts }: Modules): Modality {
  if (isScaled(image)) return modality({ slope: 1, intercept: 0 }, undefined);
  const { slope, intercept } = scaleOf(image);
  const finite = (value: number | undefined, other: number) => (Number.isFinite(value) ? value! : other);
  return modality(
    { slope: finite(rescale.slope, slope), intercept: finite(rescale.intercept, intercept) },
    modalityLuts[0],
  );
}

/** What the loader made of the stored values, where it says so: of PET, which becomes SUV, both factors in one. */
function scaledBy({ preScale }: CornerstoneImage): RescaleUsed | undefined {
  const { rescaleSlope: slope, rescaleIntercept: intercept, suvbw = 1 } = preScale?.scalingParameters ?? {};
  if (slope === undefined || intercept === undefined) return undefined;
  return { slope: slope * suvbw, intercept: intercept * suvbw };
}

/** PET in SUV, doses in Gy. */
const otherUnits = ({ preScale }: CornerstoneImage): boolean =>
  [preScale?.scalingParameters?.suvbw, preScale?.scalingParameters?.doseGridScaling].some(Number.isFinite);

/** Samples of a signed image in unsigned numbers, as some loaders leave them, get their sign. */
function storedSamples(
  pixels: CornerstonePixels,
  image: CornerstoneImage,
  { signed, bitsStored }: Modules,
): StoredSamples {
  const samples =
    pixels instanceof Uint8ClampedArray ? new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length) : pixels;
  const unsigned = samples instanceof Uint8Array || samples instanceof Uint16Array;
  if (!signed || !unsigned || bitsStored === undefined || isScaled(image)) return samples;
  const shift = 32 - bitsStored;
  return Int16Array.from(samples, (v) => (v << shift) >> shift);
}

import { type FileWindow, isWindow, type VoiFunction } from "../dicom/frame-attributes.js";
import type { Lut } from "../dicom/lut.js";
import { ProcessorError } from "../errors.js";
import { affineOf, type Geometry, geometryOf } from "../volume/affine.js";
import { otherSpace } from "../volume/typed.js";
import type { MetaData } from "./types.js";

/** What the viewer's metadata say of an image. */
export interface Modules {
  readonly modality: string | undefined;
  readonly photometric: string | undefined;
  readonly bitsStored: number | undefined;
  readonly signed: boolean;
  readonly rescale: { readonly slope: number | undefined; readonly intercept: number | undefined };
  readonly modalityLuts: readonly Lut[];
  readonly windows: readonly FileWindow[];
  readonly voiLuts: readonly Lut[];
  readonly geometry: Geometry | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws ProcessorError `dicom-corrupt` for a lookup table that is none. */
export function readModules(metaData: MetaData, imageId: string): Modules {
  const module = (name: string): Fields => {
    const found = typeof metaData === "function" ? metaData(name, imageId) : metaData.get(name, imageId);
    return typeof found === "object" && found !== null ? (found as Fields) : {};
  };
  const pixel = module("imagePixelModule");
  const voi = module("voiLutModule");
  const modality = module("modalityLutModule");
  return {
    modality: text(module("generalSeriesModule").modality),
    photometric: text(pixel.photometricInterpretation),
    bitsStored: numbers(pixel.bitsStored)[0],
    signed: numbers(pixel.pixelRepresentation)[0] === 1,
    rescale: { slope: numbers(modality.rescaleSlope)[0], intercept: numbers(modality.rescaleIntercept)[0] },
    modalityLuts: luts(modality.modalityLUTSequence),
    windows: windows(voi),
    voiLuts: luts(voi.voiLUTSequence),
    geometry: geometry(module("imagePlaneModule")),
  };
}

function windows(voi: Fields): FileWindow[] {
  const centers = numbers(voi.windowCenter);
  const widths = numbers(voi.windowWidth);
  const named = text(voi.voiLUTFunction) ?? "LINEAR";
  const known = named === "LINEAR" || named === "LINEAR_EXACT" || named === "SIGMOID";
  const kind: VoiFunction = known ? named : "LINEAR";
  return Array.from({ length: Math.max(centers.length, widths.length) }, (_, i) => {
    const [center, width] = [centers[i] ?? Number.NaN, widths[i] ?? Number.NaN];
    return { center, width, function: kind, valid: known && isWindow(center, width, kind) };
  });
}

/** As the wadouri provider gives them; its entries of signed images come out signed. */
function luts(sequence: unknown): Lut[] {
  if (!Array.isArray(sequence)) return [];
  return sequence.map((item: Fields) => {
    const bits = numbers(item?.numBitsPerEntry)[0] ?? 0;
    const first = numbers(item?.firstValueMapped)[0] ?? 0;
    const entries = numbers(item?.lut);
    const whole = entries.length > 0 && entries.length <= 65_536 && entries.every(Number.isInteger);
    const unsigned = Uint16Array.from(entries);
    if (!whole || !(bits >= 1 && bits <= 16) || unsigned.some((entry) => entry >= 2 ** bits))
      throw new ProcessorError("dicom-corrupt", "a lookup table of the viewer's metadata cannot be read");
    return { first, bits, entries: unsigned };
  });
}

/** Where the image lies, as a volume of one slice; undefined where its spacing was made up. */
function geometry(plane: Fields): Geometry | undefined {
  if (plane.usingDefaultValues === true) return undefined;
  const [row, column] = [numbers(plane.rowCosines), numbers(plane.columnCosines)];
  const origin = numbers(plane.imagePositionPatient);
  const steps = [plane.columnPixelSpacing, plane.rowPixelSpacing, plane.sliceThickness ?? 1].map((v) => numbers(v)[0]);
  if (row.length !== 3 || column.length !== 3 || origin.length !== 3) return undefined;
  const across = (r: number) => row[(r + 1) % 3]! * column[(r + 2) % 3]! - row[(r + 2) % 3]! * column[(r + 1) % 3]!;
  const cosines = [row, column, [across(0), across(1), across(2)]];
  const columns = cosines.map((axis, a) => axis.map((cosine) => cosine * (steps[a] ?? Number.NaN)));
  return geometryOf(otherSpace(affineOf(columns, origin)));
}

/** Providers give a number, a text of numbers, or a list of either. */
function numbers(value: unknown): readonly number[] {
  if (typeof value === "number") return [value];
  if (typeof value === "string") return value.trim() === "" ? [] : value.split("\\").map(Number);
  if (typeof value !== "object" || value === null || !("length" in value)) return [];
  return Array.from(value as ArrayLike<unknown>, Number);
}

const text = (value: unknown): string | undefined => {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first.trim() : undefined;
};

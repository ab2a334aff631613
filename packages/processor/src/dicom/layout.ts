import { ProcessorError } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import { integer, text } from "./attributes.js";
import type { DataSet } from "./elements.js";
import { TAG } from "./tags.js";
import type { TransferSyntax } from "./transfer-syntax.js";

export type Photometric =
  | "MONOCHROME1"
  | "MONOCHROME2"
  | "PALETTE COLOR"
  | "RGB"
  | "YBR_FULL"
  | "YBR_FULL_422"
  | "YBR_ICT"
  | "YBR_RCT";

/** How the pixels are stored. Source: DICOM PS3.3 C.7.6.3. */
export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  /** 1: grey or palette; 3: colour. */
  readonly samples: 1 | 3;
  readonly photometric: Photometric;
  /** Of a sample as it is stored: 1, 8, 16, 32 or, for doubles, 64. */
  readonly bitsAllocated: number;
  /** Of them, the low ones that count. */
  readonly bitsStored: number;
  readonly signed: boolean;
  /** 0: the samples of a pixel side by side; 1: one plane after the other. */
  readonly planar: 0 | 1;
  /** What the samples are. */
  readonly kind: "integer" | "float" | "double";
}

const SAMPLES = new Map<string, 1 | 3>([
  ["MONOCHROME1", 1],
  ["MONOCHROME2", 1],
  ["PALETTE COLOR", 1],
  ["RGB", 3],
  ["YBR_FULL", 3],
  ["YBR_FULL_422", 3],
  ["YBR_ICT", 3],
  ["YBR_RCT", 3],
]);
/** They come out of JPEG 2000 as RGB; in a native file there is no such thing. */
const JPEG_2000_ONLY = ["YBR_ICT", "YBR_RCT"];

/** @throws ProcessorError `dicom-header`, `dicom-unsupported`, `dicom-too-large`. */
export function readLayout(set: DataSet, syntax: TransferSyntax, limits: Required<InputLimits>): PixelLayout {
  const kind = pixelKind(set);
  const rows = required(set, TAG.rows, "Rows");
  const columns = required(set, TAG.columns, "Columns");
  const frames = integer(set, TAG.frames, "IS") || 1;
  if (frames < 1) throw new ProcessorError("dicom-header", `NumberOfFrames is ${frames}`);
  checkSize(rows, columns, frames, limits);
  const photometric = readPhotometric(set, syntax);
  const samples = SAMPLES.get(photometric)!;
  const given = integer(set, TAG.samples, "US") ?? samples;
  if (given !== samples)
    throw new ProcessorError("dicom-header", `SamplesPerPixel is ${given}; ${photometric} has ${samples}`);
  const bits = readBits(set, kind);
  const layout = {
    rows,
    columns,
    frames,
    samples,
    photometric,
    ...bits,
    signed: integer(set, TAG.pixelRepresentation, "US") === 1 || kind !== "integer",
    planar: integer(set, TAG.planar, "US") === 1 && samples === 3 ? 1 : 0,
    kind,
  } as const;
  if (!syntax.encapsulated) checkNative(layout);
  else if (bits.bitsAllocated === 1 || kind !== "integer")
    throw new ProcessorError("dicom-unsupported", "compressed pixels of 1 bit, and real numbers, are not read");
  return layout;
}

function pixelKind({ elements }: DataSet): PixelLayout["kind"] {
  if (elements.has(TAG.floatPixels)) return "float";
  return elements.has(TAG.doublePixels) ? "double" : "integer";
}

function required(set: DataSet, tag: number, name: string): number {
  const value = integer(set, tag, "US");
  if (value === undefined || value < 1)
    throw new ProcessorError("dicom-header", `${name} ${value === undefined ? "is missing" : `is ${value}`}`);
  return value;
}

function checkSize(rows: number, columns: number, frames: number, { maxPixels, maxFrames }: Required<InputLimits>) {
  if (rows * columns > maxPixels)
    throw new ProcessorError(
      "dicom-too-large",
      `${columns} x ${rows} is over the limit of ${maxPixels} pixels (maxPixels)`,
    );
  if (frames > maxFrames)
    throw new ProcessorError("dicom-too-large", `${frames} frames are over the limit of ${maxFrames} (maxFrames)`);
}

function readPhotometric(set: DataSet, { encapsulated }: TransferSyntax): Photometric {
  const photometric = text(set, TAG.photometric)?.toUpperCase();
  if (photometric === undefined) throw new ProcessorError("dicom-header", "PhotometricInterpretation is missing");
  if (!SAMPLES.has(photometric) || (!encapsulated && JPEG_2000_ONLY.includes(photometric)))
    throw new ProcessorError(
      "dicom-unsupported",
      `this PhotometricInterpretation is not read; ${[...SAMPLES.keys()].join(", ")} are (the last two in JPEG 2000)`,
    );
  return photometric as Photometric;
}

function readBits(set: DataSet, kind: PixelLayout["kind"]) {
  const bitsAllocated = integer(set, TAG.bitsAllocated, "US");
  const allowed = { integer: [1, 8, 16, 32], float: [32], double: [64] }[kind];
  if (bitsAllocated === undefined) throw new ProcessorError("dicom-header", "BitsAllocated is missing");
  if (!allowed.includes(bitsAllocated))
    throw new ProcessorError("dicom-unsupported", `BitsAllocated is ${bitsAllocated}; ${allowed.join(", ")} are read`);
  const bitsStored = integer(set, TAG.bitsStored, "US") ?? bitsAllocated;
  if (kind === "integer" && (bitsStored < 1 || bitsStored > bitsAllocated))
    throw new ProcessorError("dicom-header", `BitsStored is ${bitsStored} of ${bitsAllocated} BitsAllocated`);
  return { bitsAllocated, bitsStored: kind === "integer" ? bitsStored : bitsAllocated };
}

/** What only codecs give is refused where the pixels are native. */
function checkNative({ photometric, bitsAllocated, columns, planar, signed, samples, kind }: PixelLayout): void {
  const refuse = (what: string) => {
    throw new ProcessorError("dicom-unsupported", `${photometric} ${what}`);
  };
  if (photometric.startsWith("YBR") && bitsAllocated !== 8) refuse(`with ${bitsAllocated} bits is not read`);
  if (photometric === "YBR_FULL_422" && planar === 1) refuse("in planes is not read");
  if (photometric === "YBR_FULL_422" && columns % 2 === 1) refuse("needs an even number of columns");
  if (samples === 3 && (signed || bitsAllocated === 1)) refuse("of signed samples or of 1 bit is not read");
  if (photometric === "PALETTE COLOR" && kind !== "integer") refuse("of real numbers is not read");
}

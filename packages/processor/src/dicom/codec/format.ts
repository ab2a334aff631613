import { ProcessorError } from "../../errors.js";

/** What a DICOM file says of its frames; the tags are those of PS3.3 C.7.6.3. */
export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  /** Samples per pixel. */
  readonly samples: 1 | 3 | 4;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  /** Pixel Representation 1: two's complement. */
  readonly signed: boolean;
  /** Photometric Interpretation. */
  readonly photometric: string;
  /** Planar Configuration. */
  readonly planar: 0 | 1;
}

/** The indices of a palette count as grey. YBR_FULL_422 has its chroma at full width. */
export type CodecColour = "grey" | "rgb" | "ybr-full";

export type CodecSamples = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

/** One frame, decoded. */
export interface CodecFrame {
  /**
   * [row][column][sample], interleaved whatever the planar configuration was. They are final: unused bits are gone, and
   * the sign is the file's. As wide as the codestream's precision asks for (RLE: as bits allocated).
   */
  readonly samples: CodecSamples;
  /** What the samples are now: a codec that works in another colour space has gone back from it. */
  readonly colour: CodecColour;
}

/** Samples of one frame. */
export const sampleCount = ({ rows, columns, samples }: PixelFormat): number => rows * columns * samples;

/** A stream that breaks its own rules, ends early or says another thing than the file's header. */
export const corrupt = (message: string, options?: ErrorOptions): ProcessorError =>
  new ProcessorError("dicom-corrupt", message, options);

/** A stream that is right and is not read. */
export const unread = (message: string, options?: ErrorOptions): ProcessorError =>
  new ProcessorError("dicom-transfer-syntax", message, options);

/** What a codestream's own header says. */
export interface StreamShape {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  /** Bits of a sample. */
  readonly precision: number;
}

/**
 * Holds a codestream's header against the file's, before anything is allocated for it.
 * @throws ProcessorError `dicom-corrupt`.
 */
export function checkShape(codec: string, stream: StreamShape, format: PixelFormat): void {
  for (const name of ["rows", "columns", "samples"] as const)
    if (stream[name] !== format[name])
      throw corrupt(`${codec}: the codestream has ${stream[name]} ${name}, the file's header says ${format[name]}`);
  if (stream.precision > format.bitsAllocated)
    throw corrupt(
      `${codec}: samples of ${stream.precision} bits do not fit the ${format.bitsAllocated} bits allocated`,
    );
}

/** A codec in WebAssembly takes about 12 bytes a sample, and cannot be stopped. */
const MOST_WASM_SAMPLES = 2 ** 26;

/** @throws ProcessorError `dicom-too-large` for a frame that a codec in WebAssembly is not given. */
export function checkWasmSize(codec: string, format: PixelFormat): void {
  if (sampleCount(format) > MOST_WASM_SAMPLES)
    throw new ProcessorError(
      "dicom-too-large",
      `${codec}: ${sampleCount(format)} samples in a frame; at most ${MOST_WASM_SAMPLES} are read`,
    );
}

/**
 * Colour of what a codec without a colour transform of its own gives.
 * @throws ProcessorError `dicom-corrupt` where the number of samples does not fit; `dicom-transfer-syntax` for retired and
 * partial-range spaces.
 */
export function colourOf({ samples, photometric }: PixelFormat): CodecColour {
  const grey = ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"].includes(photometric);
  if (grey !== (samples === 1)) throw corrupt(`${samples} samples per pixel do not fit the photometric interpretation`);
  if (grey) return "grey";
  if (samples === 3 && ["RGB", "YBR_RCT", "YBR_ICT"].includes(photometric)) return "rgb";
  if (samples === 3 && ["YBR_FULL", "YBR_FULL_422"].includes(photometric)) return "ybr-full";
  throw unread(
    "colour is read as RGB, YBR_FULL, YBR_FULL_422, YBR_RCT or YBR_ICT, and not in this photometric interpretation",
  );
}

/**
 * The lowest `bits` bits of each value, with the sign that they have as two's complement where `signed`.
 * The buffer is used further.
 */
export function withSign(values: Uint8Array | Uint16Array | Uint32Array, bits: number, signed: boolean): CodecSamples {
  const spare = 8 * values.BYTES_PER_ELEMENT - bits;
  if (!signed) {
    if (spare > 0) {
      const mask = 2 ** bits - 1;
      for (let i = 0; i < values.length; i++) values[i] = values[i]! & mask;
    }
    return values;
  }
  const Signed = values instanceof Uint8Array ? Int8Array : values instanceof Uint16Array ? Int16Array : Int32Array;
  const out = new Signed(values.buffer as ArrayBuffer, values.byteOffset, values.length);
  const shift = 32 - bits;
  if (spare > 0) for (let i = 0; i < out.length; i++) out[i] = (out[i]! << shift) >> shift;
  return out;
}

import { ProcessorError } from "../errors.js";
import { type DataSet, UNDEFINED_LENGTH } from "./elements.js";
import { encapsulatedFrames } from "./encapsulated.js";
import { pixelElement } from "./file.js";
import type { PixelLayout } from "./layout.js";
import { checkNativeLength, nativeFrame } from "./native.js";
import { type StoredFrame, samplesOf } from "./stored.js";
import type { TransferSyntax } from "./transfer-syntax.js";

/**
 * How the frames of a file are decoded. That they are all there is checked here, before any is asked for.
 * @throws ProcessorError `dicom-corrupt`, `dicom-pixels-short`, `dicom-too-large`.
 */
export function framePixels(
  set: DataSet,
  layout: PixelLayout,
  syntax: TransferSyntax,
): (frame: number) => Promise<StoredFrame> {
  const element = pixelElement(set)!;
  if ((element.length === UNDEFINED_LENGTH) !== syntax.encapsulated)
    throw new ProcessorError("dicom-corrupt", "compressed pixels have no length, uncompressed ones have one");
  if (syntax.encapsulated) {
    const encoded = encapsulatedFrames(set, element, layout.frames);
    return async (frame) => decoded(syntax.uid, encoded(frame), layout);
  }
  const pixels = set.source.bytes.subarray(element.at, element.at + element.length);
  checkNativeLength(layout, pixels.length);
  const { littleEndian } = syntax;
  const swapped = !littleEndian && layout.bitsAllocated === 8 && element.vr === "OW";
  return async (frame) => nativeFrame(pixels, layout, frame, { littleEndian, swapped });
}

/** The codecs are loaded with the first compressed frame. They give samples as wide as their stream, this the file's. */
async function decoded(uid: string, encoded: Uint8Array, layout: PixelLayout): Promise<StoredFrame> {
  const { decodeFrame } = await import("./codec/index.js");
  const { samples, colour } = await decodeFrame(uid, encoded, layout);
  const count = layout.rows * layout.columns * layout.samples;
  if (samples.length !== count || (colour === "grey") !== (layout.samples === 1))
    throw new ProcessorError("dicom-corrupt", "the compressed pixels are others than the header says");
  const wide = samplesOf(new ArrayBuffer((count * layout.bitsAllocated) / 8), layout);
  if (wide.constructor === samples.constructor) return { samples, colour };
  wide.set(samples);
  return { samples: wide, colour };
}

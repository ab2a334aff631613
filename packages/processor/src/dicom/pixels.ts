import { ProcessorError } from "../errors.js";
import { type DataSet, UNDEFINED_LENGTH } from "./elements.js";
import { pixelElement } from "./file.js";
import type { PixelLayout } from "./layout.js";
import { checkNativeLength, nativeFrame } from "./native.js";
import type { StoredFrame } from "./stored.js";
import type { TransferSyntax } from "./transfer-syntax.js";

/**
 * How the frames of a file are decoded. That they are all there is checked here, before any is asked for.
 * @throws ProcessorError `dicom-corrupt`, `dicom-pixels-short`, `dicom-transfer-syntax`.
 */
export function framePixels(
  set: DataSet,
  layout: PixelLayout,
  syntax: TransferSyntax,
): (frame: number) => Promise<StoredFrame> {
  const element = pixelElement(set)!;
  const undefinedLength = element.length === UNDEFINED_LENGTH;
  if (syntax.encapsulated)
    throw new ProcessorError("dicom-transfer-syntax", `compressed pixels (${syntax.uid}) are not read yet`);
  if (undefinedLength) throw new ProcessorError("dicom-corrupt", "uncompressed pixels have no length");
  const pixels = set.source.bytes.subarray(element.at, element.at + element.length);
  checkNativeLength(layout, pixels.length);
  const { littleEndian } = syntax;
  const swapped = !littleEndian && layout.bitsAllocated === 8 && element.vr === "OW";
  return async (frame) => nativeFrame(pixels, layout, frame, { littleEndian, swapped });
}

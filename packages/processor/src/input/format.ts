import { isDicom } from "../dicom/file.js";
import { type ImageFormat, sniffImage } from "../image/sniff.js";
import { SNIFF_BYTES, sniffVideo, type VideoContainer } from "../video/container.js";
import { isGzip } from "../volume/gunzip.js";

/** What a file is, told by its first bytes. */
export type InputFormat = ImageFormat | VideoContainer | "dicom" | "nifti";

/** As many bytes of a file's begin as {@link sniffInput} looks at. */
export const HEAD_BYTES = Math.max(SNIFF_BYTES, 1024);

/**
 * What a file is, whatever its name says; `undefined` where its first bytes say nothing that is read. A gzip file is taken
 * for NIfTI: nothing else comes in one.
 */
export function sniffInput(head: Uint8Array): InputFormat | undefined {
  // A DICOM file's first 128 bytes are anything, those of another format among them.
  if (hasDicomMark(head)) return "dicom";
  const known = sniffImage(head) ?? sniffVideo(head);
  if (known !== undefined) return known;
  if (isGzip(head) || isNiftiHeader(head)) return "nifti";
  return isDicom(head) ? "dicom" : undefined;
}

const hasDicomMark = (head: Uint8Array): boolean =>
  head.length >= 132 && String.fromCharCode(...head.subarray(128, 132)) === "DICM";

/** The size of the header stands first, in either byte order. */
function isNiftiHeader(head: Uint8Array): boolean {
  if (head.length < 348) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [true, false].some((little) => [348, 540].includes(view.getInt32(0, little)));
}

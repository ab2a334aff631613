import { type CodecFrame, type PixelFormat, unread } from "./format.js";
import { decodeJpeg } from "./jpeg/decode.js";
import { decodeJpegLs } from "./jpeg-ls.js";
import { decodeJpeg2000 } from "./jpeg2000.js";
import { decodeRle } from "./rle.js";

export type { CodecFrame, PixelFormat } from "./format.js";
export { ybrToRgb } from "./ybr.js";

type Decode = (encoded: Uint8Array, format: PixelFormat) => CodecFrame | Promise<CodecFrame>;

/** By transfer syntax. Source: DICOM PS3.6 annex A. */
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["1.2.840.10008.1.2.5", decodeRle],
  ["1.2.840.10008.1.2.4.50", decodeJpeg],
  ["1.2.840.10008.1.2.4.51", decodeJpeg],
  ["1.2.840.10008.1.2.4.57", decodeJpeg],
  ["1.2.840.10008.1.2.4.70", decodeJpeg],
  ["1.2.840.10008.1.2.4.80", decodeJpegLs],
  ["1.2.840.10008.1.2.4.81", decodeJpegLs],
  ["1.2.840.10008.1.2.4.90", decodeJpeg2000],
  ["1.2.840.10008.1.2.4.91", decodeJpeg2000],
  ["1.2.840.10008.1.2.4.201", decodeJpeg2000],
  ["1.2.840.10008.1.2.4.202", decodeJpeg2000],
  ["1.2.840.10008.1.2.4.203", decodeJpeg2000],
]);

/**
 * One frame of compressed pixel data. What needs a codec loads it when it is first used.
 * @param transferSyntax its UID, one of the encapsulated ones
 * @param encoded the frame's whole bitstream, its fragments joined
 * @throws ProcessorError `dicom-transfer-syntax` (not read, by its UID, or something in it that is not),
 * `dicom-corrupt` (broken, cut, or not what the file's header says), `dicom-codec-missing`, `dicom-too-large`.
 */
export async function decodeFrame(
  transferSyntax: string,
  encoded: Uint8Array,
  format: PixelFormat,
): Promise<CodecFrame> {
  const decode = DECODERS.get(transferSyntax);
  if (decode === undefined) throw unread(`the transfer syntax ${named(transferSyntax)} is not read`);
  return decode(encoded, format);
}

/** A UID as it may stand in a message: what is none was made up by the file. */
const named = (uid: string) => (/^1\.2\.840\.10008(?:\.\d{1,6}){1,8}$/.test(uid) ? uid : "of this file");

import { Reader } from "./bytes.js";
import { corrupt, type StreamShape } from "./format.js";

const SOI = 0xffd8;
const SOF55 = 0xfff7;
const SOS = 0xffda;
const EOI = 0xffd9;

/**
 * The frame header, and that the bitstream is marked to its end: the codec sees only what the file's header agrees with.
 * Source: ISO/IEC 14495-1 annex C.
 * @throws ProcessorError `dicom-corrupt`.
 */
export function readLsHeader(bytes: Uint8Array): StreamShape {
  const reader = new Reader(bytes, "JPEG-LS");
  if (reader.u16(0) !== SOI) throw corrupt("JPEG-LS: this is no bitstream");
  let at = 2;
  for (; reader.u16(at) !== SOF55; at = reader.segmentEnd(at + 2)) {
    if (reader.u16(at) < 0xff00 || reader.u16(at) === SOS) throw corrupt("JPEG-LS: there is no frame header");
  }
  const shape = {
    precision: reader.u8(at + 4),
    rows: reader.u16(at + 5),
    columns: reader.u16(at + 7),
    samples: reader.u8(at + 9),
  };
  if (shape.precision < 2 || shape.precision > 16) throw corrupt("JPEG-LS: samples have 2 to 16 bits");
  for (let i = 0; i < shape.samples; i++)
    if (reader.u8(at + 11 + 3 * i) !== 0x11) throw corrupt("JPEG-LS: subsampled components are not allowed in DICOM");
  if (!endsWithMarker(bytes)) throw corrupt("JPEG-LS: the bitstream is cut before its end marker");
  return shape;
}

/** Padding of zeros, or of the marker's own FF, is left out. */
function endsWithMarker(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end >= 2 && ((bytes[end - 2]! << 8) | bytes[end - 1]!) === EOI;
}

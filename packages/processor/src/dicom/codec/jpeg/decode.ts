import { Reader } from "../bytes.js";
import {
  type CodecColour,
  type CodecFrame,
  checkShape,
  colourOf,
  corrupt,
  type PixelFormat,
  sampleCount,
  withSign,
} from "../format.js";
import type { EntropyReader } from "./entropy.js";
import {
  type FrameHeader,
  isFrame,
  nextMarker,
  noTables,
  readFrame,
  readScan,
  readTables,
  type ScanHeader,
  type Tables,
} from "./headers.js";
import { checkLength, type Layout, layoutOf } from "./layout.js";
import { losslessScan } from "./lossless.js";
import { type Coefficients, coefficientsOf, finishProgression, progressiveScan } from "./progressive.js";
import { sequentialScan } from "./sequential.js";
import { placeComponent } from "./upsample.js";

const SOI = 0xffd8;
const EOI = 0xffd9;
const SOS = 0xffda;
/** A progression has about ten. Each costs a walk over all blocks, however few bits it has. */
const MOST_SCANS = 100;

/**
 * JPEG as ITU-T T.81 has it with Huffman coding: baseline, extended sequential and progressive DCT of 8 and 12 bits, equal
 * to libjpeg-turbo's to the bit, and lossless of 2 to 16 bits. Samples stay in the colour space of the stream, with chroma at
 * full size.
 * @throws ProcessorError `dicom-corrupt`; `dicom-transfer-syntax` for arithmetic coding, hierarchies and CMYK.
 */
export function decodeJpeg(encoded: Uint8Array, format: PixelFormat): CodecFrame {
  const asked = colourOf(format);
  const { frame, tables, place } = readJpeg(encoded, (frame) => checkShape("JPEG", frame, format));
  const values = new (format.bitsAllocated > 8 ? Uint16Array : Uint8Array)(sampleCount(format));
  place(values);
  const bits = Math.min(format.bitsStored, 8 * values.BYTES_PER_ELEMENT);
  return { samples: withSign(values, bits, format.signed), colour: colourOfStream(frame, tables, asked) };
}

/** A stream that is decoded. */
export interface JpegStream {
  readonly frame: FrameHeader;
  readonly tables: Tables;
  /** Puts the samples into `values[(row * columns + column) * samples + sample]`, chroma at full size. */
  place(values: Uint8Array | Uint16Array): void;
}

/**
 * Decodes a whole stream.
 * @param check is told what its header says, before anything is allocated; throws where that is not wanted
 * @throws ProcessorError as {@link decodeJpeg}
 */
export function readJpeg(encoded: Uint8Array, check: (frame: FrameHeader) => void): JpegStream {
  const reader = new Reader(encoded, "JPEG");
  if (reader.u16(0) !== SOI) throw corrupt("JPEG: this is no stream");
  const tables = noTables();
  const at = toFrame(reader, tables);
  const frame = readFrame(reader, at);
  check(frame);
  checkLength(frame, encoded.length);
  const layout = layoutOf(frame);
  readScans(encoded, reader, reader.segmentEnd(at + 2), frame, layout, tables);
  const place = (values: Uint8Array | Uint16Array) =>
    layout.components.forEach((component, i) => {
      placeComponent(component, values, i, frame.samples, frame.columns, frame.rows, frame.coding !== "lossless");
    });
  return { frame, tables, place };
}

/** Where the frame header stands; what comes before it is read. */
function toFrame(reader: Reader, tables: Tables): number {
  for (let at = nextMarker(reader, 2); ; at = nextMarker(reader, reader.segmentEnd(at + 2))) {
    const marker = reader.u16(at);
    if (isFrame(marker)) return at;
    if (marker === SOS || marker === EOI) throw corrupt("JPEG: there is no frame header");
    readTables(reader, at, tables);
  }
}

/**
 * All scans. Where whole blocks or lossless samples are coded, each component has one, and the last of them may lack its end
 * marker; a progression is complete only with it.
 */
function readScans(
  bytes: Uint8Array,
  reader: Reader,
  from: number,
  frame: FrameHeader,
  layout: Layout,
  tables: Tables,
): void {
  const left = new Set(layout.components.keys());
  const coefficients = frame.coding === "progressive" ? layout.components.map(coefficientsOf) : [];
  let scans = 0;
  for (let at = nextMarker(reader, from); ; ) {
    const marker = reader.u16(at);
    if (marker === EOI) break;
    if (isFrame(marker)) throw corrupt("JPEG: there is a second frame header");
    const end = reader.segmentEnd(at + 2);
    if (marker !== SOS) {
      readTables(reader, at, tables);
      at = nextMarker(reader, end);
      continue;
    }
    if (++scans > MOST_SCANS) throw corrupt(`JPEG: there are more than ${MOST_SCANS} scans`);
    const scan = readScan(reader, at, frame);
    const behind = readOneScan(bytes, end, frame, layout, coefficients, scan, tables);
    if (frame.coding !== "progressive")
      for (const { index } of scan.components)
        if (!left.delete(index)) throw corrupt("JPEG: a component is coded twice");
    if (frame.coding !== "progressive" && left.size === 0) return;
    at = behind.markerAt();
  }
  if (frame.coding !== "progressive") throw corrupt("JPEG: a component has no scan");
  finishProgression(coefficients, frame.precision);
}

function readOneScan(
  bytes: Uint8Array,
  at: number,
  frame: FrameHeader,
  layout: Layout,
  coefficients: readonly Coefficients[],
  scan: ScanHeader,
  tables: Tables,
): EntropyReader {
  if (frame.coding === "lossless") return losslessScan(bytes, at, layout, scan, tables, frame);
  if (frame.coding === "sequential") return sequentialScan(bytes, at, layout, scan, tables, frame.precision);
  return progressiveScan(bytes, at, layout, coefficients, scan, tables);
}

/**
 * Three components are what the stream says they are, as libjpeg and pydicom read it: RGB by its component ids, YCbCr by a
 * JFIF segment, one or the other by Adobe's; only then what the file says.
 */
function colourOfStream(frame: FrameHeader, { jfif, adobe }: Tables, asked: CodecColour): CodecColour {
  if (asked === "grey" || frame.coding === "lossless") return asked;
  const ids = String.fromCharCode(...frame.components.map(({ id }) => id));
  if (ids === "RGB" || ids === "rgb") return "rgb";
  if (jfif) return "ybr-full";
  if (adobe !== undefined) return adobe === 0 ? "rgb" : "ybr-full";
  return asked;
}

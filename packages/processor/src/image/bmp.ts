import { ProcessorError } from "../errors.js";
import { checkPixels, type DecodedFrames, type DecodeSettings, type ImageDecoder } from "./decoder.js";
import type { ImageFormat } from "./sniff.js";

/**
 * Reads uncompressed BMP: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, bit fields, bottom-up or top-down. RLE and
 * embedded JPEG or PNG are refused. Source: Microsoft, "Bitmap Storage" (BITMAPCOREHEADER to BITMAPV5HEADER).
 */
export const bmpDecoder: ImageDecoder = { name: "bmp", formats: ["bmp"], decode };

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  /** Where the pixels begin, bytes. */
  readonly offset: number;
  /** Where the palette begins, its entry size in bytes and its count. */
  readonly palette: { readonly offset: number; readonly entry: number; readonly count: number };
  /** Bit masks of red, green and blue; 16 and 32 bits only. */
  readonly masks: readonly [number, number, number];
}

type Pixel = (row: number, x: number) => readonly [number, number, number];

async function decode(bytes: Uint8Array, _: ImageFormat, settings: DecodeSettings): Promise<DecodedFrames> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(view);
  const { width, height } = header;
  checkPixels("bmp", width, height, 1, settings.maxPixels);
  const stride = Math.ceil((width * header.bits) / 32) * 4;
  if (header.offset + stride * height > bytes.length) {
    throw new ProcessorError("image-corrupt", "bmp: the file is shorter than its header says");
  }
  const pixel = pixelReader(view, header);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = header.offset + stride * (header.topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) data.set(pixel(row, x), (y * width + x) * 3);
  }
  return { frames: [{ data, width, height }] };
}

function readHeader(view: DataView): BmpHeader {
  const length = view.byteLength;
  const size = length >= 18 ? view.getUint32(14, true) : 0;
  if (!(size === 12 || size === 40 || size === 52 || size === 56 || size === 64 || size === 108 || size === 124)) {
    throw new ProcessorError("image-corrupt", "bmp: no known header size");
  }
  if (length < 14 + size) throw new ProcessorError("image-corrupt", "bmp: the header is cut");
  const core = size === 12;
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? 0 : view.getUint32(30, true);
  if (width < 1 || signed === 0) throw new ProcessorError("image-corrupt", "bmp: width and height must not be 0");
  const plain = compression === 0 && [1, 4, 8, 16, 24, 32].includes(bits);
  const fields = (compression === 3 || compression === 6) && (bits === 16 || bits === 32);
  if (!plain && !fields) {
    throw new ProcessorError("image-unsupported", `bmp: ${bits} bits with compression ${compression} is not read`);
  }
  const masksOutside = fields && size === 40 ? (compression === 6 ? 16 : 12) : 0;
  const masks = fields
    ? readMasks(view)
    : bits === 16
      ? ([0x7c00, 0x3e0, 0x1f] as const)
      : ([0xff0000, 0xff00, 0xff] as const);
  const declared = core || bits > 8 ? 0 : view.getUint32(46, true);
  const count = bits > 8 ? 0 : Math.min(declared || 2 ** bits, 2 ** bits);
  const palette = { offset: 14 + size + masksOutside, entry: core ? 3 : 4, count };
  const offset = view.getUint32(10, true);
  if (palette.offset + palette.entry * count > length || offset < 14 + size) {
    throw new ProcessorError("image-corrupt", "bmp: the palette or the pixel offset lies outside the file");
  }
  return { width, height: Math.abs(signed), topDown: signed < 0, bits, offset, palette, masks };
}

function readMasks(view: DataView): readonly [number, number, number] {
  if (view.byteLength < 66) throw new ProcessorError("image-corrupt", "bmp: the colour masks are cut");
  return [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)];
}

function pixelReader(view: DataView, { bits, palette, masks }: BmpHeader): Pixel {
  if (bits === 24) return (row, x) => bgr(view, row + x * 3);
  if (bits > 8) {
    const fields = masks.map(field);
    const word = (row: number, x: number) =>
      bits === 16 ? view.getUint16(row + x * 2, true) : view.getUint32(row + x * 4, true);
    return (row, x) => {
      const w = word(row, x);
      return [fields[0]!(w), fields[1]!(w), fields[2]!(w)];
    };
  }
  const colours = Array.from({ length: palette.count }, (_, i) => bgr(view, palette.offset + i * palette.entry));
  const perByte = 8 / bits;
  return (row, x) => {
    const shift = 8 - bits * ((x % perByte) + 1);
    const index = (view.getUint8(row + Math.floor(x / perByte)) >> shift) & (2 ** bits - 1);
    return colours[index] ?? [0, 0, 0];
  };
}

function bgr(view: DataView, at: number): readonly [number, number, number] {
  return [view.getUint8(at + 2), view.getUint8(at + 1), view.getUint8(at)];
}

/** The value under a mask, scaled to 0..255. */
function field(mask: number): (word: number) => number {
  if (mask === 0) return () => 0;
  const low = mask & -mask;
  const max = (mask >>> 0) / (low >>> 0);
  return (word) => Math.floor(((((word & mask) >>> 0) / (low >>> 0)) * 255) / max);
}

import type { ImageFormat } from "./sniff.js";

/** What a picture file says of itself before its pixels. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel, where the header says it outright (JPEG). */
  readonly components?: number;
  /** Bits of a sample, where they can be more than 8 (PNG). */
  readonly bits?: number;
}

/** The header of a PNG, GIF, JPEG or WebP; `undefined` where the file ends before it, or it makes no sense. */
export function readHeader(bytes: Uint8Array, format: ImageFormat): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const header = readers.get(format)?.(view);
    return header !== undefined && header.width > 0 && header.height > 0 ? header : undefined;
  } catch (error) {
    // The view ends before what is read.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const readers: ReadonlyMap<ImageFormat, (view: DataView) => ImageHeader | undefined> = new Map([
  ["png", png],
  ["gif", gif],
  ["jpeg", jpeg],
  ["webp", webp],
]);

/** Source: W3C, "Portable Network Graphics", 11.2.1. */
function png(view: DataView): ImageHeader {
  return { width: view.getUint32(16), height: view.getUint32(20), bits: view.getUint8(24) };
}

/** Source: CompuServe, "Graphics Interchange Format, version 89a", 18. */
function gif(view: DataView): ImageHeader {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** The first frame header (SOF0 to SOF15; C4, C8 and CC are others). Source: ITU-T T.81, B.1.1.3 and B.2.2. */
function jpeg(view: DataView): ImageHeader | undefined {
  for (let at = 2; view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), components: view.getUint8(at + 9) };
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** Source: RFC 9649, 2.5 to 2.7, and RFC 6386, 9.1. */
function webp(view: DataView): ImageHeader | undefined {
  const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
  const kind = String.fromCharCode(...[12, 13, 14, 15].map((at) => view.getUint8(at)));
  if (kind === "VP8X") return { width: uint24(24) + 1, height: uint24(27) + 1 };
  if (kind === "VP8 ") return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (kind !== "VP8L") return undefined;
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

import { inflateSync } from "node:zlib";
import { ProcessorError } from "@hulu/processor";

/** The samples of a PNG as they are stored: palette indices, alpha and 16 bits are kept. */
export interface StoredSamples {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** `[(y * width + x) * channels + channel]` */
  readonly samples: Uint8Array | Uint16Array;
}
export interface StoredPng extends StoredSamples {
  readonly bits: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colour: number;
}

const CHANNELS: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
/** Adam7: the first column and row of each pass, and the steps to the next. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * Reads a PNG that the library has decoded, and so is whole and of a fair size. Written again here, because goldens tell of
 * samples that the library does not keep.
 * Source: W3C, "Portable Network Graphics", 3rd edition, 7 to 11.
 */
export function storedPng(file: Uint8Array): StoredPng {
  const { header, data } = chunks(file);
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [bits, colour, interlaced] = [header.getUint8(8), header.getUint8(9), header.getUint8(12) === 1];
  const channels = CHANNELS.get(colour) ?? 0;
  const samples = bits === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  const passes = interlaced ? PASSES : ([[0, 0, 1, 1]] as const);
  const sides = passes.map(([x, y, dx, dy]) => [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)] as const);
  const stride = (w: number) => Math.ceil((w * channels * bits) / 8);
  const length = sides.reduce((n, [w, h]) => n + (w > 0 ? h * (1 + stride(w)) : 0), 0);
  const raw = inflateSync(data, { maxOutputLength: Math.max(1, length) });
  let at = 0;
  passes.forEach(([x0, y0, dx, dy], pass) => {
    const [w, h] = sides[pass]!;
    if (w <= 0) return;
    const lines = unfiltered(raw.subarray(at, at + h * (1 + stride(w))), h, Math.max(1, (channels * bits) >> 3));
    at += h * (1 + stride(w));
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++)
        for (let c = 0; c < channels; c++)
          samples[((y0 + y * dy) * width + x0 + x * dx) * channels + c] = sampleAt(lines[y]!, x * channels + c, bits);
  });
  return { width, height, channels, samples, bits, colour };
}

/** @returns `frames`: what an animation chunk announces, else 1 */
export function pngHeader(file: Uint8Array): {
  readonly bits: number;
  readonly colour: number;
  readonly frames: number;
} {
  const { header, frames } = chunks(file);
  return { bits: header.getUint8(8), colour: header.getUint8(9), frames };
}

function chunks(file: Uint8Array): { readonly header: DataView; readonly data: Buffer; readonly frames: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const data: Uint8Array[] = [];
  let [header, frames]: [DataView | undefined, number] = [undefined, 1];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    const body = file.subarray(at + 8, at + 8 + length);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (type === "IHDR") header = new DataView(body.buffer, body.byteOffset, body.byteLength);
    if (type === "IDAT") data.push(body);
    if (type === "acTL" && body.length >= 8) frames = view.getUint32(at + 8);
    at += 12 + length;
  }
  if (header === undefined || header.byteLength < 13)
    throw new ProcessorError("image-corrupt", "png: there is no header");
  return { header, data: Buffer.concat(data), frames };
}

/** The lines of a pass without their filters. @param back bytes from a sample to the one on its left */
function unfiltered(raw: Uint8Array, height: number, back: number): Uint8Array[] {
  const length = raw.length / height - 1;
  const lines: Uint8Array[] = [];
  let above = new Uint8Array(length);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (length + 1)];
    const line = raw.slice(y * (length + 1) + 1, (y + 1) * (length + 1));
    for (let i = 0; i < length; i++) {
      const left = i >= back ? line[i - back]! : 0;
      const corner = i >= back ? above[i - back]! : 0;
      line[i]! += predicted(filter, left, above[i]!, corner);
    }
    lines.push(line);
    above = line;
  }
  return lines;
}

function predicted(filter: number | undefined, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function sampleAt(line: Uint8Array, i: number, bits: number): number {
  if (bits === 16) return (line[2 * i]! << 8) | line[2 * i + 1]!;
  if (bits === 8) return line[i]!;
  const bit = i * bits;
  return (line[bit >> 3]! >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
}

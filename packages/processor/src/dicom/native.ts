import { ProcessorError } from "../errors.js";
import type { PixelLayout } from "./layout.js";
import { correctBits, type StoredFrame, type StoredSamples, samplesOf } from "./stored.js";

/** How the bytes of native pixels are put down. */
export interface ByteOrder {
  readonly littleEndian: boolean;
  /** Big endian words of two 8-bit samples: each pair is the wrong way round. */
  readonly swapped: boolean;
}

/** Bytes of all frames together, without padding. 1-bit samples are packed across frames. Source: DICOM PS3.5 8. */
export function nativeBytes(layout: PixelLayout): number {
  const { rows, columns, frames, samples, bitsAllocated, photometric } = layout;
  if (photometric === "YBR_FULL_422") return rows * columns * frames * 2;
  return Math.ceil((rows * columns * samples * frames * bitsAllocated) / 8);
}

/**
 * Checks the length of the pixels before anything is allocated.
 * @throws ProcessorError `dicom-pixels-short`; `dicom-header` where YBR_FULL_422 has the bytes of YBR_FULL.
 */
export function checkNativeLength(layout: PixelLayout, available: number): void {
  const needed = nativeBytes(layout);
  const { rows, columns, frames, samples, bitsAllocated, photometric } = layout;
  if (available < needed)
    throw new ProcessorError(
      "dicom-pixels-short",
      `${columns} x ${rows} x ${samples} samples of ${bitsAllocated} bits in ${frames} frames need ${needed} bytes; ` +
        `the file has ${available}`,
    );
  if (photometric === "YBR_FULL_422" && available >= (needed / 2) * 3)
    throw new ProcessorError("dicom-header", "the pixels are a third too long for YBR_FULL_422");
}

/**
 * One frame of uncompressed pixels.
 * @param pixels the bytes of all frames; checked with {@link checkNativeLength}
 */
export function nativeFrame(pixels: Uint8Array, layout: PixelLayout, frame: number, order: ByteOrder): StoredFrame {
  const { rows, columns, samples, bitsAllocated, photometric, planar } = layout;
  const count = rows * columns * samples;
  if (bitsAllocated === 1) return { samples: unpackBits(pixels, frame * count, count), colour: "grey" };
  if (photometric === "YBR_FULL_422") {
    const length = rows * columns * 2;
    return { samples: spreadChroma(bytesAt(pixels, frame * length, length, order)), colour: "ybr-full" };
  }
  const size = bitsAllocated / 8;
  const bytes = bytesAt(pixels, frame * count * size, count * size, order);
  if (!order.littleEndian && size > 1) reverseEach(bytes, size);
  const values = samplesOf(bytes.buffer, layout);
  correctBits(values, layout);
  const colour = samples === 1 ? "grey" : photometric === "RGB" ? "rgb" : "ybr-full";
  return { samples: planar === 1 ? interleave(values) : values, colour };
}

/** A copy of the bytes, so that their buffer begins with them. */
function bytesAt(pixels: Uint8Array, start: number, length: number, { swapped }: ByteOrder): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (!swapped) bytes.set(pixels.subarray(start, start + length));
  else for (let i = 0; i < length; i++) bytes[i] = pixels[(start + i) % 2 === 0 ? start + i + 1 : start + i - 1] ?? 0;
  return bytes;
}

function reverseEach(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** The lowest bit of a byte is the first pixel. */
function unpackBits(pixels: Uint8Array, start: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bit = start + i;
    out[i] = (pixels[Math.floor(bit / 8)]! >> (bit % 8)) & 1;
  }
  return out;
}

/** Y1 Y2 Cb Cr, two pixels, to Y1 Cb Cr Y2 Cb Cr. */
function spreadChroma(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array((bytes.length / 2) * 3);
  for (let from = 0, to = 0; from < bytes.length; from += 4, to += 6) {
    const [y1, y2, cb, cr] = bytes.subarray(from, from + 4);
    out.set([y1!, cb!, cr!, y2!, cb!, cr!], to);
  }
  return out;
}

/** Planes of red, green, blue to pixels of all three. */
function interleave(planes: StoredSamples): StoredSamples {
  const out = planes.slice();
  const n = planes.length / 3;
  for (let i = 0, to = 0; i < n; i++) for (let plane = 0; plane < 3; plane++) out[to++] = planes[plane * n + i]!;
  return out;
}

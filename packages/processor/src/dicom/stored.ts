import type { PixelLayout } from "./layout.js";

export type StoredSamples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** One frame as it is stored: `samples[(row * columns + column) * n + sample]`, sign and unused bits put right. */
export interface StoredFrame {
  readonly samples: StoredSamples;
  /** What the samples are; the indices of a palette count as grey, and YBR_FULL_422 has its chroma at full width. */
  readonly colour: "grey" | "rgb" | "ybr-full";
}

/** The typed array that holds a file's samples. */
export function samplesOf(buffer: ArrayBuffer, { bitsAllocated, signed, kind }: PixelLayout): StoredSamples {
  if (kind === "double") return new Float64Array(buffer);
  if (kind === "float") return new Float32Array(buffer);
  if (bitsAllocated === 32) return signed ? new Int32Array(buffer) : new Uint32Array(buffer);
  if (bitsAllocated === 16) return signed ? new Int16Array(buffer) : new Uint16Array(buffer);
  return signed ? new Int8Array(buffer) : new Uint8Array(buffer);
}

/**
 * Clears the bits above the stored ones, or fills them with the sign, in place. Files may hold anything in them
 * (overlays, long ago). As pydicom does it, the low bits count, whatever HighBit says.
 */
export function correctBits(samples: StoredSamples, { bitsAllocated, bitsStored, signed, kind }: PixelLayout): void {
  if (kind !== "integer" || bitsStored >= bitsAllocated) return;
  const shift = 32 - bitsStored;
  const mask = 2 ** bitsStored - 1;
  if (signed) for (let i = 0; i < samples.length; i++) samples[i] = (samples[i]! << shift) >> shift;
  else for (let i = 0; i < samples.length; i++) samples[i] = (samples[i]! & mask) >>> 0;
}

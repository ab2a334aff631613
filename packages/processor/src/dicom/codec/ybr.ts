import { type CodecSamples, unread } from "./format.js";

const { fround } = Math;
const RED = fround(1.402);
const BLUE = fround(1.772);
const GREEN_BLUE = fround((-0.114 * 1.772) / 0.587);
const GREEN_RED = fround((-0.299 * 1.402) / 0.587);

/**
 * YBR_FULL [pixel][Y, CB, CR] of 8 bits to RGB, rounded as pydicom 3 does it: its product with a float32 matrix, one
 * rounding for each product added, then floor(x + 0.5). YBR_FULL_422 is the same once its chroma has full width.
 * Source: DICOM PS3.3 C.7.6.3.1.2; ISO/IEC 10918-5 section 7.
 * @throws ProcessorError `dicom-transfer-syntax` for samples of other widths.
 */
export function ybrToRgb(samples: CodecSamples): Uint8Array {
  if (!(samples instanceof Uint8Array)) throw unread("YBR_FULL is read in 8 bits without sign");
  const out = new Uint8ClampedArray(samples.length);
  for (let i = 0; i + 2 < samples.length; i += 3) {
    const y = samples[i]!;
    const cb = samples[i + 1]! - 128;
    const cr = samples[i + 2]! - 128;
    out[i] = Math.floor(fround(fround(y + RED * cr) + 0.5));
    out[i + 1] = Math.floor(fround(fround(fround(y + GREEN_BLUE * cb) + GREEN_RED * cr) + 0.5));
    out[i + 2] = Math.floor(fround(fround(y + BLUE * cb) + 0.5));
  }
  return new Uint8Array(out.buffer);
}

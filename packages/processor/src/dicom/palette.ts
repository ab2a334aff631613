import { ProcessorError } from "../errors.js";
import type { RgbImage } from "../image/rgb.js";
import { valueBytes } from "./attributes.js";
import type { DataSet } from "./elements.js";
import type { PixelLayout } from "./layout.js";
import { type Lut, lookUp, readDescriptor, readEntries } from "./lut.js";
import { expandSegments } from "./segments.js";
import type { StoredFrame } from "./stored.js";
import { TAG } from "./tags.js";

/** Tables of red, green and blue, their entries as 8 bits. */
export type Palette = readonly [Lut, Lut, Lut];

/**
 * The palette of a PALETTE COLOR file, plain or segmented. Entries of 16 bits keep their high byte.
 * Source: DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.2.
 * @throws ProcessorError `dicom-corrupt`, `dicom-header` where there is none.
 */
export function readPalette(set: DataSet, signed: boolean): Palette {
  const channel = (i: number): Lut => {
    const descriptor = readDescriptor(set, TAG.redDescriptor + i, signed);
    const plain = has(set, TAG.redData + i);
    if (!plain && !has(set, TAG.redSegmented + i)) throw new ProcessorError("dicom-header", "the palette is missing");
    const entries = plain
      ? readEntries(set, TAG.redData + i, descriptor)
      : expandSegments(set, TAG.redSegmented + i, descriptor);
    return { first: descriptor.first, bits: 8, entries: eightBits(entries, descriptor.bits) };
  };
  return [channel(0), channel(1), channel(2)];
}

const has = (set: DataSet, tag: number) => valueBytes(set, tag) !== undefined;

/** Entries of a byte are the brightness, those of a word its high byte, unless they say 8 bits and keep to them. */
function eightBits(entries: Lut["entries"], bits: number): Lut["entries"] {
  const words = entries instanceof Uint16Array && (bits > 8 || entries.some((v) => v > 255));
  return words ? entries.map((v) => v >> 8) : entries;
}

export function renderPalette({ samples }: StoredFrame, { columns, rows }: PixelLayout, palette: Palette): RgbImage {
  const data = new Uint8Array(samples.length * 3);
  for (let i = 0, to = 0; i < samples.length; i++) for (const lut of palette) data[to++] = lookUp(lut, samples[i]!);
  return { data, width: columns, height: rows };
}

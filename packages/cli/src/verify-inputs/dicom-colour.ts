import type { DicomImage, RgbImage, StoredFrame } from "@hulu/processor";
import { compareFacts, compareHashes, compareLossy, type Facts, type Samples, sha256, Tally } from "./facts.js";
import type { Golden } from "./golden.js";
import { type StoredDicom, words } from "./stored-dicom.js";

type Compare = (golden: Golden | undefined, facts: Facts) => void;

/** Takes in the colour frames of a file, one after the other. */
export interface FrameOf {
  add(stored: StoredFrame, picture: RgbImage): void;
  compare(lossy: boolean, shape: readonly number[]): void;
}

/** Pictures in colour: as pydicom converts them, and those of a palette. */
export function compareColour(golden: Golden, image: DicomImage, file: StoredDicom): FrameOf {
  // Of 16 bits pydicom keeps both bytes; what the model gets is the high one.
  const wide = image.header.samples === 3 && image.header.bitsAllocated > 8;
  const palette = golden.has("palette_rgb") ? wholePalette(file) : undefined;
  const [rgb, palette16] = [new Tally(3), new Tally(3)];
  const frames: Facts[] = [];
  const hashes: string[] = [];
  return {
    add(stored, picture) {
      const samples = wide ? stored.samples : picture.data;
      if (wide && !highBytes(stored.samples, image.header.bitsStored, picture.data))
        golden.wrong("rgb", "the picture is not its high bytes");
      rgb.add(samples);
      const one = new Tally(3);
      one.add(samples);
      frames.push(one.facts([image.header.rows, image.header.columns, 3]));
      hashes.push(sha256(picture.data));
      if (palette !== undefined) palette16.add(palette(stored.samples));
    },
    compare(lossy, shape) {
      const compare = lossy ? compareLossy : compareFacts;
      const facts = rgb.facts([...shape, 3]);
      compare(golden.part("rgb"), facts);
      compare(golden.part("palette_rgb8"), facts);
      compare(golden.part("palette_rgb"), palette16.facts([...shape, 3]));
      compareFrames(golden, frames, compare);
      // Another decoder's, which may be ours.
      const other = golden.part("libjpeg_turbo_rgb");
      other?.remarks("note");
      if (other !== undefined) compareHashes(other, "sha256", [facts.sha256, ...hashes], true, "frames");
    },
  };
}

function highBytes(samples: Samples, bits: number, picture: Uint8Array): boolean {
  return samples.length === picture.length && picture.every((v, i) => v === Number(samples[i]) >>> (bits - 8));
}

function compareFrames(golden: Golden, frames: readonly Facts[], compare: Compare): void {
  const list = golden.parts("frames_rgb");
  if (list === undefined) return;
  if (list.length !== frames.length) golden.wrong("frames_rgb", `${frames.length} frames, published as ${list.length}`);
  list.forEach((entry, i) => {
    if (frames[i] !== undefined) compare(entry, frames[i]);
  });
}

/**
 * The palette with all bits of its entries, of which the library keeps the high 8.
 * Source: DICOM PS3.3 C.7.6.3.1.5, C.7.9.2.
 */
function wholePalette({ elements, littleEndian }: StoredDicom): ((indices: Samples) => Samples) | undefined {
  const tables = [0, 1, 2].map((channel) => {
    const descriptor = elements.get(0x00281101 + channel);
    const data = elements.get(0x00281201 + channel);
    const segments = elements.get(0x00281221 + channel);
    if (descriptor === undefined) return undefined;
    const [count = 0, first = 0, bits = 0] = words(descriptor, littleEndian);
    if (data === undefined)
      return segments && bits > 8
        ? { first, entries: unfolded(words(segments, littleEndian), count || 65_536) }
        : undefined;
    const wide = bits > 8 || data.length >= 2 * (count || 65_536);
    return { first, entries: wide ? words(data, littleEndian) : data };
  });
  const [red, green, blue] = tables;
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  const lookUp = ({ first, entries }: typeof red, index: number): number =>
    entries[Math.min(entries.length - 1, Math.max(0, index - first))]!;
  return (indices) => {
    const out = new (red.entries instanceof Uint16Array ? Uint16Array : Uint8Array)(indices.length * 3);
    for (let i = 0; i < indices.length; i++)
      [red, green, blue].forEach((table, c) => {
        out[3 * i + c] = lookUp(table, Number(indices[i]));
      });
    return out;
  };
}

/** Runs that are written out (0), and runs that go straight to their last entry (1), which numpy rounds half to even. */
function unfolded(data: Uint16Array, count: number): Uint16Array {
  const out: number[] = [];
  for (let at = 0; at + 2 < data.length && out.length < count; ) {
    const [kind, length, to] = [data[at]!, data[at + 1]!, data[at + 2]!];
    if (kind === 0) out.push(...data.subarray(at + 2, at + 2 + length));
    else {
      const from = out.at(-1) ?? 0;
      const begin = from + (to - from) / length;
      const step = length > 1 ? (to - begin) / (length - 1) : 0;
      for (let i = 0; i < length; i++) out.push(i === length - 1 ? to : halfToEven(begin + i * step));
    }
    at += kind === 0 ? 2 + length : 3;
  }
  return Uint16Array.from(out);
}

function halfToEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}

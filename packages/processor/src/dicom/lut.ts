import { ProcessorError } from "../errors.js";
import { valueBytes } from "./attributes.js";
import type { DataSet } from "./elements.js";
import { TAG } from "./tags.js";

/** A lookup table. Values below the first take the first entry, those behind the last take the last. */
export interface Lut {
  /** The value that the first entry is for. */
  readonly first: number;
  readonly entries: Uint8Array | Uint16Array;
  /** Bits of an entry. */
  readonly bits: number;
}

/** Source: DICOM PS3.3 C.11.1.1. */
export const lookUp = ({ first, entries }: Lut, value: number): number =>
  entries[Math.min(Math.max(Math.trunc(value) - first, 0), entries.length - 1)]!;

/**
 * The table of an item of a LUT sequence.
 * @param signed whether its first value is signed where the file does not say
 * @throws ProcessorError `dicom-corrupt`.
 */
export function readLut(item: DataSet, signed: boolean): Lut {
  const descriptor = readDescriptor(item, TAG.lutDescriptor, signed);
  return { ...descriptor, entries: readEntries(item, TAG.lutData, descriptor) };
}

export interface LutDescriptor {
  readonly count: number;
  readonly first: number;
  readonly bits: number;
}

/** @throws ProcessorError `dicom-corrupt`. */
export function readDescriptor(set: DataSet, tag: number, signed: boolean): LutDescriptor {
  const bytes = valueBytes(set, tag);
  if (bytes === undefined || bytes.length < 6)
    throw new ProcessorError("dicom-corrupt", "a lookup table's descriptor is missing or cut");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 6);
  const { littleEndian } = set.source;
  const vr = set.elements.get(tag)?.vr;
  const first =
    vr === "SS" || (vr !== "US" && signed) ? view.getInt16(2, littleEndian) : view.getUint16(2, littleEndian);
  const bits = view.getUint16(4, littleEndian);
  if (bits < 1 || bits > 16)
    throw new ProcessorError("dicom-corrupt", `a lookup table has entries of ${bits} bits; 1 to 16 are possible`);
  // 65,536 does not fit into its 16 bits and is written as 0.
  return { count: view.getUint16(0, littleEndian) || 65_536, first, bits };
}

/**
 * The entries, of two bytes each, or of one where there are too few bytes for that.
 * @throws ProcessorError `dicom-corrupt`.
 */
export function readEntries(set: DataSet, tag: number, { count }: LutDescriptor): Lut["entries"] {
  const bytes = valueBytes(set, tag);
  if (bytes === undefined || bytes.length < count)
    throw new ProcessorError("dicom-corrupt", `a lookup table of ${count} entries is missing or cut`);
  const { littleEndian } = set.source;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length >= 2 * count)
    return Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i, littleEndian));
  // Two entries to a word; of a big endian file the pair is the wrong way round.
  return Uint8Array.from({ length: count }, (_, i) => (littleEndian ? bytes[i]! : (bytes[i ^ 1] ?? 0)));
}

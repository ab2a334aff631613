import { ProcessorError } from "../errors.js";
import { roundHalfEven } from "../image/round.js";
import { valueBytes } from "./attributes.js";
import type { DataSet } from "./elements.js";
import type { LutDescriptor } from "./lut.js";

const DISCRETE = 0;
const LINEAR = 1;

/**
 * The entries of a segmented palette: runs that are written out, and runs that go straight to their last entry.
 * Source: DICOM PS3.3 C.7.9.2; the rounding is pydicom's.
 * @throws ProcessorError `dicom-corrupt`, `dicom-unsupported` for segments that copy others.
 */
export function expandSegments(set: DataSet, tag: number, { count, bits }: LutDescriptor): Uint16Array {
  const data = readUnits(set, tag, bits);
  const out = new Uint16Array(count);
  let filled = 0;
  for (let at = 0; at + 1 < data.length; ) {
    const [kind, length] = [data[at]!, data[at + 1]!];
    const width = kind === DISCRETE ? length : 1;
    at += 2;
    if (kind > LINEAR)
      throw new ProcessorError("dicom-unsupported", "a segmented palette with segments that copy others is not read");
    if (at + width > data.length || filled + length > count || (kind === LINEAR && filled === 0)) throw broken(count);
    if (kind === DISCRETE) out.set(data.subarray(at, at + length), filled);
    else ramp(out, filled, length, data[at]!);
    filled += length;
    at += width;
  }
  if (filled !== count) throw broken(count);
  return out;
}

/** As numpy's `around(linspace(from + step, to, length))`. */
function ramp(out: Uint16Array, start: number, length: number, to: number): void {
  const from = out[start - 1]!;
  const first = from + (to - from) / length;
  const step = (to - first) / (length - 1);
  for (let i = 0; i < length; i++) out[start + i] = i === length - 1 ? to : roundHalfEven(i * step + first);
}

/** Bytes, or words of two bytes. */
function readUnits(set: DataSet, tag: number, bits: number): Uint16Array {
  const bytes = valueBytes(set, tag) ?? new Uint8Array();
  const { littleEndian } = set.source;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bits > 8) return Uint16Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(2 * i, littleEndian));
  return Uint16Array.from(bytes, (_, i) => (littleEndian ? bytes[i]! : (bytes[i ^ 1] ?? 0)));
}

const broken = (count: number) =>
  new ProcessorError("dicom-corrupt", `a segmented palette does not unfold to its ${count} entries`);

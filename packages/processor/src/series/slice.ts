import type { FrameAttributes } from "../dicom/frame-attributes.js";
import type { DicomHeader } from "../dicom/header.js";
import { ProcessorError } from "../errors.js";

/** A file of a folder: its bytes are asked for when they are needed, and not kept. Bytes in hand and a Blob are one, too. */
export type SeriesFile = Uint8Array | Blob | { bytes(): Promise<Uint8Array> };

/** One picture of a series: a file, or a frame of an enhanced one. */
export interface Slice {
  /** Which of the files, from 0. */
  readonly file: number;
  readonly frame: number;
  readonly header: DicomHeader;
  /** What holds for the frame. */
  readonly at: FrameAttributes;
}

export type Vector = readonly [number, number, number];

/** @throws ProcessorError `input-file` for what is none; whatever the file's own `bytes` throws */
export async function bytesOf(file: SeriesFile): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file;
  if (file instanceof Blob) return new Uint8Array(await file.arrayBuffer());
  if (typeof file?.bytes === "function") return file.bytes();
  throw new ProcessorError(
    "input-file",
    "a file of a series is its bytes, a Blob or { bytes() }; openInput reads paths and folders",
  );
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/**
 * Where slices are stacked along: the direction of rows times that of columns. Undefined where the file gives no two unit
 * vectors at a right angle.
 */
export function normalOf({ orientation }: FrameAttributes): Vector | undefined {
  if (orientation === undefined) return undefined;
  const [a, b, c, d, e, f] = orientation;
  const [row, column] = [[a, b, c] as const, [d, e, f] as const];
  const square = [dot(row, row) - 1, dot(column, column) - 1, dot(row, column)];
  if (square.some((off) => !(Math.abs(off) < 0.01))) return undefined;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

import { ProcessorError } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import type { Affine } from "./affine.js";
import { niftiAffine } from "./nifti-affine.js";
import { type NiftiDatatype, readDatatype } from "./nifti-voxels.js";

export interface NiftiHeader {
  readonly version: 1 | 2;
  /** Whether this is the half of a .hdr/.img pair that has no voxels. */
  readonly pair: boolean;
  readonly littleEndian: boolean;
  /** Sizes along each dimension, as many as the header counts. */
  readonly shape: readonly number[];
  /** Grid spacing along each dimension, in the file's units; of the first three the absolute value, and 1 for 0. */
  readonly spacing: readonly number[];
  readonly datatype: NiftiDatatype;
  readonly bytesPerVoxel: number;
  /** Where the voxels begin, bytes. */
  readonly offset: number;
  /** value = stored * slope + inter; 1 and 0 where the header gives no usable slope. */
  readonly slope: number;
  readonly inter: number;
  /** Voxel to RAS+ mm, as nibabel's `affine`. It may be no use: not finite, or singular. Undefined for a broken qform. */
  readonly affine: Affine | undefined;
}

/** Bytes that hold either version's header and its extension flag. */
export const HEADER_BYTES = 544;

/** Where things stand in the two versions, and how wide they are. Version 1 has 16-bit sizes and float32, 2 int64 and float64. */
interface Fields {
  readonly version: 1 | 2;
  readonly pair: boolean;
  readonly littleEndian: boolean;
  int16(at1: number, at2: number): number;
  /** Version 1 keeps codes in int16, version 2 in int32. */
  code(at1: number, at2: number): number;
  size(at1: number, at2: number, index?: number): number;
  real(at1: number, at2: number, index?: number): number;
}

/** @throws ProcessorError `nifti-header`, `nifti-datatype`, `nifti-dimensions`. */
export function parseNiftiHeader(bytes: Uint8Array): NiftiHeader {
  const fields = sniff(bytes);
  const shape = readShape(fields);
  const [datatype, bytesPerVoxel] = readDatatype(fields.int16(70, 12), fields.int16(72, 14));
  const spacings = [1, 2, 3, 4, 5, 6, 7]
    .map((i) => fields.real(76, 104, i))
    .map((v, i) => (i > 2 ? v : v === 0 ? 1 : Math.abs(v)));
  return {
    version: fields.version,
    pair: fields.pair,
    littleEndian: fields.littleEndian,
    shape,
    spacing: spacings.slice(0, shape.length),
    datatype,
    bytesPerVoxel,
    offset: readOffset(fields),
    ...readScaling(fields),
    affine: readAffine(fields, shape, spacings),
  };
}

/**
 * Checks the sizes that a header claims.
 * @param available the most bytes that the file can hold, unpacked
 * @returns bytes from the file's begin to the last voxel's end
 * @throws ProcessorError `nifti-short`, `nifti-too-large`.
 */
export function checkNifti(header: NiftiHeader, available: number, limits: Required<InputLimits>): number {
  const voxels = header.shape.reduce((n, d) => n * d, 1);
  const needed = header.offset + voxels * header.bytesPerVoxel;
  if (!(needed <= available)) {
    const shape = header.shape.join(" x ");
    throw new ProcessorError(
      "nifti-short",
      `the header promises ${shape} ${header.datatype} voxels, the file is too short for them`,
    );
  }
  if (needed > limits.maxBytes) {
    throw new ProcessorError(
      "nifti-too-large",
      `the file unpacks to ${needed} bytes, over the limit of ${limits.maxBytes} (maxBytes)`,
    );
  }
  return needed;
}

function sniff(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (le: boolean) => (view.byteLength >= 4 ? view.getInt32(0, le) : 0);
  const le = [true, false].find((le) => size(le) === 348 || size(le) === 540);
  if (le === undefined)
    throw new ProcessorError("nifti-header", "not NIfTI: the first number is not a header size of 348 or 540");
  const version = size(le) === 348 ? 1 : 2;
  const length = version === 1 ? 348 : 540;
  if (bytes.length < length) throw new ProcessorError("nifti-header", `the header is cut: it needs ${length} bytes`);
  const one = version === 1;
  return {
    version,
    pair: isPair(bytes.subarray(one ? 344 : 4), version),
    littleEndian: le,
    int16: (at1, at2) => view.getInt16(one ? at1 : at2, le),
    code: (at1, at2) => (one ? view.getInt16(at1, le) : view.getInt32(at2, le)),
    size: (at1, at2, i = 0) => (one ? view.getInt16(at1 + 2 * i, le) : Number(view.getBigInt64(at2 + 8 * i, le))),
    real: (at1, at2, i = 0) => (one ? view.getFloat32(at1 + 4 * i, le) : view.getFloat64(at2 + 8 * i, le)),
  };
}

function isPair(magic: Uint8Array, version: 1 | 2): boolean {
  const text = String.fromCharCode(...magic.subarray(0, 4));
  if (text === `ni${version}\0`) return true;
  if (text === `n+${version}\0`) return false;
  // Analyze 7.5 has the same header size, and a number where the magic string stands: 0 in most files.
  const what = version === 1 && text === "\0\0\0\0" ? "an Analyze 7.5 header, not NIfTI" : "the magic string is wrong";
  throw new ProcessorError("nifti-header", `not NIfTI-${version}: ${what}`);
}

function readShape({ size }: Fields): number[] {
  const rank = size(40, 16);
  if (!(rank >= 1 && rank <= 7))
    throw new ProcessorError("nifti-dimensions", `the header counts ${rank} dimensions, not 1 to 7`);
  const shape = Array.from({ length: rank }, (_, i) => size(40, 16, i + 1));
  if (shape.some((n) => !(n >= 1)))
    throw new ProcessorError(
      "nifti-dimensions",
      `the header's dimensions (${shape.join(", ")}) must all be at least 1`,
    );
  return shape;
}

function readOffset({ version, pair, size, real }: Fields): number {
  const offset = version === 1 ? real(108, 0) : size(0, 168);
  const least = pair ? 0 : version === 1 ? 352 : 544;
  // 0 is written for "right after the header".
  const at = offset === 0 ? least : offset;
  if (!Number.isSafeInteger(at) || at < least)
    throw new ProcessorError("nifti-header", `vox_offset must be an integer of at least ${least}`);
  return at;
}

function readScaling({ real }: Fields): { readonly slope: number; readonly inter: number } {
  const slope = real(112, 176);
  const inter = real(116, 184);
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  if (!Number.isFinite(inter))
    throw new ProcessorError("nifti-header", "scl_slope is given, but scl_inter is not a number");
  return { slope, inter };
}

function readAffine(fields: Fields, shape: readonly number[], spacings: readonly number[]): Affine | undefined {
  const { real } = fields;
  const code = (value: number) => (value >= 0 && value <= 5 ? value : 0);
  const three = (value: (i: 0 | 1 | 2) => number) => [value(0), value(1), value(2)] as const;
  return niftiAffine({
    shape: three((i) => shape[i] ?? 1),
    spacing: three((i) => spacings[i]!),
    rank: shape.length,
    sformCode: code(fields.code(254, 348)),
    sform: Array.from({ length: 12 }, (_, i) => real(280, 400, i)),
    qformCode: code(fields.code(252, 344)),
    quaternion: three((i) => real(256, 352, i)),
    offset: three((i) => real(268, 376, i)),
    qfac: real(76, 104) === -1 ? -1 : 1,
    tolerance: 3 * (fields.version === 1 ? 2 ** -23 : 2 ** -52),
  });
}

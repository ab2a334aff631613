import { ProcessorError } from "../errors.js";

/** The voxel types that are read; the bytes of each. */
const DATATYPES = new Map<number, readonly [NiftiDatatype, number]>([
  [2, ["uint8", 1]],
  [4, ["int16", 2]],
  [8, ["int32", 4]],
  [16, ["float32", 4]],
  [64, ["float64", 8]],
  [256, ["int8", 1]],
  [512, ["uint16", 2]],
  [768, ["uint32", 4]],
  [1024, ["int64", 8]],
  [1280, ["uint64", 8]],
]);

const REFUSED = new Map([
  [1, "1-bit voxels"],
  [32, "complex64 voxels"],
  [128, "RGB24 voxels"],
  [1536, "float128 voxels"],
  [1792, "complex128 voxels"],
  [2048, "complex256 voxels"],
  [2304, "RGBA32 voxels"],
]);

export type NiftiDatatype =
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64"
  | "float32"
  | "float64";

export interface NiftiHeader {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /** Sizes along each dimension, as many as the header counts. */
  readonly shape: readonly number[];
  /** Grid spacing along each dimension, in the file's units. */
  readonly spacing: readonly number[];
  readonly datatype: NiftiDatatype;
  readonly bytesPerVoxel: number;
  /** Where the voxels begin, bytes. */
  readonly offset: number;
  /** value = stored * slope + inter; 1 and 0 where the header gives no usable slope. */
  readonly slope: number;
  readonly inter: number;
}

/** Bytes that hold either version's header and its extension flag. */
export const HEADER_BYTES = 544;

/** Reads one field of the header at its place in version 1 or version 2. */
interface Fields {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  readonly view: DataView;
}

/** @throws ProcessorError `nifti-header`, `nifti-pair`, `nifti-datatype`, `nifti-dimensions`. */
export function parseNiftiHeader(bytes: Uint8Array): NiftiHeader {
  const fields = sniff(bytes);
  const { version, littleEndian, view } = fields;
  const int16 = (at: number) => view.getInt16(at, littleEndian);
  const dim = (i: number) => (version === 1 ? int16(40 + 2 * i) : Number(view.getBigInt64(16 + 8 * i, littleEndian)));
  const spacing = (i: number) =>
    version === 1 ? view.getFloat32(76 + 4 * i, littleEndian) : view.getFloat64(104 + 8 * i, littleEndian);
  const rank = dim(0);
  if (!(rank >= 1 && rank <= 7)) {
    throw new ProcessorError("nifti-dimensions", `the header counts ${rank} dimensions, not 1 to 7`);
  }
  const shape = Array.from({ length: rank }, (_, i) => dim(i + 1));
  if (shape.some((n) => !(n >= 1))) {
    throw new ProcessorError(
      "nifti-dimensions",
      `the header's dimensions (${shape.join(", ")}) must all be at least 1`,
    );
  }
  const [datatype, bytesPerVoxel] = readDatatype(int16(version === 1 ? 70 : 12), int16(version === 1 ? 72 : 14));
  const offset = version === 1 ? view.getFloat32(108, littleEndian) : Number(view.getBigInt64(168, littleEndian));
  return {
    version,
    littleEndian,
    shape,
    spacing: shape.map((_, i) => spacing(i + 1)),
    datatype,
    bytesPerVoxel,
    offset: checkOffset(offset, version),
    ...readScaling(fields),
  };
}

/**
 * Checks the sizes that a header claims.
 * @param available the most bytes that the file can hold, unpacked
 * @returns bytes from the file's begin to the last voxel's end
 * @throws ProcessorError `nifti-short`, `nifti-too-large`.
 */
export function checkNifti(header: NiftiHeader, available: number, maxBytes: number): number {
  const voxels = header.shape.reduce((n, d) => n * d, 1);
  const needed = header.offset + voxels * header.bytesPerVoxel;
  if (!(needed <= available)) {
    const shape = header.shape.join(" x ");
    throw new ProcessorError(
      "nifti-short",
      `the header promises ${shape} ${header.datatype} voxels, the file is too short for them`,
    );
  }
  if (needed > maxBytes) {
    throw new ProcessorError(
      "nifti-too-large",
      `the file unpacks to ${needed} bytes, over the limit of ${maxBytes} (maxBytes)`,
    );
  }
  return needed;
}

function sniff(bytes: Uint8Array): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (littleEndian: boolean) => (view.byteLength >= 4 ? view.getInt32(0, littleEndian) : 0);
  const found = [true, false].find((le) => size(le) === 348 || size(le) === 540);
  if (found === undefined) {
    throw new ProcessorError("nifti-header", "not NIfTI: the first number is not a header size of 348 or 540");
  }
  const version = size(found) === 348 ? 1 : 2;
  const length = version === 1 ? 348 : 540;
  if (bytes.length < length) throw new ProcessorError("nifti-header", `the header is cut: it needs ${length} bytes`);
  const at = version === 1 ? 344 : 4;
  const magic = String.fromCharCode(...bytes.subarray(at, at + 4));
  if (magic === `ni${version}\0`) {
    throw new ProcessorError("nifti-pair", "a .hdr/.img pair: convert it to one .nii file first");
  }
  if (magic !== `n+${version}\0`)
    throw new ProcessorError("nifti-header", `not NIfTI-${version}: the magic string is wrong`);
  return { version, littleEndian: found, view };
}

function readDatatype(code: number, bits: number): readonly [NiftiDatatype, number] {
  const known = DATATYPES.get(code);
  if (known === undefined) {
    const what = REFUSED.get(code) ?? "an unknown voxel type";
    throw new ProcessorError("nifti-datatype", `datatype ${code} (${what}) is not read: integer and real voxels are`);
  }
  if (bits !== known[1] * 8) {
    throw new ProcessorError(
      "nifti-datatype",
      `bitpix ${bits} does not fit datatype ${code}, which has ${known[1] * 8}`,
    );
  }
  return known;
}

function checkOffset(offset: number, version: 1 | 2): number {
  const least = version === 1 ? 352 : 544;
  // 0 is written for "right after the header".
  const at = offset === 0 ? least : offset;
  if (!Number.isSafeInteger(at) || at < least) {
    throw new ProcessorError("nifti-header", `vox_offset must be an integer of at least ${least}`);
  }
  return at;
}

function readScaling({ view, version, littleEndian }: Fields): { readonly slope: number; readonly inter: number } {
  const slope = version === 1 ? view.getFloat32(112, littleEndian) : view.getFloat64(176, littleEndian);
  const inter = version === 1 ? view.getFloat32(116, littleEndian) : view.getFloat64(184, littleEndian);
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  if (!Number.isFinite(inter))
    throw new ProcessorError("nifti-header", "scl_slope is given, but scl_inter is not a number");
  return { slope, inter };
}

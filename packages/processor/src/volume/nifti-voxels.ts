import { ProcessorError } from "../errors.js";

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
  | "float64"
  | "rgb24"
  | "rgba32";

/** The voxel types that are read; the bytes of each. */
const DATATYPES = new Map<number, readonly [NiftiDatatype, number]>([
  [2, ["uint8", 1]],
  [4, ["int16", 2]],
  [8, ["int32", 4]],
  [16, ["float32", 4]],
  [64, ["float64", 8]],
  [128, ["rgb24", 3]],
  [256, ["int8", 1]],
  [512, ["uint16", 2]],
  [768, ["uint32", 4]],
  [1024, ["int64", 8]],
  [1280, ["uint64", 8]],
  [2304, ["rgba32", 4]],
]);

const REFUSED = new Map([
  [1, "1-bit voxels"],
  [32, "complex64 voxels"],
  [1536, "float128 voxels"],
  [1792, "complex128 voxels"],
  [2048, "complex256 voxels"],
]);

/** @throws ProcessorError `nifti-datatype`. */
export function readDatatype(code: number, bits: number): readonly [NiftiDatatype, number] {
  const known = DATATYPES.get(code);
  if (known === undefined) {
    const what = REFUSED.get(code) ?? "an unknown voxel type";
    throw new ProcessorError(
      "nifti-datatype",
      `datatype ${code} (${what}) is not read: integer, real and RGB voxels are`,
    );
  }
  if (bits !== known[1] * 8) {
    throw new ProcessorError(
      "nifti-datatype",
      `bitpix ${bits} does not fit datatype ${code}, which has ${known[1] * 8}`,
    );
  }
  return known;
}

/** Samples of a voxel that are shown: alpha is dropped, as of a picture. */
export const channelsOf = (datatype: NiftiDatatype): 1 | 3 => (datatype === "rgb24" || datatype === "rgba32" ? 3 : 1);

/**
 * Reads stored sample number i: of a colour, `voxel * 3 + channel`. 64-bit integers are rounded to float64, as numpy does.
 * @param view from the first voxel on
 */
export function voxelReader(view: DataView, datatype: NiftiDatatype, le: boolean): (i: number) => number {
  switch (datatype) {
    case "uint8":
    case "rgb24":
      return (i) => view.getUint8(i);
    case "rgba32":
      return (i) => view.getUint8(i + Math.floor(i / 3));
    case "int8":
      return (i) => view.getInt8(i);
    case "uint16":
      return (i) => view.getUint16(i * 2, le);
    case "int16":
      return (i) => view.getInt16(i * 2, le);
    case "uint32":
      return (i) => view.getUint32(i * 4, le);
    case "int32":
      return (i) => view.getInt32(i * 4, le);
    case "uint64":
      return (i) => Number(view.getBigUint64(i * 8, le));
    case "int64":
      return (i) => Number(view.getBigInt64(i * 8, le));
    case "float32":
      return (i) => view.getFloat32(i * 4, le);
    case "float64":
      return (i) => view.getFloat64(i * 8, le);
  }
}

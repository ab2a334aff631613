import { ProcessorError } from "../errors.js";
import { gunzip, isGzip } from "./gunzip.js";
import { checkNifti, HEADER_BYTES, type NiftiHeader, parseNiftiHeader } from "./nifti-header.js";
import { type Volume, volumeOf } from "./volume.js";

export interface NiftiOptions {
  /** Which volume of a 4D file, from 0. Without it a file of several volumes is refused. */
  readonly volumeIndex?: number;
  /** The most bytes (header and voxels, unpacked) that a file may have. Default 2 GiB. */
  readonly maxBytes?: number;
}

/** A volume out of a NIfTI file, with its header. */
export interface NiftiVolume extends Volume {
  readonly header: NiftiHeader;
}

const MAX_BYTES = 2 ** 31;
/** Deflate cannot pack more than this many bytes into one. */
const MAX_RATIO = 1032;

/**
 * Reads NIfTI-1 or NIfTI-2, plain or gzipped (told by the bytes, not the name), either byte order, integer and real
 * voxels; slope and intercept applied in float64, no reorientation, as nibabel's `get_fdata` gives it. The header is
 * checked against the file's length before anything is allocated.
 * Source: NIfTI-1 and NIfTI-2 data format, nifti.nimh.nih.gov.
 * @throws ProcessorError `nifti-header`, `nifti-datatype`, `nifti-dimensions`, `nifti-pair`, `nifti-short`, `nifti-gzip`,
 *   `nifti-too-large`, `nifti-volume-index`.
 */
export async function readNifti(bytes: Uint8Array, options: NiftiOptions = {}): Promise<NiftiVolume> {
  const { maxBytes = MAX_BYTES } = options;
  let header: NiftiHeader | undefined;
  const plan = (head: Uint8Array, most: number) => {
    header = parseNiftiHeader(head);
    return checkNifti(header, most, maxBytes);
  };
  let content = bytes;
  if (isGzip(bytes)) {
    content = await gunzip(bytes, HEADER_BYTES, (head) => plan(head, bytes.length * MAX_RATIO));
    header ??= parseNiftiHeader(content);
    checkNifti(header, content.length, maxBytes);
  } else {
    plan(bytes.subarray(0, HEADER_BYTES), bytes.length);
  }
  return makeVolume(content, header!, options.volumeIndex);
}

function makeVolume(content: Uint8Array, header: NiftiHeader, volumeIndex: number | undefined): NiftiVolume {
  const [x, y = 1, z = 1, ...more] = header.shape;
  const shape = [x!, y, z] as const;
  const volumes = more.reduce((n, d) => n * d, 1);
  if (more.length > 1 && more.slice(1).some((d) => d !== 1)) {
    throw new ProcessorError(
      "nifti-dimensions",
      `a file of ${header.shape.length} dimensions is not a series of volumes`,
    );
  }
  if (volumes > 1 && volumeIndex === undefined) {
    throw new ProcessorError(
      "nifti-volume-index",
      `the file holds ${volumes} volumes: say which (volumeIndex, from 0)`,
    );
  }
  const index = volumeIndex ?? 0;
  if (!Number.isSafeInteger(index) || index < 0 || index >= volumes) {
    throw new ProcessorError("nifti-volume-index", `volumeIndex must be an integer of 0 to ${volumes - 1}`);
  }
  const stored = voxelReader(content, header);
  const first = index * x! * y * z;
  const { slope, inter } = header;
  const volume = volumeOf(shape, (i) => stored(first + i) * slope + inter);
  return { ...volume, header };
}

/** Reads stored voxel number i. 64-bit integers are rounded to float64, as numpy does. */
function voxelReader(content: Uint8Array, header: NiftiHeader): (i: number) => number {
  const { offset, littleEndian: le, datatype } = header;
  const view = new DataView(content.buffer, content.byteOffset + offset, content.byteLength - offset);
  switch (datatype) {
    case "uint8":
      return (i) => view.getUint8(i);
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

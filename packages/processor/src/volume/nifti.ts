import { ProcessorError } from "../errors.js";
import { heldBytes } from "../input/file.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import { geometryOf } from "./affine.js";
import { gunzip, isGzip } from "./gunzip.js";
import { checkNifti, HEADER_BYTES, type NiftiHeader, parseNiftiHeader } from "./nifti-header.js";
import { channelsOf, voxelReader } from "./nifti-voxels.js";
import { reorientRas } from "./reorient.js";
import { type Volume, volumeOf } from "./volume.js";

export interface NiftiOptions {
  /** Which volume of a file of 4 or more dimensions, from 0, the fourth dimension fastest. Several without it are refused. */
  readonly volumeIndex?: number;
  /** The .img half of a pair, gzipped or not, where `file` is the .hdr half. */
  readonly image?: Uint8Array | Blob;
  /**
   * `"RAS"`: axes exchanged and turned, so that they run most nearly to the patient's right, forward and up, as nibabel's
   * `as_closest_canonical` does; then "axial" and the other names are true. Default: the file's order, as upstream.
   */
  readonly reorient?: "RAS";
  readonly limits?: InputLimits;
}

/** A volume out of a NIfTI file, with its header. */
export interface NiftiVolume extends Volume {
  readonly header: NiftiHeader;
  /** How many volumes the file holds: the product of the dimensions from the fourth on. */
  readonly volumes: number;
}

/** Deflate cannot pack more than this many bytes into one. */
const MAX_RATIO = 1032;

/**
 * Reads NIfTI-1 or NIfTI-2, one file or a pair, plain or gzipped (told by the bytes, not the name), either byte order,
 * integer, real and RGB voxels; slope and intercept applied in float64, no reorientation by default, as nibabel's
 * `get_fdata` gives it. The header is checked against the file's length before anything is allocated.
 * Source: NIfTI-1 and NIfTI-2 data format, nifti.nimh.nih.gov.
 * @throws ProcessorError `nifti-header`, `nifti-datatype`, `nifti-dimensions`, `nifti-pair`, `nifti-short`, `nifti-gzip`,
 *   `nifti-too-large`, `nifti-volume-index`, `volume-geometry` (`reorient` of a file with no usable affine), `input-limit`,
 *   `input-file`, `input-too-large` (a Blob).
 */
export async function readNifti(file: Uint8Array | Blob, options: NiftiOptions = {}): Promise<NiftiVolume> {
  const limits = inputLimits(options.limits);
  if (options.reorient !== undefined && options.reorient !== "RAS")
    throw new ProcessorError("volume-geometry", 'reorient must be "RAS"');
  const bytes = await heldBytes(file, limits.maxBytes);
  const image = options.image && (await heldBytes(options.image, limits.maxBytes));
  const { header, content } =
    image === undefined ? await readSingle(bytes, limits) : await readPair(bytes, image, limits);
  const volume = makeVolume(content, header, options.volumeIndex, limits);
  return options.reorient === "RAS" ? { ...volume, ...reorientRas(volume) } : volume;
}

interface Parts {
  readonly header: NiftiHeader;
  readonly content: Uint8Array;
}

async function readSingle(bytes: Uint8Array, limits: Required<InputLimits>): Promise<Parts> {
  const read = (head: Uint8Array) => {
    const header = parseNiftiHeader(head);
    if (header.pair)
      throw new ProcessorError("nifti-pair", "the .hdr half of a pair: give its .img half too (the option image)");
    return header;
  };
  if (!isGzip(bytes)) {
    const header = read(bytes.subarray(0, HEADER_BYTES));
    checkNifti(header, bytes.length, limits);
    return { header, content: bytes };
  }
  let header: NiftiHeader | undefined;
  const content = await gunzip(bytes, HEADER_BYTES, (head) => {
    header = read(head);
    return checkNifti(header, bytes.length * MAX_RATIO, limits);
  });
  header ??= read(content);
  checkNifti(header, content.length, limits);
  return { header, content };
}

async function readPair(bytes: Uint8Array, image: Uint8Array, limits: Required<InputLimits>): Promise<Parts> {
  const head = isGzip(bytes) ? await gunzip(bytes, HEADER_BYTES, ({ length }) => length) : bytes;
  const header = parseNiftiHeader(head.subarray(0, HEADER_BYTES));
  if (!header.pair) throw new ProcessorError("nifti-pair", "an image is given, but the header is of a single file");
  const needed = checkNifti(header, isGzip(image) ? image.length * MAX_RATIO : image.length, limits);
  const content = isGzip(image) ? await gunzip(image, 0, () => needed) : image;
  checkNifti(header, content.length, limits);
  return { header, content };
}

function makeVolume(
  content: Uint8Array,
  header: NiftiHeader,
  volumeIndex: number | undefined,
  limits: Required<InputLimits>,
): NiftiVolume {
  const [x, y = 1, z = 1, ...more] = header.shape;
  const shape = [x!, y, z] as const;
  const largest = (x! * y * z) / Math.min(...shape);
  if (largest > limits.maxPixels)
    throw new ProcessorError(
      "nifti-too-large",
      `a slice has ${largest} voxels, over the limit of ${limits.maxPixels} (maxPixels)`,
    );
  const volumes = more.reduce((n, d) => n * d, 1);
  const index = chosen(volumes, volumeIndex);
  const { slope, inter, datatype, bytesPerVoxel, littleEndian } = header;
  const bytes = x! * y * z * bytesPerVoxel;
  const view = new DataView(content.buffer, content.byteOffset + header.offset + index * bytes, bytes);
  const stored = voxelReader(view, datatype, littleEndian);
  const channels = channelsOf(datatype);
  const geometry = header.affine && geometryOf(header.affine);
  // A colour has no scale. Adding 0 would make 0 of -0, which nibabel keeps.
  const scaled = inter === 0 ? (i: number) => stored(i) * slope : (i: number) => stored(i) * slope + inter;
  const at = channels === 3 ? stored : scaled;
  return { ...volumeOf(shape, at, { channels, geometry }), header, volumes };
}

function chosen(volumes: number, volumeIndex: number | undefined): number {
  if (volumes > 1 && volumeIndex === undefined)
    throw new ProcessorError(
      "nifti-volume-index",
      `the file holds ${volumes} volumes: say which (volumeIndex, from 0)`,
    );
  const index = volumeIndex ?? 0;
  if (!Number.isSafeInteger(index) || index < 0 || index >= volumes)
    throw new ProcessorError("nifti-volume-index", `volumeIndex must be an integer of 0 to ${volumes - 1}`);
  return index;
}

import type { VoiFunction } from "../dicom/frame-attributes.js";
import { ProcessorError } from "../errors.js";
import type { InputLimits } from "../input/limits.js";
import { type Affine, geometryOf } from "../volume/affine.js";
import { typedVolume, type VoxelArray } from "../volume/typed.js";
import type { Volume } from "../volume/volume.js";

/** What this adapter reads of an image's NIfTI header. */
export interface NiivueHeader {
  /** From index 1: voxels along each axis. */
  readonly dims: readonly number[];
  /** 128: RGB, 2304: RGBA. */
  readonly datatypeCode: number;
  readonly scl_slope: number;
  readonly scl_inter: number;
  /** Voxel to RAS mm. */
  readonly affine: readonly (readonly number[])[];
}

/** What this adapter reads of niivue's `NVImage`. Its own objects fit; nothing of it is imported. */
export interface NiivueImage {
  readonly hdr: NiivueHeader | null;
  /** In the order of the file, the bytes put right. */
  readonly img?: VoxelArray;
  /** Which volume of a 4D file is shown, from 0. */
  readonly frame4D?: number;
  /** What is shown black and white, in the file's units. */
  readonly cal_min?: number;
  readonly cal_max?: number;
}

const RGB24 = 128;
const RGBA32 = 2304;

/**
 * A volume that niivue has loaded, in the order of its file, in physical units, where it lies in the patient: what `readNifti`
 * gives of the same file. Its memory is not copied. `reorientRas` turns it as niivue draws it.
 * @param options `frame`: which volume of a 4D file, from 0; default: the one that is shown
 * @throws ProcessorError `input-not-loaded`, `nifti-volume-index`, `volume-data`, `input-limit`.
 */
export function fromNVImage(
  image: NiivueImage,
  options: { readonly frame?: number; readonly limits?: InputLimits } = {},
): Volume {
  const { hdr, img } = image;
  if (hdr === null || img === undefined) throw new ProcessorError("input-not-loaded", "the image has no voxels yet");
  // A picture has one slice.
  const dims = [1, 2, 3].map((i) => Math.max(hdr.dims[i] ?? 1, 1)) as [number, number, number];
  const samples = hdr.datatypeCode === RGB24 ? 3 : hdr.datatypeCode === RGBA32 ? 4 : 1;
  const length = dims[0] * dims[1] * dims[2] * samples;
  const frame = options.frame ?? image.frame4D ?? 0;
  const count = Math.floor(img.length / length);
  if (!(Number.isSafeInteger(frame) && frame >= 0 && frame < Math.max(count, 1)))
    throw new ProcessorError("nifti-volume-index", `frame ${frame} is not one of the ${count} that are loaded`);
  const data = img.subarray(frame * length, (frame + 1) * length) as VoxelArray;
  // Source: NIfTI-1, scl_slope: 0 is none.
  const slope = hdr.scl_slope || 1;
  const inter = hdr.scl_inter || 0;
  const volume = typedVolume(
    { data, dims, slope, inter },
    options.limits === undefined ? {} : { limits: options.limits },
  );
  return { ...volume, geometry: geometryOf(hdr.affine as unknown as Affine) };
}

/** A window as the slices of a volume take it. */
export interface ImageWindow {
  readonly center: number;
  readonly width: number;
  readonly function: VoiFunction;
}

/**
 * The brightness that a reader has set (`cal_min`, `cal_max`), so that the model sees what the reader sees. A colour map is
 * not part of it.
 * @throws ProcessorError `volume-window` where none is set.
 */
export function imageWindow({ cal_min: min = Number.NaN, cal_max: max = Number.NaN }: NiivueImage): ImageWindow {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min >= max)
    throw new ProcessorError("volume-window", "the image has no brightness set: cal_min must be below cal_max");
  return { center: (min + max) / 2, width: max - min, function: "LINEAR_EXACT" };
}

import { ProcessorError } from "../errors.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import { checkDims, place, typedVolume, type VoxelArray } from "../volume/typed.js";
import { type Shape, type Volume, volumeOf } from "../volume/volume.js";
import type { CornerstoneImage, CornerstoneVolume, CornerstoneVoxels } from "./types.js";
import { isWhole, type Scale, scaleOf } from "./values.js";

/**
 * A volume of Cornerstone3D, in physical units, where it lies in the patient. Voxels are read through its voxel manager when
 * a slice is asked for: nothing is copied, and slices that the viewer drops meanwhile are `input-not-loaded` then. Of a 4D
 * volume the point in time that is shown is copied.
 * @throws ProcessorError `input-not-loaded` where a slice is not there yet, or only in part; `volume-data`,
 *   `volume-geometry`, `dicom-unsupported`, `input-limit`.
 */
export function fromVolume(volume: CornerstoneVolume, options: { readonly limits?: InputLimits } = {}): Volume {
  const shape = checkDims(volume.dimensions, inputLimits(options.limits).maxPixels);
  const voxels = volume.voxelManager;
  if (voxels === undefined) throw new ProcessorError("input-not-loaded", "the volume has no voxels yet");
  const colour = checkLoaded(voxels, shape);
  const dynamic = (volume.numDimensionGroups ?? 1) > 1;
  const images = dynamic ? [] : (volume.getCornerstoneImages?.() ?? []);
  const partial = images.findIndex((image) => image !== undefined && !isWhole(image));
  if (partial >= 0) throw notLoaded(partial, shape);
  if (colour) return colourVolume(volume, voxels, shape);
  if (dynamic) return snapshot(volume, voxels, shape);
  const scales = slicesScales(images, shape);
  const { geometry } = placed(volume);
  const perSlice = shape[0] * shape[1];
  return volumeOf(
    shape,
    (i) => {
      const value = voxels.getAtIndex(i);
      const slice = Math.floor(i / perSlice);
      if (typeof value !== "number") throw notLoaded(slice, shape);
      return scales === undefined ? value : value * scales[slice]!.slope + scales[slice]!.intercept;
    },
    { geometry },
  );
}

/** @returns whether its voxels are colours */
function checkLoaded(voxels: CornerstoneVoxels, shape: Shape): boolean {
  const firsts = Array.from({ length: shape[2] }, (_, slice) => voxels.getAtIndex(slice * shape[0] * shape[1]));
  const missing = firsts.findIndex((voxel) => typeof voxel !== "number" && !isColour(voxel));
  if (missing >= 0) throw notLoaded(missing, shape);
  return isColour(firsts[0]);
}

const isColour = (voxel: unknown): voxel is readonly number[] =>
  Array.isArray(voxel) && voxel.length >= 3 && voxel.every((sample) => typeof sample === "number");

/** Per slice, as PET needs it; undefined where nothing is left to be applied. */
function slicesScales(images: readonly (CornerstoneImage | undefined)[], shape: Shape): readonly Scale[] | undefined {
  if (images.length !== shape[2]) return undefined;
  const scales = images.map((image) => (image === undefined ? { slope: 1, intercept: 0 } : scaleOf(image)));
  return scales.some(({ slope, intercept }) => slope !== 1 || intercept !== 0) ? scales : undefined;
}

function snapshot(volume: CornerstoneVolume, voxels: CornerstoneVoxels, dims: Shape): Volume {
  if (volume.isPreScaled === false || voxels.getCompleteScalarDataArray === undefined)
    throw new ProcessorError("dicom-unsupported", "a 4D volume is read where its loader has applied the rescale");
  const data = voxels.getCompleteScalarDataArray() as VoxelArray;
  return typedVolume({ data, dims, ...placed(volume).given });
}

function colourVolume(volume: CornerstoneVolume, voxels: CornerstoneVoxels, shape: Shape): Volume {
  if ((volume.metadata?.BitsAllocated ?? 8) > 8)
    throw new ProcessorError("dicom-unsupported", "a colour volume of more than 8 bits is not read");
  // The three samples of a voxel are asked for one after the other.
  let last = { voxel: -1, samples: [] as readonly number[] };
  const at = (i: number) => {
    const voxel = Math.floor(i / 3);
    if (voxel !== last.voxel) {
      const samples = voxels.getAtIndex(voxel);
      if (!isColour(samples)) throw notLoaded(Math.floor(voxel / (shape[0] * shape[1])), shape);
      last = { voxel, samples };
    }
    return last.samples[i % 3]!;
  };
  return volumeOf(shape, at, { channels: 3, geometry: placed(volume).geometry });
}

function placed({ spacing, direction, origin }: CornerstoneVolume) {
  const given = { spacing, direction: Array.from(direction), origin, space: "LPS" } as const;
  return { given, geometry: place(given) };
}

const notLoaded = (slice: number, shape: Shape) =>
  new ProcessorError(
    "input-not-loaded",
    `slice ${slice} of ${shape[2]} is not loaded; wait until the volume's load() has ended`,
  );

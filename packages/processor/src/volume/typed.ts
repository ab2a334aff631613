import { ProcessorError } from "../errors.js";
import { type InputLimits, inputLimits } from "../input/limits.js";
import { type Affine, affineOf, type Geometry, geometryOf, type Row } from "./affine.js";
import { type Shape, type Volume, volumeOf } from "./volume.js";

export type VoxelArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A volume that somebody holds already: a viewer's, say, or a computation's. */
export interface TypedVolume {
  /** The first axis fastest. 3 or 4 bytes per voxel of a Uint8Array are RGB, RGBA (its alpha is dropped). */
  readonly data: VoxelArray;
  readonly dims: Shape;
  /** mm between voxels along each axis. Default 1. */
  readonly spacing?: readonly number[];
  /** Nine cosines: where the first axis points, then the second, then the third. Default: along x, y and z. */
  readonly direction?: readonly number[];
  /** Where voxel (0, 0, 0) lies, mm. Default 0. */
  readonly origin?: readonly number[];
  /** What `direction` and `origin` count in. `LPS` (the default): DICOM, ITK, Cornerstone. `RAS`: NIfTI, niivue. */
  readonly space?: "LPS" | "RAS";
  /** value = data * slope + inter. Default 1 and 0. */
  readonly slope?: number;
  readonly inter?: number;
}

/**
 * A {@link Volume} over memory of the caller's, which is not copied. Without spacing, direction and origin it has no place in
 * the patient (`geometry`).
 * @throws ProcessorError `volume-data` where sizes and data do not fit together, `volume-geometry`, `input-limit`.
 */
export function typedVolume(given: TypedVolume, options: { readonly limits?: InputLimits } = {}): Volume {
  const { data, dims, slope = 1, inter = 0 } = given;
  const shape = checkDims(dims, inputLimits(options.limits).maxPixels);
  const samples = checkData(data, shape);
  if (!Number.isFinite(slope) || !Number.isFinite(inter))
    throw new ProcessorError("volume-data", "slope and inter must be finite numbers");
  const geometry = given.spacing || given.direction || given.origin ? place(given) : undefined;
  if (samples > 1) {
    const at = samples === 3 ? (i: number) => Number(data[i]) : (i: number) => Number(data[i + Math.floor(i / 3)]);
    return volumeOf(shape, at, { channels: 3, geometry });
  }
  return volumeOf(shape, (i) => Number(data[i]) * slope + inter, { geometry });
}

/** @throws ProcessorError `volume-data`. */
export function checkDims(dims: readonly number[], maxPixels: number): Shape {
  if (!Array.isArray(dims) || dims.length !== 3 || !dims.every((d) => Number.isSafeInteger(d) && d >= 1))
    throw new ProcessorError("volume-data", "dims must be three positive integers");
  const [x, y, z] = dims as [number, number, number];
  const largest = Math.max(x * y, x * z, y * z);
  if (largest > maxPixels)
    throw new ProcessorError(
      "volume-data",
      `a slice has ${largest} voxels, over the limit of ${maxPixels} (maxPixels)`,
    );
  return [x, y, z];
}

/** @returns samples per voxel */
function checkData(data: VoxelArray, [x, y, z]: Shape): 1 | 3 | 4 {
  if (!ArrayBuffer.isView(data) || data instanceof DataView)
    throw new ProcessorError("volume-data", "data must be a typed array");
  const samples = data.length / (x * y * z);
  if (samples === 1) return 1;
  if (samples !== 3 && samples !== 4)
    throw new ProcessorError("volume-data", `${x} x ${y} x ${z} voxels do not fit data of ${data.length} numbers`);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw new ProcessorError("volume-data", "colour voxels must be a Uint8Array");
  return samples;
}

/**
 * Where a volume lies.
 * @throws ProcessorError `volume-geometry`.
 */
export function place({
  spacing,
  direction,
  origin,
  space = "LPS",
}: Pick<TypedVolume, "spacing" | "direction" | "origin" | "space">): Geometry {
  if (space !== "LPS" && space !== "RAS") throw new ProcessorError("volume-geometry", "space must be LPS or RAS");
  const steps = numbers(spacing ?? [1, 1, 1], 3, "spacing");
  const cosines = numbers(direction ?? [1, 0, 0, 0, 1, 0, 0, 0, 1], 9, "direction");
  const columns = [0, 1, 2].map((a) => [0, 1, 2].map((r) => cosines[3 * a + r]! * steps[a]!));
  const affine = affineOf(columns, numbers(origin ?? [0, 0, 0], 3, "origin"));
  const geometry = geometryOf(space === "LPS" ? otherSpace(affine) : affine);
  if (geometry === undefined)
    throw new ProcessorError("volume-geometry", "spacing must not be 0, and the axes must not lie in one plane");
  return geometry;
}

/** LPS to RAS, and back: x and y count the other way. */
export function otherSpace(affine: Affine): Affine {
  const [x, y, z, w] = affine;
  const back = (row: Row): Row => [0 - row[0], 0 - row[1], 0 - row[2], 0 - row[3]];
  return [back(x), back(y), z, w];
}

function numbers(given: readonly number[], count: number, name: string): readonly number[] {
  const list = Array.from(given);
  if (list.length !== count || !list.every(Number.isFinite))
    throw new ProcessorError("volume-geometry", `${name} must be ${count} finite numbers`);
  return list;
}

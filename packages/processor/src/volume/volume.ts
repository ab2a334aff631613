import { ProcessorError } from "../errors.js";
import type { Geometry } from "./affine.js";

/**
 * Across which axis a volume is cut, by number or by name: axial 2, coronal 1, sagittal 0. The names are true of a volume
 * that lies as most scans do, and of one that is reoriented to RAS; of another they only stand for the numbers.
 */
export type Axis = "axial" | "coronal" | "sagittal" | 0 | 1 | 2;

/** A plane of values, `[row * cols + col]`, of a colour volume `[(row * cols + col) * 3 + channel]`. */
export interface Plane {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/** A 3D volume, its values in physical units (slope and intercept applied), in the order of its file. */
export interface Volume {
  /** Voxels along the file's first, second and third axis. */
  readonly shape: Shape;
  /** 3: red, green and blue of 0 to 255. */
  readonly channels: 1 | 3;
  /** Where it lies in the patient, if the file says so. */
  readonly geometry?: Geometry | undefined;
  /** The plane at `index` across `axis`: rows run along the first, columns along the second of the two other axes. */
  plane(axis: 0 | 1 | 2, index: number): Plane;
  /** All values, channels together, then the first axis fastest. Allocates 8 bytes per value. */
  values(): Float64Array;
}

export type Shape = readonly [number, number, number];

const AXES = new Map<unknown, 0 | 1 | 2>([
  ["sagittal", 0],
  ["coronal", 1],
  ["axial", 2],
  [0, 0],
  [1, 1],
  [2, 2],
]);

/** @throws ProcessorError `volume-axis`. */
export function axisNumber(axis: Axis): 0 | 1 | 2 {
  const number = AXES.get(axis);
  if (number === undefined) throw new ProcessorError("volume-axis", "axis must be axial, coronal, sagittal, 0, 1 or 2");
  return number;
}

/** The two axes of a plane: along its rows' numbers, and along its columns'. */
export const planeAxes = (axis: 0 | 1 | 2): readonly [0 | 1 | 2, 0 | 1 | 2] =>
  axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];

/**
 * A volume over a function that reads one value.
 * @param at value of voxel i + shape[0] * (j + shape[1] * k); of a colour, `voxel * 3 + channel`
 */
export function volumeOf(
  shape: Shape,
  at: (offset: number) => number,
  { channels = 1, geometry }: { readonly channels?: 1 | 3; readonly geometry?: Geometry | undefined } = {},
): Volume {
  const strides = [channels, channels * shape[0], channels * shape[0] * shape[1]] as const;
  return {
    shape,
    channels,
    geometry,
    plane(axis, index) {
      checkIndex(shape, axis, index);
      const [a, b] = planeAxes(axis);
      const rows = shape[a];
      const cols = shape[b];
      const values = new Float64Array(rows * cols * channels);
      for (let row = 0, to = 0; row < rows; row++) {
        let from = index * strides[axis] + row * strides[a];
        for (let col = 0; col < cols; col++, from += strides[b])
          for (let channel = 0; channel < channels; channel++) values[to++] = at(from + channel);
      }
      return { rows, cols, values };
    },
    values() {
      const values = new Float64Array(shape[0] * shape[1] * shape[2] * channels);
      for (let i = 0; i < values.length; i++) values[i] = at(i);
      return values;
    },
  };
}

/** @throws ProcessorError `volume-slices`. */
export function checkIndex(shape: Shape, axis: 0 | 1 | 2, index: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= shape[axis])
    throw new ProcessorError("volume-slices", `slice ${index} is not one of the ${shape[axis]} along axis ${axis}`);
}

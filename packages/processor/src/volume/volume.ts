import { ProcessorError } from "../errors.js";

/** A scanner's slice direction by name, or the number of the axis that is cut: axial 2, coronal 1, sagittal 0. */
export type Axis = "axial" | "coronal" | "sagittal" | 0 | 1 | 2;

/** A plane of values, `[row * cols + col]`. */
export interface Plane {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/** A 3D volume, its values in physical units (slope and intercept applied), not reoriented. */
export interface Volume {
  /** Voxels along the file's first, second and third axis. */
  readonly shape: readonly [number, number, number];
  /** The plane at `index` across `axis`: rows run along the first, columns along the second of the two other axes. */
  plane(axis: 0 | 1 | 2, index: number): Plane;
  /** All values, the first axis fastest. Allocates 8 bytes per voxel. */
  values(): Float64Array;
}

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

/**
 * A volume over a function that reads one voxel.
 * @param at value of voxel i + shape[0] * (j + shape[1] * k)
 */
export function volumeOf(shape: readonly [number, number, number], at: (offset: number) => number): Volume {
  const strides = [1, shape[0], shape[0] * shape[1]] as const;
  return {
    shape,
    plane(axis, index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= shape[axis]) {
        throw new ProcessorError("volume-slices", `slice ${index} is not one of the ${shape[axis]} along axis ${axis}`);
      }
      const [a, b] = axis === 0 ? ([1, 2] as const) : axis === 1 ? ([0, 2] as const) : ([0, 1] as const);
      const rows = shape[a];
      const cols = shape[b];
      const values = new Float64Array(rows * cols);
      for (let row = 0, to = 0; row < rows; row++) {
        const base = index * strides[axis] + row * strides[a];
        for (let col = 0; col < cols; col++) values[to++] = at(base + col * strides[b]);
      }
      return { rows, cols, values };
    },
    values() {
      const values = new Float64Array(shape[0] * shape[1] * shape[2]);
      for (let i = 0; i < values.length; i++) values[i] = at(i);
      return values;
    },
  };
}

import { ProcessorError } from "../errors.js";
import { type Affine, affineOf, geometryOf } from "./affine.js";
import { checkIndex, type Plane, planeAxes, type Shape, type Volume } from "./volume.js";

interface Source {
  readonly axis: 0 | 1 | 2;
  readonly flip: boolean;
}

/**
 * The volume with its axes exchanged and turned, so that the first runs most nearly to the patient's right, the second
 * forward, the third up: nibabel's `as_closest_canonical`. A view: nothing is resampled, nothing is copied until it is read.
 * @throws ProcessorError `volume-geometry` where the volume does not say how it lies.
 */
export function reorientRas(volume: Volume): Volume {
  const { geometry, shape: from, channels } = volume;
  if (geometry === undefined)
    throw new ProcessorError(
      "volume-geometry",
      "the volume does not say how it lies in the patient (no usable affine)",
    );
  const sources = ([0, 1, 2] as const).map((to): Source => {
    const axis = geometry.orientation.findIndex((o) => o.axis === to) as 0 | 1 | 2;
    return { axis, flip: geometry.orientation[axis]!.sign === -1 };
  }) as unknown as readonly [Source, Source, Source];
  const shape: Shape = [from[sources[0].axis], from[sources[1].axis], from[sources[2].axis]];
  const plane = (axis: 0 | 1 | 2, index: number) => {
    checkIndex(shape, axis, index);
    const source = sources[axis];
    const read = volume.plane(source.axis, source.flip ? shape[axis] - 1 - index : index);
    const [a, b] = planeAxes(axis);
    const transpose = sources[a].axis > sources[b].axis;
    return turned(read, channels, { transpose, flipRows: sources[a].flip, flipCols: sources[b].flip });
  };
  return {
    shape,
    channels,
    geometry: geometryOf(turnedAffine(geometry.affine, from, sources)),
    plane,
    values: () => valuesOf(shape, channels, plane, sources),
  };
}

/** Column c of the new affine is the old column that it came from; the origin goes to the other end of what is flipped. */
function turnedAffine(affine: Affine, shape: Shape, sources: readonly Source[]): Affine {
  const column = (c: number) => [affine[0][c]!, affine[1][c]!, affine[2][c]!];
  const columns = sources.map(({ axis, flip }) => column(axis).map((v) => (flip ? 0 - v : v)));
  const flipped = sources.filter(({ flip }) => flip).toSorted((a, b) => a.axis - b.axis);
  const origin = ([0, 1, 2] as const).map(
    (r) => flipped.reduce((sum, { axis }) => sum + affine[r][axis] * (shape[axis] - 1), 0) + affine[r][3],
  );
  return affineOf(columns, origin);
}

/** A plane transposed first, then with its rows and its columns in the other order. */
export function turned(
  plane: Plane,
  channels: 1 | 3,
  {
    transpose,
    flipRows,
    flipCols,
  }: { readonly transpose: boolean; readonly flipRows: boolean; readonly flipCols: boolean },
): Plane {
  if (!transpose && !flipRows && !flipCols) return plane;
  const [rows, cols] = transpose ? [plane.cols, plane.rows] : [plane.rows, plane.cols];
  const values = new Float64Array(plane.values.length);
  const [down, across] = transpose ? [1, plane.cols] : [plane.cols, 1];
  for (let row = 0, to = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const voxel = (flipRows ? rows - 1 - row : row) * down + (flipCols ? cols - 1 - col : col) * across;
      for (let channel = 0; channel < channels; channel++) values[to++] = plane.values[voxel * channels + channel]!;
    }
  }
  return { rows, cols, values };
}

/** By planes across the axis that was the file's third: those lie together in it. */
function valuesOf(
  shape: Shape,
  channels: 1 | 3,
  plane: (axis: 0 | 1 | 2, index: number) => Plane,
  sources: readonly Source[],
): Float64Array {
  const axis = sources.findIndex((s) => s.axis === 2) as 0 | 1 | 2;
  const [a, b] = planeAxes(axis);
  const strides = [channels, channels * shape[0], channels * shape[0] * shape[1]] as const;
  const out = new Float64Array(shape[0] * shape[1] * shape[2] * channels);
  for (let index = 0; index < shape[axis]; index++) {
    const { rows, cols, values } = plane(axis, index);
    for (let row = 0, from = 0; row < rows; row++)
      for (let col = 0; col < cols; col++)
        for (let channel = 0; channel < channels; channel++)
          out[index * strides[axis] + row * strides[a] + col * strides[b] + channel] = values[from++]!;
  }
  return out;
}

import type { Affine } from "./affine.js";

/** What a NIfTI header says of where its voxels lie. */
export interface NiftiSpace {
  /** Sizes of the first three axes, 1 where there are fewer. */
  readonly shape: readonly [number, number, number];
  readonly rank: number;
  readonly spacing: readonly [number, number, number];
  readonly sformCode: number;
  readonly sform: readonly number[];
  readonly qformCode: number;
  /** b, c, d of the unit quaternion. */
  readonly quaternion: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
  readonly qfac: number;
  /** What rounding may make of |b, c, d|^2 = 1: 3 epsilon of the type that they are stored in. */
  readonly tolerance: number;
}

/**
 * Voxel to RAS+ mm as nibabel gives it: the sform where its code is not 0, else the qform, else the spacings about the
 * middle, x flipped. Undefined for a qform whose quaternion is longer than 1.
 * Source: NIfTI-1 data format, "Orientation and location in space": methods 3, 2 and 1.
 */
export function niftiAffine(space: NiftiSpace): Affine | undefined {
  if (space.sformCode !== 0) {
    const [a, b, c, d, e, f, g, h, i, j, k, l] = space.sform as [number, ...number[]];
    return [[a, b!, c!, d!], [e!, f!, g!, h!], [i!, j!, k!, l!], BOTTOM];
  }
  return space.qformCode !== 0 ? qform(space) : base(space);
}

const BOTTOM = [0, 0, 0, 1] as const;

function qform({ quaternion, spacing, qfac, offset, tolerance }: NiftiSpace): Affine | undefined {
  const [x, y, z] = quaternion;
  const square = 1 - (x * x + y * y + z * z);
  if (!(square > -tolerance)) return undefined;
  const w = square < tolerance ? 0 : Math.sqrt(square);
  const scale = 2 / (w * w + x * x + y * y + z * z);
  const twice = (a: number, b: number) => a * b * scale;
  const rotation = [
    [1 - (twice(y, y) + twice(z, z)), twice(x, y) - twice(w, z), twice(x, z) + twice(w, y)],
    [twice(x, y) + twice(w, z), 1 - (twice(x, x) + twice(z, z)), twice(y, z) - twice(w, x)],
    [twice(x, z) - twice(w, y), twice(y, z) + twice(w, x), 1 - (twice(x, x) + twice(y, y))],
  ] as const;
  const [i, j, k] = spacing;
  const row = (r: 0 | 1 | 2) => [rotation[r][0] * i, rotation[r][1] * j, rotation[r][2] * k * qfac, offset[r]] as const;
  return [row(0), row(1), row(2), BOTTOM];
}

function base({ shape, rank, spacing }: NiftiSpace): Affine {
  const step = (axis: 0 | 1 | 2) => (axis < rank ? spacing[axis] : 1);
  const [i, j, k] = [-step(0), step(1), step(2)];
  const middle = (axis: 0 | 1 | 2, step: number) => 0 - ((shape[axis] - 1) / 2) * step;
  return [[i, 0, 0, middle(0, i)], [0, j, 0, middle(1, j)], [0, 0, k, middle(2, k)], BOTTOM];
}

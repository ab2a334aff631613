export type Row = readonly [number, number, number, number];

/** Rows of a 4 x 4 matrix: (i, j, k, 1) -> (x, y, z, 1) in mm, x to the patient's right, y forward, z up (RAS+). */
export type Affine = readonly [Row, Row, Row, Row];

type Three = readonly [number, number, number];
type Matrix = readonly [Three, Three, Three];

/** Where a volume lies in the patient. */
export interface Geometry {
  readonly affine: Affine;
  /** Distance of the voxels' centres along each axis: the lengths of the affine's columns. */
  readonly spacing: readonly [number, number, number];
  /** Where each axis points, of R or L, A or P, S or I: "LAS", "RAS". */
  readonly axcodes: string;
  /** Per axis of the volume: the patient's axis (0 right, 1 forward, 2 up) that it is closest to, and whether along it. */
  readonly orientation: readonly [Orientation, Orientation, Orientation];
}

export interface Orientation {
  readonly axis: 0 | 1 | 2;
  readonly sign: 1 | -1;
}

const CODES = [
  ["L", "R"],
  ["P", "A"],
  ["I", "S"],
] as const;

/** The affine of three columns (where a step along each axis leads, mm) and the place of voxel (0, 0, 0). */
export function affineOf(columns: readonly (readonly number[])[], origin: readonly number[]): Affine {
  const row = (r: number): Row => [columns[0]![r]!, columns[1]![r]!, columns[2]![r]!, origin[r]!];
  return [row(0), row(1), row(2), [0, 0, 0, 1]];
}

/** What an affine says; undefined where it is not finite, or puts the volume into a plane. */
export function geometryOf(affine: Affine): Geometry | undefined {
  if (!affine.flat().every(Number.isFinite)) return undefined;
  const columns = [0, 1, 2].map((c) => [affine[0][c]!, affine[1][c]!, affine[2][c]!]);
  const spacing = columns.map((c) => Math.hypot(...c)) as [number, number, number];
  if (spacing.some((length) => !(length > 0 && Number.isFinite(length)))) return undefined;
  const unit = [0, 1, 2].map((r) => columns.map((c, i) => c[r]! / spacing[i]!)) as unknown as Matrix;
  const rotation = closestRotation(unit);
  if (rotation === undefined) return undefined;
  const orientation = orientationOf(rotation);
  const axcodes = orientation.map(({ axis, sign }) => CODES[axis][sign === 1 ? 1 : 0]).join("");
  return { affine, spacing, axcodes, orientation };
}

/**
 * The orthogonal factor of the polar decomposition, by Newton's iteration; undefined for a singular matrix.
 * Source: Higham, Computing the polar decomposition, SIAM J. Sci. Stat. Comput. 7 (1986).
 */
function closestRotation(matrix: Matrix): Matrix | undefined {
  let x = matrix;
  for (let step = 0; step < 100; step++) {
    const inverse = inverseTransposed(x);
    if (inverse === undefined) return undefined;
    const next = x.map((row, r) => row.map((v, c) => (v + inverse[r]![c]!) / 2)) as unknown as Matrix;
    const change = Math.max(...next.flat().map((v, i) => Math.abs(v - x.flat()[i]!)));
    x = next;
    if (change < 1e-15) break;
  }
  return x;
}

function inverseTransposed(m: Matrix): Matrix | undefined {
  const minor = (r: number, c: number) => {
    const at = (dr: number, dc: number) => m[(r + dr) % 3]![(c + dc) % 3]!;
    return at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1);
  };
  const cofactors = [0, 1, 2].map((r) => [0, 1, 2].map((c) => minor(r, c)));
  const determinant = m[0].reduce((sum, v, c) => sum + v * cofactors[0]![c]!, 0);
  if (!(Math.abs(determinant) > 1e-12)) return undefined;
  return cofactors.map((row) => row.map((v) => v / determinant)) as unknown as Matrix;
}

/** The strongest axis chooses its patient's axis first, as nibabel's `io_orientation` has it. */
function orientationOf(rotation: Matrix): [Orientation, Orientation, Orientation] {
  const strength = [0, 1, 2].map((c) => Math.max(...rotation.map((row) => row[c]! ** 2)));
  const order = [0, 1, 2].sort((a, b) => strength[b]! - strength[a]!);
  const free = new Set<0 | 1 | 2>([0, 1, 2]);
  const found = new Map<number, Orientation>();
  for (const column of order) {
    const size = (r: number) => Math.abs(rotation[r]![column]!);
    const axis = [...free].reduce((best, r) => (size(r) > size(best) ? r : best));
    free.delete(axis);
    found.set(column, { axis, sign: rotation[axis][column]! < 0 ? -1 : 1 });
  }
  return [found.get(0)!, found.get(1)!, found.get(2)!];
}

/** How many frames, and how many rows and columns of patches in each. */
export type Grid = readonly [frames: number, rows: number, columns: number];

/** A grid or a merge size that cannot be; the message says what would. */
export class VisionError extends Error {
  override readonly name = "VisionError";
}

/** @throws VisionError unless rows and columns are whole multiples of the merge size */
export function checkGrid([frames, rows, columns]: Grid, merge: number): void {
  const whole = [frames, rows, columns, merge].every((n) => Number.isSafeInteger(n) && n >= 1);
  if (!whole)
    throw new VisionError(
      `a grid is three whole numbers of at least 1, and so is a merge size, not [${frames} ${rows} ${columns}] and ${merge}`,
    );
  if (rows % merge !== 0 || columns % merge !== 0)
    throw new VisionError(`${rows} x ${columns} patches do not divide into windows of ${merge} x ${merge}`);
}

/**
 * The row and column of each patch of a frame, in merge-block order: window by window, and row-major both over the
 * windows and inside one. With merge 1 that is raster order.
 */
export function patchPositions(
  [, rows, columns]: Grid,
  merge: number,
): { readonly row: Int32Array; readonly col: Int32Array } {
  const row = new Int32Array(rows * columns);
  const col = new Int32Array(rows * columns);
  let at = 0;
  for (let r = 0; r < rows; r += merge)
    for (let c = 0; c < columns; c += merge)
      for (let y = 0; y < merge; y++)
        for (let x = 0; x < merge; x++) {
          row[at] = r + y;
          col[at++] = c + x;
        }
  return { row, col };
}

/**
 * What each patch of an m x m window weighs in the merged token, row-major: bilinear interpolation at the window's
 * centre, without antialias. For an even m that is the mean of the central 2 x 2, for an odd m the central patch.
 */
export function mergeWeights(merge: number): Float32Array {
  const weights = new Float32Array(merge * merge);
  const centre = (merge - 1) / 2;
  const along = (i: number): number => Math.max(0, 1 - Math.abs(i - centre));
  for (let y = 0; y < merge; y++) for (let x = 0; x < merge; x++) weights[y * merge + x] = along(y) * along(x);
  return weights;
}

/** How many tokens a frame has after merging. */
export const tokensPerFrame = ([, rows, columns]: Grid, merge: number): number => (rows * columns) / merge ** 2;

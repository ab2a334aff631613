import type { Preset } from "./kernel.js";

export interface TileSizes {
  /** Threads along the rows and the columns of the result, multiples of eight. */
  readonly threads: readonly [m: number, n: number];
  /** Rows of the result that each thread sums, 4 or 8. Of columns it has four. */
  readonly rows: number;
}

/** A preset of a kernel that multiplies by `kernels/wgsl/lib/tile.wgsl`. */
export const tilePreset = ({ threads: [m, n], rows }: TileSizes): Preset => ({
  name: `${rows * m} x ${4 * n} tiles, ${m * n} threads`,
  constants: { THREADS_M: m, THREADS_N: n, ROWS: rows },
  invocations: m * n,
  // 16 numbers along k of each row and column.
  workgroupBytes: (rows * m + 4 * n) * 16 * 4,
});

/** How many tiles make up a result of `m` rows and `n` columns. */
export const tilesOf = ({ constants: { ROWS = 4, THREADS_M = 8, THREADS_N = 8 } }: Preset, m: number, n: number) =>
  Math.ceil(m / (ROWS * THREADS_M)) * Math.ceil(n / (4 * THREADS_N));

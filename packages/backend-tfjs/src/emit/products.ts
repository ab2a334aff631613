import { countOf, type Emission } from "../emission.js";
import type { TfTensor } from "../runtime.js";

/**
 * Up to so many rows one batched product is faster than one product for each matrix. The batched one goes through a general
 * kernel; the others through XNNPACK, which first packs the matrix. Measured for attention over 64 to 2048 keys: with 1 row
 * 7 to 11 times slower head by head, with 12 rows as fast, with 32 rows 2 to 3 times faster, with 256 rows 10 times.
 */
export const FEW_ROWS = 12;

/** One product, by XNNPACK on wasm: rows `[m k]`, matrix `[k n]`. */
export function product({ tf, on }: Emission, rows: TfTensor, matrix: TfTensor): TfTensor {
  on.reserve(matrix, rows.shape[0]! * matrix.shape[1]!);
  return tf.matMul(rows, matrix);
}

/** Rows of any leading axes by one matrix: x `[... in]`, matrix `[in out]` -> `[... out]`. */
export function rowsTimesMatrix(e: Emission, x: TfTensor, matrix: TfTensor): TfTensor {
  const [inner, out] = matrix.shape as [number, number];
  const rows = e.tf.reshape(x, [countOf(x.shape.slice(0, -1)), inner]);
  return e.tf.reshape(product(e, rows, matrix), [...x.shape.slice(0, -1), out]);
}

/** A matrix for each: a `[p m k]`, b `[p n k]` -> `[p m n]`, the dot products of rows with rows. */
export function productsOfRows(e: Emission, a: TfTensor, b: TfTensor): TfTensor {
  const { tf } = e;
  if (a.shape[1]! <= FEW_ROWS) return tf.matMul(a, b, false, true);
  const columns = tf.unstack(tf.transpose(b, [0, 2, 1]));
  return tf.stack(tf.unstack(a).map((rows, i) => product(e, rows, columns[i]!)));
}

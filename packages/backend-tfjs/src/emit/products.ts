import { countOf, type Emission } from "../emission.js";
import type { TfTensor } from "../runtime.js";

/**
 * Up to so many rows the general kernel of TensorFlow.js is faster than one product for each matrix: those go through
 * XNNPACK, which first packs the matrix (measured: 1 to 3 rows 0.2 to 0.8 times as fast, 48 rows and more 3 to 25 times).
 */
export const FEW_ROWS = 8;

/** Rows of any leading axes by one matrix: x `[... in]`, matrix `[in out]`, bias `[out]`. */
export function rowsTimesMatrix({ tf }: Emission, x: TfTensor, matrix: TfTensor, bias?: TfTensor): TfTensor {
  const [inner, out] = matrix.shape as [number, number];
  const rows = tf.reshape(x, [countOf(x.shape.slice(0, -1)), inner]);
  const product = tf.fused.matMul({ a: rows, b: matrix as never, ...(bias && { bias }) });
  return tf.reshape(product, [...x.shape.slice(0, -1), out]);
}

/** A matrix for each: a `[p m k]`, b `[p n k]` -> `[p m n]`, the dot products of rows with rows. */
export function productsOfRows({ tf }: Emission, a: TfTensor, b: TfTensor): TfTensor {
  if (a.shape[1]! <= FEW_ROWS) return tf.matMul(a, b, false, true);
  const columns = tf.unstack(tf.transpose(b, [0, 2, 1]));
  return tf.stack(tf.unstack(a).map((rows, i) => tf.matMul(rows, columns[i]!)));
}

import type { CompileOptions, WeightSource } from "@hulu/core";
import { keyOf, type Layout } from "./layout.js";
import type { Runtime, TfTensor } from "./runtime.js";

/** Weights as TensorFlow.js holds them, in float32, shared by all programs. */
export class HeldWeights {
  readonly #tensors = new Map<string, TfTensor>();

  get(layout: Layout): TfTensor {
    return this.#tensors.get(keyOf(layout)) as TfTensor;
  }
  set(layout: Layout, tensor: TfTensor): void {
    this.#tensors.set(keyOf(layout), tensor);
  }
  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}

/** Read each weight once, and hold it in each layout that is asked for. */
export async function holdWeights(
  layouts: Iterable<Layout>,
  weights: WeightSource,
  runtime: Runtime,
  { signal, onProgress }: CompileOptions,
): Promise<HeldWeights> {
  const byPath = new Map<string, Layout[]>();
  for (const layout of layouts) byPath.set(layout.path, [...(byPath.get(layout.path) ?? []), layout]);
  const held = new HeldWeights();
  let done = 0;
  try {
    for (const [path, wanted] of byPath) {
      signal?.throwIfAborted();
      const data = await weights.floats(path, signal && { signal });
      const shape = weights.info(path)?.shape ?? [];
      await runtime.settled();
      for (const layout of wanted)
        held.set(
          layout,
          runtime.within(() => tensorOf(runtime, data, shape, layout)),
        );
      onProgress?.(++done, byPath.size, path);
    }
    signal?.throwIfAborted();
    return held;
  } catch (error) {
    held.dispose();
    throw error;
  }
}

function tensorOf({ tf }: Runtime, data: Float32Array, shape: readonly number[], { transposed }: Layout): TfTensor {
  if (transposed === undefined) return tf.tensor(data, [...shape], "float32");
  const inner = data.length / transposed;
  return tf.tensor(transpose(data, transposed, inner), [inner, transposed], "float32");
}

/** Rows and columns are walked in squares that fit a cache; one after the other, a large matrix takes ten times as long. */
const SQUARE = 32;

/** `[rows columns]` -> `[columns rows]`. */
function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let top = 0; top < rows; top += SQUARE)
    for (let left = 0; left < columns; left += SQUARE) {
      const [bottom, right] = [Math.min(top + SQUARE, rows), Math.min(left + SQUARE, columns)];
      for (let column = left; column < right; column++)
        for (let row = top; row < bottom; row++) out[column * rows + row] = data[row * columns + column]!;
    }
  return out;
}

/**
 * The ids of the finite and +infinite logits, the largest first and of equal ones the lower id, as far as they are asked for: a heap, so
 * that the few tokens that are likely cost no sorting of a vocabulary of 150,000.
 */
export function* descending(logits: Float32Array): Generator<number, void> {
  const heap = Int32Array.from(idsOf(logits));
  const before = (a: number, b: number) => logits[a]! > logits[b]! || (logits[a] === logits[b] && a < b);
  let size = heap.length;

  const sink = (from: number) => {
    const id = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, id)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = id;
  };

  for (let i = (size >> 1) - 1; i >= 0; i--) sink(i);
  while (size > 0) {
    const first = heap[0]!;
    heap[0] = heap[--size]!;
    sink(0);
    yield first;
  }
}

/** Those that can be chosen: neither -infinity nor NaN. */
function idsOf(logits: Float32Array): Int32Array {
  const ids = new Int32Array(logits.length);
  let count = 0;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > Number.NEGATIVE_INFINITY) ids[count++] = id;
  return ids.subarray(0, count);
}

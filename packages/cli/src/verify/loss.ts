/**
 * The mean cross-entropy of the next token over the labelled positions: logits `[position, vocab]`, labels `[position]`
 * with -100 where nothing is learnt.
 */
export function crossEntropy(logits: Float32Array, labels: Int32Array): number {
  const vocab = logits.length / labels.length;
  let sum = 0;
  let count = 0;
  for (let i = 0; i + 1 < labels.length; i++) {
    const label = labels[i + 1]!;
    if (label < 0) continue;
    sum += surprise(logits.subarray(i * vocab, (i + 1) * vocab), label);
    count++;
  }
  return sum / count;
}

/** -log of a label's probability, by log-sum-exp. */
function surprise(row: Float32Array, label: number): number {
  const most = row.reduce((a, b) => Math.max(a, b));
  const total = row.reduce((n, x) => n + Math.exp(x - most), 0);
  return most + Math.log(total) - row[label]!;
}

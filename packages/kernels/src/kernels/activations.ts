/** What a kernel may do to each number of its result, by the value of its parameter `activation`. */
export const activations = ["none", "gelu", "gelu_tanh", "silu"] as const;

/** erf in float64, by its series near 0 and by the continued fraction of erfc beyond. Abramowitz and Stegun, 7.1.6 and 7.1.14. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 3) {
    let [term, sum] = [z, z];
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction);
}

/** An activation in float64. @param which an index of `activations` */
export function activate(which: number, x: number): number {
  switch (activations[which]) {
    case "gelu":
      return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
    case "gelu_tanh":
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case "silu":
      return x / (1 + Math.exp(-x));
    default:
      return x;
  }
}

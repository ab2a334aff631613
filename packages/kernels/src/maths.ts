// What references compute with, in float64.

/**
 * The error function: its Taylor series for small arguments, and beyond, one less the continued fraction of erfc. Abramowitz
 * and Stegun, 7.1.6 and 7.1.14.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a >= 2.5) return Math.sign(x) * (1 - erfc(a));
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** 1 - erf, for a from 2.5 up. */
function erfc(a: number): number {
  let fraction = 0;
  for (let n = 80; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction);
}

/** x / 2 * (1 + erf(x / sqrt 2)). Hendrycks and Gimpel, 2016. */
export const gelu = (x: number): number =>
  x < -4 ? (x / 2) * erfc(-x * Math.SQRT1_2) : (x / 2) * (1 + erf(x * Math.SQRT1_2));

/** x / 2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), of the same paper; x * sigmoid of twice that does not cancel. */
export const geluTanh = (x: number): number =>
  x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** x / (1 + exp(-x)). */
export const silu = (x: number): number => x / (1 + Math.exp(-x));

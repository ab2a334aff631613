/**
 * Inverse DCT in integers with 13 bits of fraction, as libjpeg's "islow" does it, so that samples are equal to libjpeg's
 * and libjpeg-turbo's to the bit. The factorization is of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT
 * algorithms with 11 multiplications", 1989.
 */
const BITS = 13;
const fixed = (x: number) => Math.round(x * 2 ** BITS);
const F0_298 = fixed(0.298631336);
const F0_390 = fixed(0.390180644);
const F0_541 = fixed(0.5411961);
const F0_765 = fixed(0.765366865);
const F0_899 = fixed(0.899976223);
const F1_175 = fixed(1.175875602);
const F1_501 = fixed(1.50132111);
const F1_847 = fixed(1.847759065);
const F1_961 = fixed(1.96157056);
const F2_053 = fixed(2.053119869);
const F2_562 = fixed(2.562915447);
const F3_072 = fixed(3.072711026);

const { imul } = Math;
const work = new Int32Array(64);

/**
 * One block of 8x8 into a plane.
 * @param block dequantized coefficients in row order; they are left as they are
 * @param precision 8 or 12 bits: which rounding the first pass has
 */
export function inverseDct(
  block: Int32Array,
  plane: Uint8Array | Uint16Array,
  at: number,
  stride: number,
  precision: number,
): void {
  const pass1 = precision === 8 ? 2 : 1;
  const centre = 2 ** (precision - 1);
  const top = 2 ** precision - 1;
  for (let x = 0; x < 8; x++) oneDimension(block, x, 8, work, BITS - pass1);
  for (let y = 0; y < 8; y++) {
    oneDimension(work, 8 * y, 1, work, BITS + pass1 + 3);
    const to = at + y * stride;
    for (let x = 0; x < 8; x++) {
      const value = work[8 * y + x]! + centre;
      plane[to + x] = value < 0 ? 0 : Math.min(value, top);
    }
  }
}

/** Eight values at `at`, `at + step`..., scaled down by 2^shift. */
function oneDimension(from: Int32Array, at: number, step: number, to: Int32Array, shift: number): void {
  const half = 1 << (shift - 1);
  const c2 = from[at + 2 * step]!;
  const c6 = from[at + 6 * step]!;
  const z1 = imul(c2 + c6, F0_541);
  const even2 = z1 - imul(c6, F1_847);
  const even3 = z1 + imul(c2, F0_765);
  const c0 = from[at]!;
  const c4 = from[at + 4 * step]!;
  const even0 = (c0 + c4) << BITS;
  const even1 = (c0 - c4) << BITS;
  const e0 = even0 + even3 + half;
  const e3 = even0 - even3 + half;
  const e1 = even1 + even2 + half;
  const e2 = even1 - even2 + half;

  const c7 = from[at + 7 * step]!;
  const c5 = from[at + 5 * step]!;
  const c3 = from[at + 3 * step]!;
  const c1 = from[at + step]!;
  const s = imul(c7 + c3 + c5 + c1, F1_175);
  const a = -imul(c7 + c1, F0_899);
  const b = -imul(c5 + c3, F2_562);
  const c = s - imul(c7 + c3, F1_961);
  const d = s - imul(c5 + c1, F0_390);
  const o0 = imul(c7, F0_298) + a + c;
  const o1 = imul(c5, F2_053) + b + d;
  const o2 = imul(c3, F3_072) + b + c;
  const o3 = imul(c1, F1_501) + a + d;

  to[at] = (e0 + o3) >> shift;
  to[at + 7 * step] = (e0 - o3) >> shift;
  to[at + step] = (e1 + o2) >> shift;
  to[at + 6 * step] = (e1 - o2) >> shift;
  to[at + 2 * step] = (e2 + o1) >> shift;
  to[at + 5 * step] = (e2 - o1) >> shift;
  to[at + 3 * step] = (e3 + o0) >> shift;
  to[at + 4 * step] = (e3 - o0) >> shift;
}

// The two passes of Pillow's 8-bit resize in WebAssembly with SIMD. AssemblyScript; scripts/wasm.mjs compiles it into
// src/image/resize-wasm.ts. The caller lays out the memory; nothing here allocates.
//
// A weight w (fixed point, 22 bits after the point) is two int16 numbers, w = 2048 * high + low, so that one multiply-add of
// pairs (i32x4.dot_i16x8) does two taps in four lanes. Sums of high and low parts are put together at the end, modulo 2^32,
// where the true sum fits: the result is that of int32 arithmetic, exactly.
//
// A table of weights: per output `pairs` entries of 8 bytes, [high0, high1, low0, low1] int16 of two taps each; the weight of
// a tap that is not there is 0. Per output `first` (int32, first tap) and `count` (int32, taps).

const HALF: i32 = 1 << 21;
const POINT: i32 = 22;
const LOW_BITS: i32 = 11;

function toBytes(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, LOW_BITS), low), i32x4.splat(HALF));
  return i32x4.shr_s(sum, POINT);
}

/**
 * One row of RGB pixels after another. Reads up to 8 bytes, and writes 1 byte, beyond a row's end.
 * @param source [rows, sourceBytes] bytes
 * @param target [rows, width * 3] bytes
 */
export function horizontal(
  source: usize,
  sourceBytes: i32,
  target: usize,
  rows: i32,
  width: i32,
  first: usize,
  count: usize,
  weights: usize,
  pairs: i32,
): void {
  // r0 r1 g0 g1 b0 b1 as int16, of r0 g0 b0 r1 g1 b1.
  const order = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  for (let y = 0; y < rows; y++) {
    const row = source + y * sourceBytes;
    let to = target + y * width * 3;
    for (let x = 0; x < width; x++) {
      let from = row + load<i32>(first + x * 4) * 3;
      let weight = weights + x * pairs * 8;
      let high = i32x4.splat(0);
      let low = i32x4.splat(0);
      for (let n = load<i32>(count + x * 4); n > 0; n -= 2) {
        const pixels = i8x16.swizzle(v128.load64_zero(from), order);
        high = i32x4.add(high, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weight)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weight + 4)));
        from += 6;
        weight += 8;
      }
      const words = toBytes(high, low);
      const halves = i16x8.narrow_i32x4_s(words, words);
      store<i32>(to, i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0));
      to += 3;
    }
  }
}

/**
 * Rows of bytes from rows of bytes, 16 columns at a time. Reads and writes up to 15 bytes beyond a row's end.
 * @param source [.., length] bytes, of which row `origin` stands first
 * @param target [rows, length] bytes
 * @param from the first output row, of which `first`, `count` and `weights` have the tables
 */
export function vertical(
  source: usize,
  origin: i32,
  target: usize,
  length: i32,
  from: i32,
  rows: i32,
  first: usize,
  count: usize,
  weights: usize,
  pairs: i32,
): void {
  for (let y = from; y < from + rows; y++) {
    const taps = load<i32>(count + y * 4);
    const top = source + (load<i32>(first + y * 4) - origin) * length;
    const table = weights + y * pairs * 8;
    const to = target + (y - from) * length;
    for (let x = 0; x < length; x += 16) {
      let high0 = i32x4.splat(0),
        high1 = high0,
        high2 = high0,
        high3 = high0;
      let low0 = high0,
        low1 = high0,
        low2 = high0,
        low3 = high0;
      let at = top + x;
      let weight = table;
      for (let n = taps; n > 0; n -= 2) {
        const a = v128.load(at);
        // The last of an odd number of taps is taken with itself, of weight 0.
        const b = v128.load(n > 1 ? at + length : at);
        const even = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const odd = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const high = v128.load32_splat(weight);
        const low = v128.load32_splat(weight + 4);
        const p0 = i16x8.extend_low_i8x16_u(even);
        const p1 = i16x8.extend_high_i8x16_u(even);
        const p2 = i16x8.extend_low_i8x16_u(odd);
        const p3 = i16x8.extend_high_i8x16_u(odd);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(p0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(p1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(p2, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(p3, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(p0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(p1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(p2, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(p3, low));
        at += length * 2;
        weight += 8;
      }
      const left = i16x8.narrow_i32x4_s(toBytes(high0, low0), toBytes(high1, low1));
      const right = i16x8.narrow_i32x4_s(toBytes(high2, low2), toBytes(high3, low3));
      v128.store(to + x, i8x16.narrow_i16x8_u(left, right));
    }
  }
}

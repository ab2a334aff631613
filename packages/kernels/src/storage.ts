/**
 * How a weight matrix lies in a buffer of 32-bit words. Every row begins at a word: the numbers of a row are packed with the
 * first in the lowest bits, and the row's end is filled up with zeros.
 *
 * `f32`: one number a word. `bf16`, `f16`: two a word; exact for a checkpoint that stores them so, on every device. `i8`, `i4`:
 * groups of 32 numbers along the row, four or eight to a word, stored as q + 128 or q + 8, so that a number is
 * (stored - 2^(bits-1)) * scale of its group; the last group is filled up with zero weights.
 */
export type Storage = "f32" | "bf16" | "f16" | "i8" | "i4";

export const storages: readonly Storage[] = ["f32", "bf16", "f16", "i8", "i4"];

/** How many numbers share a scale. */
export const GROUP = 32;

const BITS: Readonly<Record<Storage, number>> = { f32: 32, bf16: 16, f16: 16, i8: 8, i4: 4 };

export const isQuantized = (storage: Storage): boolean => storage === "i8" || storage === "i4";

/** Words of one row of `width` numbers. */
export const wordsPerRow = (storage: Storage, width: number): number =>
  isQuantized(storage)
    ? (Math.ceil(width / GROUP) * GROUP * BITS[storage]) / 32
    : Math.ceil((width * BITS[storage]) / 32);

/** Scales, f32, of one row. */
export const scalesPerRow = (storage: Storage, width: number): number =>
  isQuantized(storage) ? Math.ceil(width / GROUP) : 0;

/** A matrix as its buffers hold it. */
export interface Packed {
  readonly words: Uint32Array;
  readonly scales: Float32Array;
}

/**
 * Numbers in their storage, rounded to the nearest that it can hold. A quantized group's scale is its largest magnitude over
 * 127 or 7, as float32; a group of zeros has scale 0, one with a number that is not finite NaN. Fast for a `Float32Array`: a
 * model goes through here as it is loaded.
 * @param data row-major, `[rows width]`, taken as float32
 */
export function pack(storage: Storage, data: ArrayLike<number>, rows: number, width: number): Packed {
  const numbers = data instanceof Float32Array ? data : Float32Array.from(data);
  const words = new Uint32Array(rows * wordsPerRow(storage, width));
  const scales = new Float32Array(rows * scalesPerRow(storage, width));
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  if (storage === "f32") words.set(bits.subarray(0, rows * width));
  else if (isQuantized(storage)) quantize(storage, numbers, rows, width, { words, scales });
  else halve(storage === "f16" ? halfOf : bfloatOf, bits, rows, width, words);
  return { words, scales };
}

/** Two numbers a word, the first in its lower half: every host of Node and of WebGPU is little-endian. */
function halve(round: (bits: number) => number, bits: Uint32Array, rows: number, width: number, words: Uint32Array) {
  const halves = new Uint16Array(words.buffer);
  const perRow = Math.ceil(width / 2) * 2;
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < width; i++) halves[row * perRow + i] = round(bits[row * width + i]!);
}

function quantize(storage: Storage, data: Float32Array, rows: number, width: number, { words, scales }: Packed): void {
  const most = 2 ** (BITS[storage] - 1) - 1;
  const groups = scalesPerRow(storage, width);
  const stored = new Uint8Array(words.buffer);
  const block = new Uint8Array(GROUP);
  for (let row = 0; row < rows; row++)
    for (let group = 0; group < groups; group++) {
      const from = row * width + group * GROUP;
      const count = Math.min(GROUP, width - group * GROUP);
      const at = row * groups + group;
      scales[at] = quantizeGroup(data, from, count, most, block);
      if (storage === "i8") stored.set(block, at * GROUP);
      else for (let i = 0; i < GROUP; i += 2) stored[(at * GROUP + i) / 2] = block[i]! | (block[i + 1]! << 4);
    }
}

/** One group as stored numbers, its end filled up with zero weights. @returns its scale */
function quantizeGroup(data: Float32Array, from: number, count: number, most: number, block: Uint8Array): number {
  let largest = 0;
  for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(data[from + i]!));
  const scale = largest < Number.POSITIVE_INFINITY ? Math.fround(largest / most) : Number.NaN;
  block.fill(most + 1);
  if (scale > 0)
    for (let i = 0; i < count; i++)
      block[i] = Math.max(-most, Math.min(most, Math.round(data[from + i]! / scale))) + most + 1;
  return scale;
}

/** What a storage holds, in plain numbers: `[rows width]`. */
export function unpack(storage: Storage, { words, scales }: Packed, rows: number, width: number): Float32Array {
  const perRow = wordsPerRow(storage, width);
  const groups = scalesPerRow(storage, width);
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < width; i++)
      out[row * width + i] = numberAt(
        storage,
        words,
        row * perRow,
        i,
        scales[row * groups + Math.floor(i / GROUP)] ?? 1,
      );
  return out;
}

function numberAt(storage: Storage, words: Uint32Array, row: number, i: number, scale: number): number {
  if (storage === "f32") return floatOf(words[row + i]!);
  const bits = BITS[storage];
  const perWord = 32 / bits;
  const field = (words[row + Math.floor(i / perWord)]! >>> (bits * (i % perWord))) & (2 ** bits - 1);
  if (storage === "bf16") return floatOf(field << 16);
  if (storage === "f16") return fromHalf(field);
  return Math.fround((field - 2 ** (bits - 1)) * scale);
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function bitsOf(x: number): number {
  float[0] = x;
  return word[0]!;
}
function floatOf(bits: number): number {
  word[0] = bits;
  return float[0]!;
}

/** The nearest bfloat16, ties to even; a NaN stays one. */
export const toBfloat = (x: number): number => bfloatOf(bitsOf(x));

/** The nearest float16, ties to even; what is too large becomes infinite. IEEE 754 binary16. */
export const toHalf = (x: number): number => halfOf(bitsOf(x));

/** @param bits of a float32 */
function bfloatOf(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** @param bits of a float32 */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // 2^16 and above, infinities and NaN.
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  // From 2^-14 the exponent is moved by 112; rounding up to the next power of two carries into it by itself.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Below, a step is 2^-24; half a step and less is nothing.
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  const drop = 126 - exponent;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  return sign | ((fraction + (1 << (drop - 1)) - 1 + ((fraction >>> drop) & 1)) >>> drop);
}

/** The number that a float16 stands for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (fraction + 1024) * 2 ** (exponent - 25);
}

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
 * 127 or 7, as float32; a group of zeros has scale 0.
 * @param data row-major, `[rows width]`
 */
export function pack(storage: Storage, data: ArrayLike<number>, rows: number, width: number): Packed {
  const perRow = wordsPerRow(storage, width);
  const words = new Uint32Array(rows * perRow);
  const scales = new Float32Array(rows * scalesPerRow(storage, width));
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    if (isQuantized(storage)) {
      const groups = scalesPerRow(storage, width);
      quantizeRow(storage, data, from, width, words.subarray(row * perRow), scales.subarray(row * groups));
    } else for (let i = 0; i < width; i++) put(storage, words, row * perRow, i, data[from + i]!);
  }
  return { words, scales };
}

function quantizeRow(
  storage: Storage,
  data: ArrayLike<number>,
  from: number,
  width: number,
  words: Uint32Array,
  scales: Float32Array,
): void {
  const bits = BITS[storage];
  const most = 2 ** (bits - 1) - 1;
  const perWord = 32 / bits;
  for (let group = 0; group * GROUP < width; group++) {
    const end = Math.min(width, (group + 1) * GROUP);
    let largest = 0;
    for (let i = group * GROUP; i < end; i++) largest = Math.max(largest, Math.abs(data[from + i]!));
    const scale = Math.fround(largest / most);
    scales[group] = scale;
    for (let i = group * GROUP; i < (group + 1) * GROUP; i++) {
      const q = i < end && scale > 0 ? Math.max(-most, Math.min(most, Math.round(data[from + i]! / scale))) : 0;
      words[Math.floor(i / perWord)]! |= (q + most + 1) << (bits * (i % perWord));
    }
  }
}

function put(storage: Storage, words: Uint32Array, row: number, i: number, x: number): void {
  if (storage === "f32") words[row + i] = bitsOf(x);
  else {
    const half = storage === "f16" ? toHalf(x) : toBfloat(x);
    words[row + (i >> 1)]! |= half << (16 * (i & 1));
  }
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
export function toBfloat(x: number): number {
  const bits = bitsOf(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** The nearest float16, ties to even; what is too large becomes infinite. IEEE 754 binary16. */
export function toHalf(x: number): number {
  const bits = bitsOf(x);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  const value = Math.abs(floatOf(magnitude));
  if (value >= 65520) return sign | 0x7c00;
  // Under 2^-14 a step is 2^-24; above, 2^-10 of the power of two below.
  const exponent = Math.max(-14, (magnitude >>> 23) - 127);
  const steps = roundToEven(value * 2 ** (10 - exponent));
  // Rounding up to the next power of two carries into the exponent by itself.
  return sign | (steps + (exponent === -14 ? 0 : (exponent + 14) << 10));
}

const roundToEven = (x: number): number => {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
};

/** The number that a float16 stands for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (fraction + 1024) * 2 ** (exponent - 25);
}

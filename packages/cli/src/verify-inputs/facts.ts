import { createHash } from "node:crypto";
import type { Golden } from "./golden.js";

export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** What goldens say of an array of numbers. */
export interface Facts {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Of the little-endian bytes, in the order in which the numbers were given. */
  readonly sha256: string;
  /** Of what is finite. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of each channel of interleaved samples. */
  readonly channelMeans: readonly number[];
  readonly nonfinite: number;
}

const DTYPES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [Uint8Array, "uint8"],
  [Int8Array, "int8"],
  [Uint16Array, "uint16"],
  [Int16Array, "int16"],
  [Uint32Array, "uint32"],
  [Int32Array, "int32"],
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [BigInt64Array, "int64"],
  [BigUint64Array, "uint64"],
]);
/** A Buffer is bytes too. */
const dtypeOf = (samples: Samples | undefined): string =>
  DTYPES.get(samples instanceof Uint8Array ? Uint8Array : samples?.constructor) ?? "nothing";

const bytesOf = (samples: Samples): Uint8Array =>
  new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

export const sha256 = (samples: Samples): string => createHash("sha256").update(bytesOf(samples)).digest("hex");

/** Takes numbers in, part by part: an array of which only a part is in memory at a time. */
export class Tally {
  readonly #hash = createHash("sha256");
  readonly #sums: number[];
  readonly #counts: number[];
  #dtype = "nothing";
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #nonfinite = 0;

  /** @param channels of interleaved samples; each part begins with the first */
  constructor(channels = 1) {
    this.#sums = new Array<number>(channels).fill(0);
    this.#counts = new Array<number>(channels).fill(0);
  }

  add(part: Samples): void {
    this.#dtype = dtypeOf(part);
    this.#hash.update(bytesOf(part));
    const channels = this.#sums.length;
    for (let c = 0; c < channels; c++) {
      let [sum, count] = [0, 0];
      for (let i = c; i < part.length; i += channels) {
        const v = Number(part[i]);
        if (!Number.isFinite(v)) continue;
        if (v < this.#min) this.#min = v;
        if (v > this.#max) this.#max = v;
        sum += v;
        count++;
      }
      this.#sums[c]! += sum;
      this.#counts[c]! += count;
      this.#nonfinite += Math.ceil((part.length - c) / channels) - count;
    }
  }

  /** It takes nothing in any more. */
  facts(shape: readonly number[]): Facts {
    const total = (list: readonly number[]) => list.reduce((n, x) => n + x, 0);
    return {
      shape,
      dtype: this.#dtype,
      sha256: this.#hash.digest("hex"),
      min: this.#min,
      max: this.#max,
      mean: total(this.#sums) / total(this.#counts),
      channelMeans: this.#sums.map((sum, c) => sum / this.#counts[c]!),
      nonfinite: this.#nonfinite,
    };
  }
}

export function factsOf(shape: readonly number[], parts: Iterable<Samples>, channels = 1): Facts {
  const tally = new Tally(channels);
  for (const part of parts) tally.add(part);
  return tally.facts(shape);
}

/** The order of a sum moves its last digits. */
const ROUNDING = 1e-9;
/** Published to six digits behind the point. */
export const SIX_DIGITS = 1e-6;

/** Every field that goldens give of an array; those of one that is published as a hash alone too. */
export function compareFacts(golden: Golden | undefined, facts: Facts): void {
  if (golden === undefined) return;
  golden.equal("sha256", facts.sha256);
  compareNumbers(golden, facts);
}

function compareNumbers(golden: Golden, facts: Facts): void {
  golden.remarks("note", "order", "tolerance");
  golden.equal("shape", facts.shape);
  golden.equal("dtype", facts.dtype);
  golden.equal("dtype_hashed", facts.dtype);
  golden.equal("min", facts.min);
  golden.equal("max", facts.max);
  golden.near("mean", asPublished(golden.input("mean"), facts.mean), ROUNDING);
  golden.near("mean_per_channel", facts.channelMeans, SIX_DIGITS);
  golden.equal("nonfinite", facts.nonfinite);
}

/** Means of frames are published to six digits behind the point, those of whole arrays in full. */
function asPublished(wanted: unknown, mean: number): number {
  const six = Number(mean.toFixed(6));
  return wanted === six ? six : mean;
}

/** The sample values of a picture at a place, for goldens that give them. */
export type At = (x: number, y: number) => readonly number[];

/**
 * An array whose decoding is lossy, so that decoders differ: means within 1, all sample values within 32 and nine in ten
 * within 4. Where the decoder gives the very bytes that were published, all that is said of them must hold exactly.
 */
export function compareLossy(golden: Golden | undefined, facts: Facts, at?: At): void {
  if (golden === undefined) return;
  const same = golden.input("sha256") === facts.sha256;
  if (same) compareNumbers(golden, facts);
  else compareAbout(golden, facts);
  if (golden.has("samples_xyrgb")) compareSamples(golden, at, same);
}

function compareAbout(golden: Golden, facts: Facts): void {
  golden.remarks("note", "order", "tolerance");
  golden.equal("shape", facts.shape);
  golden.equal("dtype", facts.dtype);
  golden.equal("dtype_hashed", facts.dtype);
  golden.equal("nonfinite", facts.nonfinite);
  const means = [["mean", facts.mean] as const, ["mean_per_channel", facts.channelMeans] as const];
  for (const [name, found] of means) within(golden, name, found, 1);
  within(golden, "min", facts.min, 32);
  within(golden, "max", facts.max, 32);
}

/** Absolutely, however large the numbers are. */
function within(golden: Golden, name: string, found: number | readonly number[], bound: number): void {
  if (!golden.has(name)) return;
  const wanted = [golden.input(name)].flat();
  const list = [found].flat();
  if (list.length !== wanted.length) golden.wrong(name, `${list.length} values, published as ${wanted.length}`);
  list.forEach((value, i) => {
    const other = wanted[i];
    if (!(typeof other === "number" && Math.abs(value - other) <= bound))
      golden.wrong(name, `is ${value}, published as ${other}; ${bound} is allowed`);
  });
}

function compareSamples(golden: Golden, at: At | undefined, same: boolean): void {
  const given = golden.input("samples_xyrgb");
  const list = Array.isArray(given) ? given : [];
  const off: number[] = [];
  for (const sample of list) {
    const [x, y, ...wanted] = Array.isArray(sample) ? (sample as readonly unknown[]) : [];
    const found = at?.(Number(x), Number(y)) ?? [];
    for (const [c, value] of wanted.entries()) off.push(Math.abs(Number(value) - (found[c] ?? Number.NaN)));
  }
  const far = off.filter((d) => !(d <= (same ? 0 : 32))).length;
  const near = off.filter((d) => d <= 4).length;
  if (off.length === 0 || far > 0) golden.wrong("samples_xyrgb", `${far} of ${off.length} values are too far off`);
  else if (near < 0.9 * off.length) golden.wrong("samples_xyrgb", `only ${near} of ${off.length} values are within 4`);
}

/**
 * Hashes alone, of a decoding that may be lossy. Ours may then be another decoder, and they say nothing; but where one of
 * them is what ours gives, it is the same decoder, and all must be.
 * @param more a field with further hashes
 */
export function compareHashes(
  golden: Golden,
  name: string,
  found: readonly string[],
  lossy: boolean,
  ...more: readonly string[]
): void {
  const names = [name, ...more].filter((field) => golden.has(field));
  const given = names.flatMap((field) => [golden.input(field)].flat());
  if (names.length === 0) return;
  if (given.length !== found.length) golden.wrong(name, `${found.length} hashes, published as ${given.length}`);
  const equal = found.filter((hash, i) => hash === given[i]).length;
  if (equal < found.length && !(lossy && equal === 0))
    golden.wrong(name, `${equal} of ${found.length} hashes are as published`);
}

import type { Kernel } from "./kernel.js";
import type { Passes } from "./resize-scalar.js";
import { RESIZE_WASM } from "./resize-wasm.js";
import type { RgbImage } from "./rgb.js";

/** Bytes of source and target rows that are in the module's memory at a time; one output row's taps may need more. */
const BAND_BYTES = 4 << 20;
/** The passes read and write a little beyond the end of a row. */
const SLACK = 32;
const PAGE = 65_536;
const LOW_BITS = 11;

interface Resize {
  readonly memory: WebAssembly.Memory;
  horizontal(...args: readonly number[]): void;
  vertical(...args: readonly number[]): void;
}

/**
 * The passes in WebAssembly with SIMD, to the same bytes; undefined where the runtime has it not, or a page forbids it. They
 * have one memory, which goes with them: a clip is resized by the same ones, since a memory for each frame would be let go by
 * the garbage collector only, and too late.
 */
export function simdPasses(): Passes | undefined {
  module ??= compile();
  if (module === null) return undefined;
  const code = module;
  let wasm: Resize | undefined;
  const bench = (kernel: Kernel): Bench => {
    wasm ??= new WebAssembly.Instance(code).exports as unknown as Resize;
    return new Bench(wasm, kernel);
  };
  return {
    horizontal: (image, width, kernel) => horizontal(bench(kernel), image, width),
    vertical: (image, height, kernel) => vertical(bench(kernel), image, height, kernel),
  };
}

/** 1 kB of code, the same for all: compiled at the first resize. */
let module: WebAssembly.Module | null | undefined;

function compile(): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(RESIZE_WASM), (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}

/** The memory laid out for one pass, with the tables in it. */
class Bench {
  readonly #wasm: Resize;
  #end = SLACK;
  readonly first: number;
  readonly count: number;
  readonly weights: number;
  readonly pairs: number;

  constructor(wasm: Resize, { first, count, weights, stride }: Kernel) {
    this.#wasm = wasm;
    this.pairs = Math.ceil(stride / 2);
    this.first = this.put(first);
    this.count = this.put(count);
    this.weights = this.put(splitWeights(weights, stride, this.pairs));
  }

  get run(): Resize {
    return this.#wasm;
  }

  /** Room for so many bytes. */
  take(bytes: number): number {
    const at = this.#end;
    this.#end = at + Math.ceil((bytes + SLACK) / 16) * 16;
    const { memory } = this.#wasm;
    const missing = this.#end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return at;
  }

  put(table: Int32Array | Int16Array): number {
    const at = this.take(table.byteLength);
    this.bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), at);
    return at;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#wasm.memory.buffer);
  }
}

/** [output, pairs, 4]: high and low parts of two weights each; see wasm/resize.ts. */
function splitWeights(weights: Int32Array, stride: number, pairs: number): Int16Array {
  const split = new Int16Array((weights.length / stride) * pairs * 4);
  for (let i = 0; i * stride < weights.length; i++)
    for (let k = 0; k < stride; k++) {
      const w = weights[i * stride + k]!;
      const at = (i * pairs + (k >> 1)) * 4 + (k & 1);
      split[at] = w >> LOW_BITS;
      split[at + 2] = w & ((1 << LOW_BITS) - 1);
    }
  return split;
}

function horizontal(bench: Bench, image: RgbImage, width: number): RgbImage {
  const { data, height } = image;
  const sourceBytes = image.width * 3;
  const targetBytes = width * 3;
  const band = Math.min(height, Math.max(1, Math.floor(BAND_BYTES / (sourceBytes + targetBytes))));
  const source = bench.take(band * sourceBytes);
  const target = bench.take(band * targetBytes);
  const memory = bench.bytes;
  const out = new Uint8Array(height * targetBytes);
  for (let y = 0; y < height; y += band) {
    const rows = Math.min(band, height - y);
    memory.set(data.subarray(y * sourceBytes, (y + rows) * sourceBytes), source);
    bench.run.horizontal(
      source,
      sourceBytes,
      target,
      rows,
      width,
      bench.first,
      bench.count,
      bench.weights,
      bench.pairs,
    );
    out.set(memory.subarray(target, target + rows * targetBytes), y * targetBytes);
  }
  return { data: out, width, height };
}

function vertical(bench: Bench, image: RgbImage, height: number, kernel: Kernel): RgbImage {
  const { data, width } = image;
  const length = width * 3;
  const bands = [...bandsOf(kernel, height, length)];
  const source = bench.take(Math.max(...bands.map(({ end, origin }) => (end - origin) * length)));
  const target = bench.take(Math.max(...bands.map(({ to, from }) => (to - from) * length)));
  const memory = bench.bytes;
  const out = new Uint8Array(height * length);
  for (const { from, to, origin, end } of bands) {
    memory.set(data.subarray(origin * length, end * length), source);
    const tables = [bench.first, bench.count, bench.weights, bench.pairs] as const;
    bench.run.vertical(source, origin, target, length, from, to - from, ...tables);
    out.set(memory.subarray(target, target + (to - from) * length), from * length);
  }
  return { data: out, width, height };
}

/** Output rows `from` up to `to`, which read the input rows `origin` up to `end`. */
function* bandsOf({ first, count }: Kernel, height: number, length: number) {
  for (let from = 0, to = 0; from < height; from = to) {
    const origin = first[from]!;
    const end = () => first[to - 1]! + count[to - 1]!;
    const bytes = () => (end() - origin + to - from) * length;
    to = from + 1;
    while (to < height) {
      to++;
      if (bytes() <= BAND_BYTES) continue;
      to--;
      break;
    }
    yield { from, to, origin, end: end() };
  }
}

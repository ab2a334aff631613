import { rowwise } from "./cut.js";
import { threadPresets } from "./elementwise.js";
import type { Launch, LaunchChoice, Params, Preset, Tolerance } from "./kernel.js";
import { KernelError } from "./layout.js";

// The pairs of a head that rotary positions turn, in plain numbers.

/** @throws KernelError unless a head of `dim` numbers divides by `by` */
export function checkHead(kernel: string, dim: number, by: number): void {
  if (dim % by !== 0) throw new KernelError(`${kernel}: a head of ${dim} numbers must be a multiple of ${by}`);
}

/** Where both numbers of pair `i` lie, counted over heads of `dim` numbers one behind the other. */
function pairOf(i: number, dim: number, interleaved: number): readonly [number, number] {
  const half = dim / 2;
  const [head, j] = [Math.floor(i / half) * dim, i % half];
  return interleaved === 0 ? [head + j, head + j + half] : [head + 2 * j, head + 2 * j + 1];
}

/** Heads that are turned: `rows` rows of `heads` heads of `dim` numbers, and which numbers of a head make a pair. */
export type Heads = Params<"rows" | "heads" | "dim" | "interleaved">;

/** Every pair of `x` turned by the cosine and sine that `turnOf` gives for the row and the pair, `[rows heads dim]`. */
export function turned(
  { rows, heads, dim, interleaved }: Heads,
  x: ArrayLike<number>,
  turnOf: (row: number, pair: number) => readonly [cos: number, sin: number],
): Float64Array {
  const y = new Float64Array(rows * heads * dim);
  const half = dim / 2;
  for (let i = 0; i < rows * heads * half; i++)
    rotated(y, x, pairOf(i, dim, interleaved), turnOf(Math.floor(i / half / heads), i % half));
  return y;
}

/** Cosine and sine of position * frequency, which is rounded as the kernels round it. */
export function turnAt(position: number, frequency: number): readonly [cos: number, sin: number] {
  const angle = Math.fround(Math.fround(position) * frequency);
  return [Math.cos(angle), Math.sin(angle)];
}

/** Of kernels that make the angles themselves. */
export const turnTolerance = (): Tolerance => ({
  abs: 2e-6,
  rel: 2e-7,
  why: "cosine and sine to 1e-7 of the float32 angle, then two products and their sum, which may cancel, of numbers up to 4",
});

/** Turn one pair of `x` by an angle, into `y`. */
function rotated(
  y: Float64Array,
  x: ArrayLike<number>,
  [first, second]: readonly [number, number],
  [cos, sin]: readonly [number, number],
): void {
  const [a, b] = [x[first]!, x[second]!];
  y[first] = a * cos - b * sin;
  y[second] = b * cos + a * sin;
}

/** A thread turns one pair of so many heads, by the same angle. */
const HEADS = 4;

/** Presets of kernels that only turn pairs. */
export const ropePresets: readonly Preset[] = threadPresets.map((preset) => ({
  ...preset,
  constants: { ...preset.constants, HEADS },
}));

/** Launches of such a kernel: a thread for a pair of up to `HEADS` heads of a row. `numbers` are of heads, `places` of rows. */
export function ropeLaunches<const B extends string>(
  { rows, heads, dim }: Params<"rows" | "heads" | "dim">,
  numbers: readonly B[],
  places: readonly B[],
  { preset, limits }: Pick<LaunchChoice, "preset" | "limits">,
): readonly Launch<"rows", B>[] {
  const threads = Math.ceil(heads / HEADS) * (dim / 2);
  const groups = (n: number) => Math.ceil((n * threads) / preset.invocations);
  const widths = [...numbers.map((b) => [b, heads * dim]), ...places.map((b) => [b, 1])];
  return rowwise({ name: "rows", rows, widths: Object.fromEntries(widths) as Record<B, number>, groups }, { limits });
}

import { rowwise } from "./cut.js";
import { threadPresets } from "./elementwise.js";
import type { Launch, LaunchChoice, Params, Preset } from "./kernel.js";
import { KernelError } from "./layout.js";

// The pairs of a head that rotary positions turn, in plain numbers.

/** @throws KernelError unless a head of `dim` numbers divides by `by` */
export function checkHead(kernel: string, dim: number, by: number): void {
  if (dim % by !== 0) throw new KernelError(`${kernel}: a head of ${dim} numbers must be a multiple of ${by}`);
}

/** Where both numbers of pair `i` lie, counted over heads of `dim` numbers one behind the other. */
export function pairOf(i: number, dim: number, interleaved: number): readonly [number, number] {
  const half = dim / 2;
  const [head, j] = [Math.floor(i / half) * dim, i % half];
  return interleaved === 0 ? [head + j, head + j + half] : [head + 2 * j, head + 2 * j + 1];
}

/** Turn one pair of `x` by an angle, into `y`. */
export function rotated(
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

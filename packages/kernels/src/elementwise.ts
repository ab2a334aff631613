import { rowwise } from "./cut.js";
import type { Launch, LaunchChoice, LaunchLimits, Params, Preset } from "./kernel.js";
import { opName } from "./layout.js";

/** Presets of kernels whose threads know nothing of each other. */
export const threadPresets: readonly Preset[] = [
  { name: "256 threads", constants: { THREADS: 256 }, invocations: 256, workgroupBytes: 0 },
  { name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 0 },
];

/**
 * Launches of a kernel with one thread for each of `count` elements, which are the first axis of all of `buffers`: one, or as
 * many as it takes where a buffer is over the limit of a binding.
 */
export function elementwise<const B extends string>(
  buffers: readonly B[],
  count: number,
  { preset, limits }: { readonly preset: Preset; readonly limits: LaunchLimits },
): readonly Launch<"count", B>[] {
  const groups = (n: number) => Math.ceil(n / preset.invocations);
  const widths = Object.fromEntries(buffers.map((name) => [name, 1])) as Record<B, number>;
  return rowwise({ name: "count", rows: count, widths, groups }, { limits });
}

type Element = "f32" | "i32";

/** What all kernels of two numbers into one, element by element, have alike; `op` is one of `ops`. */
export const twoIntoOne = (name: string, ops: Readonly<Record<string, number>>, takes: Element, gives: Element) => {
  const shape = ({ count }: Params<"count" | "op">) => [count];
  const input = { role: "input", element: takes, shape } as const;
  return {
    name,
    params: { count: { type: "u32", about: "how many numbers" }, op: { type: "u32", about: oneOf(ops) } },
    buffers: { a: input, b: input, y: { role: "output", element: gives, shape } },
    presets: threadPresets,
    launches({ count, op }: Params<"count" | "op">, choice: LaunchChoice) {
      opName(name, ops, op);
      return elementwise(["a", "b", "y"], count, choice);
    },
  } as const;
};

const oneOf = (ops: Readonly<Record<string, number>>): string =>
  Object.entries(ops)
    .map(([name, number]) => `${number}: ${name}`)
    .join(", ");

import fc from "fast-check";
import { expect, test } from "vitest";
import { linspaceInts } from "../../image/round.js";
import { selection } from "./select.js";

/** ffmpeg's functions, as JavaScript evaluates them. */
function letsThrough(expression: string, total: number): number[] {
  const names = ["eq", "lt", "between", "not", "mod", "choose"] as const;
  const body = expression.replaceAll("if(", "choose(");
  const run = new Function("n", ...names, `return ${body}`) as (...args: unknown[]) => number;
  const eq = (a: number, b: number) => Number(a === b);
  const lt = (a: number, b: number) => Number(a < b);
  const between = (x: number, a: number, b: number) => Number(x >= a && x <= b);
  const not = (x: number) => Number(x === 0);
  const mod = (a: number, b: number) => ((a % b) + b) % b;
  const choose = (c: number, a: number, b: number) => (c !== 0 ? a : b);
  return Array.from({ length: total }, (_, n) => n).filter((n) => run(n, eq, lt, between, not, mod, choose) !== 0);
}

test("one step is one test, whatever the number of frames", () => {
  expect(selection([5]).expression).toBe("eq(n,5)");
  expect(selection([0, 25, 50, 75]).expression).toBe("between(n,0,75)*not(mod(n-0,25))");
  expect(selection([3, 4, 5, 6]).expression).toBe("between(n,3,6)");
});

test("exactly the wanted frames are let through", () => {
  const indices = fc.uniqueArray(fc.nat(300), { minLength: 1 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(indices, (wanted) => {
      expect(letsThrough(selection(wanted).expression, 320)).toEqual(wanted);
    }),
  );
});

test("a linspace over an hour fits a command line, and its tree is shallow", () => {
  const wanted = linspaceInts(0, 107_999, 768);
  const { expression, count } = selection(wanted);
  expect(count).toBe(768);
  expect(expression.length).toBeLessThan(40_000);
  // FFmpeg reads at most 100 brackets inside each other.
  let depth = 0;
  let deepest = 0;
  for (const c of expression) {
    depth += c === "(" ? 1 : c === ")" ? -1 : 0;
    deepest = Math.max(deepest, depth);
  }
  expect(deepest).toBeLessThan(20);
});

test("a list that fits no command line comes whole, and the reader picks", () => {
  const wanted = linspaceInts(10, 200_000, 60_000);
  const { expression, count, wanted: keeps } = selection(wanted);
  expect(expression).toBe("between(n,10,200000)");
  expect(Array.from({ length: count }, (_, i) => i).filter((i) => keeps(i))).toEqual(wanted.map((i) => i - 10));
});

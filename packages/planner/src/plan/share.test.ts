import { symbol } from "@hulu/core";
import { anyKernel, unary } from "@hulu/kernels";
import { expect, test } from "vitest";
import type { Place, Step } from "../plan.js";
import { livesOf, shareBuffers } from "./share.js";

const slot = (slot: number): Place => ({ kind: "slot", slot });
const outside: Place = { kind: "input", name: "x" };
/** A step from one slot to another; -1 is no slot. */
const step = (x: number, y: number): Step => ({
  kernel: anyKernel(unary),
  args: { x: x < 0 ? outside : slot(x), y: y < 0 ? { kind: "output", name: "y" } : slot(y) },
  params: { count: symbol("n"), op: 0 },
  scope: "",
});
const buffersOf = (steps: readonly Step[], counts: Parameters<typeof shareBuffers>[1], max = {}) =>
  shareBuffers(steps, counts, max).slots.map((s) => s.buffer);

test("a chain takes two buffers, as no step reads what it writes", () => {
  const chain = [step(-1, 0), step(0, 1), step(1, 2), step(2, 3), step(3, -1)];
  expect(livesOf(chain, 4)).toEqual([0, 1, 2, 3].map((i) => ({ first: i, last: i + 1 })));
  expect(buffersOf(chain, [4, 4, 4, 4])).toEqual([0, 1, 0, 1]);
});

test("what is read again keeps its buffer until then", () => {
  const steps = [step(-1, 0), step(0, 1), step(1, 2), step(0, -1), step(2, -1)];
  expect(buffersOf(steps, [4, 4, 4])).toEqual([0, 1, 2]);
});

test("the largest choose first, under the sizes that are given", () => {
  const n = symbol("n");
  // 0 and 2 are never alive together, and neither are 1 and 3.
  const steps = [step(-1, 0), step(0, 1), step(1, 2), step(2, 3), step(3, -1)];
  expect(buffersOf(steps, [5, n, 7, 9], { n: 6 })).toEqual([1, 0, 1, 0]);
  expect(buffersOf(steps, [5, n, 7, 9], { n: 100 })).toEqual([1, 0, 1, 0]);
  // Of two free buffers, the one that it fills better.
  const apart = [step(-1, 0), step(-1, 1), step(0, -1), step(1, -1), step(-1, 2), step(2, -1)];
  expect(buffersOf(apart, [9, 5, 4])).toEqual([0, 1, 1]);
  expect(buffersOf(apart, [9, 5, n], { n: 5 })).toEqual([0, 1, 1]);
  expect(buffersOf(apart, [9, 5, n], { n: 8 })).toEqual([0, 1, 0]);
});

test("a slot that nobody reads has its buffer for one step", () => {
  expect(buffersOf([step(-1, 0), step(-1, 1)], [3, 3])).toEqual([0, 0]);
});

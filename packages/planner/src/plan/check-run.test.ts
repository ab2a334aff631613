import { axis, FeedError, f32, i32, ops, program, subtractSizes, symbol, type Value } from "@hulu/core";
import { expect, test } from "vitest";
import { checkRun } from "./check-run.js";
import { planProgram } from "./program.js";

const [n, row, width] = [axis("n", symbol("n")), axis("row", symbol("row")), axis("width", 2)];

test("indices are looked at through views, each once, against the size that the run has", () => {
  const graph = program("p", { x: f32(row, width), at: i32(n) }, ({ x, at }) => {
    const again = ops.relabel<string>(at, { n: { name: "m", size: n.size } });
    return { y: ops.gather<string>(x, at, "row"), z: ops.gather<string>(x, again, "row") };
  });
  const plan = planProgram(graph);
  expect(plan.indices).toEqual([{ input: "at", least: 0, end: row.size, axis: "row" }]);
  const check = (...at: number[]) =>
    checkRun(plan, { n: at.length, row: 3 }, (name) => (name === "at" ? at : undefined));
  expect(() => check(0, 2, 1)).not.toThrow();
  expect(() => check(0, 3)).toThrow(new FeedError("p: the index 3 in at is outside row, which has 3 rows"));
  expect(() => check(-1)).toThrow("the index -1 in at is outside row");
  // What lies on a device is taken as it is.
  expect(() => checkRun(plan, { n: 1, row: 0 }, () => undefined)).not.toThrow();
});

test("an index of splice may be below zero, which keeps the text", () => {
  const graph = program("p", { text: f32(n, width), visual: f32(row, width), index: i32(n) }, (v) => ({
    y: ops.splice<"n", "width", "row">(v.text, v.visual, v.index),
  }));
  const plan = planProgram(graph);
  expect(() => checkRun(plan, { n: 2, row: 2 }, () => [-1, 1])).not.toThrow();
  expect(() => checkRun(plan, { n: 2, row: 2 }, () => [-1, 2])).toThrow("the index 2 in index is outside row");
});

test("a size below zero, and a part beyond its axis", () => {
  const part = (x: Value<string>, start: number) =>
    ops.slice<string>(x, "n", start, axis("rest", subtractSizes(n.size, 2)));
  const plan = planProgram(program("p", { x: f32(n) }, ({ x }) => ({ y: part(x, 1), z: part(x, 3) })));
  expect(() => checkRun(plan, { n: 1 }, () => undefined)).toThrow("p: the size -2+n, of the axis rest, would be -1");
  expect(() => checkRun(plan, { n: 4 }, () => undefined)).toThrow("p: 5 is past the end of n, which has 4");
});

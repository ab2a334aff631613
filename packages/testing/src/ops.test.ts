import { ops, primitives } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { opCases } from "./index.js";

describe("the table of operations", () => {
  test("has a case for every primitive and every composite", () => {
    const composites = Object.values(ops).flatMap((o) => (typeof o === "object" && "infer" in o ? [o.name] : []));
    const all = new Set([...Object.keys(primitives), ...composites]);
    const covered = new Set(opCases.map((c) => c.op));
    expect([...all].filter((name) => !covered.has(name))).toEqual([]);
    expect([...covered].filter((name) => !all.has(name))).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findCycle } from "./cycles.js";
import { packageOf, parse } from "./source.js";

function parsed(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "house-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.ts");
  writeFileSync(file, text);
  return parse(file);
}

test("every form of import is found, and those that the compiler erases are told apart", () => {
  const { imports } = parsed(`
    import "a";
    import b from "b";
    import { type c } from "c";
    import type { d } from "d";
    import { type e, f } from "e";
    export * from "g";
    export { type h } from "h";
    export type * from "i";
    const j = await import("j");
    type K = import("k").K;
    // import "in a comment";
    const l = 'import "in a string"';
  `);
  expect(imports.map((i) => `${i.specifier}${i.typeOnly ? " (types)" : ""}`)).toEqual([
    "a",
    "b",
    "c (types)",
    "d (types)",
    "e",
    "g",
    "h (types)",
    "i (types)",
    "j",
    "k (types)",
  ]);
});

test("the type any is found, the word is not", () => {
  expect(parsed("// any\nconst any = 1;\nlet x: any;\nlet y = 1 as any;\nlet z: readonly any[];").anyLines).toEqual([
    3, 4, 5,
  ]);
});

test("a specifier names a package, a file or a built-in", () => {
  expect(["@hulu/core", "sharp", "sharp/lib/x.js", "./a.js", "node:fs"].map(packageOf)).toEqual([
    "@hulu/core",
    "sharp",
    "sharp",
    undefined,
    undefined,
  ]);
});

test("a cycle is found wherever it begins, and a diamond is none", () => {
  const graph = (edges: Record<string, readonly string[]>) => new Map(Object.entries(edges));
  expect(findCycle(graph({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }))).toBeUndefined();
  expect(findCycle(graph({ a: ["b"], b: ["c"], c: ["b"] }))).toEqual(["b", "c", "b"]);
  expect(findCycle(graph({ a: ["a"] }))).toEqual(["a", "a"]);
});

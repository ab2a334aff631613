import { expect, test } from "vitest";
import { packages } from "../house/source.js";
import { errorClasses } from "./errors.js";
import { guides, page, prose, tablesOf } from "./pages.js";

// docs/handle-errors.md against the sources: every error, every code, and nothing that does not exist.

const classes = errorClasses();
const names = classes.map(({ name }) => name).sort();
const shorts = new Map(packages().map(({ short, manifest }) => [manifest.name, short]));
const told = page("docs/handle-errors.md");
const tables = tablesOf(told.text);
const inside = (cell: string | undefined): string => /^`(.+)`$/.exec(cell ?? "")?.[1] ?? `${cell} (not one name)`;
const firsts = (rows: readonly string[][]) => rows.slice(1).map(([first]) => inside(first));
const classTables = tables.filter(({ rows }) => rows[0]?.[0] === "class");
const codeTables = tables.filter(({ rows }) => rows[0]?.[0] === "code");

test("the compiler finds them", () => {
  expect(names).toContain("EngineError");
  expect(names).toContain("OnnxRuntimeMissingError");
  expect(names.length).toBeGreaterThan(15);
  expect(classes.find(({ name }) => name === "EngineError")?.codes).toContain("conversation-busy");
  expect(classes.filter(({ codes }) => codes.length > 0)).toHaveLength(6);
});

test("every class has its line, and no other", () => {
  expect(classTables.flatMap(({ rows }) => firsts(rows)).sort()).toEqual(names);
});

test.each(classes.map((c) => [c.name, c] as const))("%s is said to be of its package", (name, { from }) => {
  const row = classTables.flatMap(({ rows }) => rows).find(([first]) => first === `\`${name}\``);
  expect(row?.[1]).toBe(`\`${from}\``);
});

test.each(classes.filter(({ codes }) => codes.length > 0).map((c) => [c.name, c] as const))(
  "every code of %s has its line, and no other",
  (name, { codes }) => {
    const mine = codeTables.filter(({ heading }) => heading === `\`${name}\``);
    expect(mine.flatMap(({ rows }) => firsts(rows)).sort()).toEqual([...codes].sort());
  },
);

test("every line says what happened and what to do", () => {
  for (const { rows } of [...classTables, ...codeTables])
    for (const row of rows) expect(row.every((cell) => cell.length > 2) && row.length, row[0]).toBe(rows[0]?.length);
  expect(codeTables.map(({ rows }) => rows[0]?.slice(1))).toEqual(
    codeTables.map(() => ["what happened", "what to do"]),
  );
});

/** Of the platform. */
const NOT_OURS = ["AbortError", "TimeoutError", "TypeError", "RangeError"];
/** Names with a hyphen that are no codes. */
const OTHER_NAMES = ["onnxruntime-node", "tfjs-backend-cpu", "tfjs-backend-wasm"];

test("no guide names an error or a code that does not exist", () => {
  const { text } = page("packages/processor/src/input/warning.ts");
  const warnings = [...text.matchAll(/\| "([a-z-]+)"/g)].map(([, code]) => code as string);
  expect(warnings).toContain("series-gap");
  const codes = [...classes.flatMap((c) => c.codes), ...warnings, ...OTHER_NAMES];
  for (const guide of guides()) {
    const words = [...guide.text.matchAll(/\b[A-Z]\w*Error\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => ![...names, ...NOT_OURS].includes(word)),
      guide.path,
    ).toEqual([]);
    const hyphened = [...prose(guide).matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)+)`/g)].map(([, word]) => word as string);
    expect(
      hyphened.filter((word) => !codes.includes(word)),
      guide.path,
    ).toEqual([]);
  }
});

test.each(classes.filter(({ codes }) => codes.length > 0).map((c) => [c.from, c] as const))(
  "the README of %s has every code too",
  (from, { codes }) => {
    const { text } = page(`packages/${shorts.get(from)}/README.md`);
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  },
);

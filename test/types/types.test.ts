import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

// What the compiler says is part of the library: a wrong wire must be an error, and one that can be read.

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const core = join(root, "packages/core/src");
const fixture = (name: string) => join(here, "fixtures", `${name}.ts`);

const base = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config as { compilerOptions: object };
const options: ts.CompilerOptions = {
  ...ts.convertCompilerOptionsFromJson(base.compilerOptions, root).options,
  composite: false,
  declaration: false,
  emitDeclarationOnly: false,
  noEmit: true,
  types: [],
  paths: { "@hulu/core": [join(core, "index.ts")] },
};

/** Files are read and parsed once for all the programs of this test. */
const host = ts.createCompilerHost(options, true);
const parsed = new Map<string, ts.SourceFile | undefined>();
const parse = host.getSourceFile.bind(host);
host.getSourceFile = (name, ...rest) => {
  if (!parsed.has(name)) parsed.set(name, parse(name, ...rest));
  return parsed.get(name);
};

interface Finding {
  /** The exported value in which it is. */
  readonly where: string;
  readonly text: string;
}

/** Check these files and no others: what is said about them, and how many types were made for it. */
function check(files: readonly string[]): { errors: Finding[]; instantiations: number } {
  const program = ts.createProgram({ rootNames: files, options, host });
  const errors = files.flatMap((file) => {
    const source = program.getSourceFile(file) as ts.SourceFile;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((d) => {
      const statement = source.statements.find((s) => s.pos <= (d.start ?? 0) && (d.start ?? 0) < s.end);
      const where = /^export const (\w+)/.exec(statement?.getText(source) ?? "")?.[1] ?? "elsewhere";
      return { where, text: ts.flattenDiagnosticMessageText(d.messageText, "\n") };
    });
  });
  return { errors, instantiations: program.getInstantiationCount() };
}

const wrong = readdirSync(join(here, "fixtures"))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => name !== "correct");

describe("the compiler", () => {
  test("has nothing to say about what is right", () => {
    expect(check([fixture("correct")]).errors).toEqual([]);
  });

  test.each(wrong)("refuses every mistake in %s", async (name) => {
    const { errors } = check([fixture(name)]);
    const shown = errors.map(({ where, text }) => `${where}\n${text.replace(/^/gm, "    ")}\n`);
    await expect(shown.join("\n")).toMatchFileSnapshot(`__snapshots__/${name}.txt`);
    // Each exported value of these files is one mistake, and nothing else in them is one.
    const mistakes = [...readFileSync(fixture(name), "utf8").matchAll(/^export const (\w+)/gm)].map(([, it]) => it);
    expect([...new Set(errors.map((e) => e.where))]).toEqual(mistakes);
  });

  test("says in widths what does not fit", () => {
    const said = check([fixture("wrong-composition")]).errors.map((e) => e.text);
    expect(said[0]).toContain("Type '3584' is not assignable to type '2560'");
    expect(said[1]).toContain("Type '1024' is not assignable to type '1152'");
  });
});

describe("the types stay cheap", () => {
  const sources = (folder: string) =>
    readdirSync(join(core, folder))
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .map((file) => join(core, folder, file));
  const library = [
    ...["graph", "ops", "nn", "weights"].flatMap(sources),
    join(core, "backend.ts"),
    join(core, "compile.ts"),
  ];
  const bare = check(library).instantiations;
  /** Types made for these files beyond those of the library. */
  const cost = (...files: string[]) => {
    const made = check([...library, ...files]).instantiations - bare;
    console.log(
      `${files.map((f) => relative(root, f)).join(", ")}: ${made} instantiations beyond the library's ${bare}`,
    );
    return made;
  };
  // The first definition also pays for what all of them share; a second one beside it costs some eighty less.
  test("a decoder and a ViT cost 1,250 each at most", () => {
    expect(cost(join(core, "models/decoder.ts"))).toBeLessThanOrEqual(1250);
    expect(cost(join(core, "models/vit.ts"))).toBeLessThanOrEqual(1250);
  });
  test("the whole composition, compiled and run, costs 8,000 at most", () => {
    const whole = cost(...sources("models"), fixture("correct"));
    expect(whole).toBeLessThanOrEqual(8000);
    expect(whole).toBeGreaterThan(100);
  });
});

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, test } from "vitest";

// What the compiler says is part of the library: a wrong wire must be an error, and one that can be read.

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const core = join(root, "packages/core/src");
const fixture = (name: string) => join(here, "fixtures", `${name}.ts`);

const base = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config as { compilerOptions: object };
const quiet = {
  composite: false,
  declaration: false,
  emitDeclarationOnly: false,
  noEmit: true,
  types: [],
  paths: { "@hulu/core": [join(core, "index.ts")] },
};
const options: ts.CompilerOptions = {
  ...ts.convertCompilerOptionsFromJson(base.compilerOptions, root).options,
  ...quiet,
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

const right = ["correct", "whole"];
const wrong = readdirSync(join(here, "fixtures"))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => !right.includes(name));

describe("the compiler", () => {
  test.each(right)("has nothing to say about what is right: %s", (name) => {
    expect(check([fixture(name)]).errors).toEqual([]);
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
  test.each(["decoder", "gemma3", "siglip", "vit"])("%s.ts costs 1,000 at most", (name) => {
    expect(cost(join(core, `models/${name}.ts`))).toBeLessThanOrEqual(1000);
  });
  test("all models and their composition, compiled and run, cost 8,000 at most", () => {
    const all = cost(...sources("models"), fixture("correct"));
    expect(all).toBeLessThanOrEqual(8000);
    expect(all).toBeGreaterThan(100);
  });
  // As a user's compiler counts them. Measured: 98, beside 19,535 for every source of core.
  test("28 layers behind an encoder of 27, all programs: 1,000 at most beyond the library, as tsc counts", async () => {
    const [library, whole] = await Promise.all([counted(join(core, "index.ts")), counted(fixture("whole"))]);
    console.log(`tsc --extendedDiagnostics: ${whole - library} instantiations beyond the library's ${library}`);
    expect(whole - library).toBeLessThanOrEqual(1000);
    expect(whole - library).toBeGreaterThan(0);
  }, 120_000);
});

/** What `tsc --extendedDiagnostics` says of a file and all that it imports. */
async function counted(file: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "hulu-types-"));
  try {
    const config = join(folder, "tsconfig.json");
    const compilerOptions = { ...base.compilerOptions, ...quiet };
    await writeFile(config, JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", config, "--extendedDiagnostics"]);
    return Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

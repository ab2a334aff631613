import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nn } from "@hulu/core";
import { write } from "@hulu/safetensors";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { packages, root } from "../house/source.js";
import { checkpoint } from "./given.js";
import { type Block, blocksOf, guides, page } from "./pages.js";

// The code of the guides: all of it is of the right types, and what says `run` runs, on a small checkpoint.
// ```ts run        is executed; a block ```text printed behind it is what it prints
// ```ts refused    does not compile; the block behind it is in what the compiler says
// ```js of FILE    stands in that file, word for word
// ```ts            is checked by the compiler alone

const blocks = [...guides(), page("README.md")].flatMap(blocksOf);
const code = blocks.filter(({ language }) => ["ts", "js", "typescript", "javascript"].includes(language));
const own = code.filter(({ info }) => !info.startsWith("of "));
const called = (block: Block) => `${block.page}:${block.line}`;
const named = (some: readonly Block[]) => some.map((block) => [called(block), block] as const);
const behind = (block: Block): Block | undefined => blocks[blocks.indexOf(block) + 1];

const cache = join(root, ".cache/docs-blocks", String(process.pid));
const fileOf = (block: Block) => join(cache, `${called(block).replace(/\W/g, "-")}.ts`);

/** Each block as a module of its own, on its own line of the page but for what it is given. */
function sourceOf({ code, given }: Block): string {
  const import_ = given.length === 0 ? "" : `import { ${given.join(", ")} } from "../../../test/docs/given.js";`;
  return `${import_}\n${code}\nexport {};\n`;
}

beforeAll(() => {
  mkdirSync(cache, { recursive: true });
  for (const block of own) writeFileSync(fileOf(block), sourceOf(block));
});
afterAll(() => rmSync(cache, { recursive: true }));

test("there is code on every page", () => {
  expect(
    code.map(({ info }) => info.split(" ")[0]).filter((word) => !["", "run", "refused", "of"].includes(word!)),
  ).toEqual([]);
  for (const name of ["load-a-model", "have-a-conversation", "swap-a-backbone", "write-a-backend", "handle-errors"])
    expect(code.filter(({ page, info }) => page === `docs/${name}.md` && info !== "").length, name).toBeGreaterThan(0);
});

describe("types", () => {
  let said: ReadonlyMap<string, string>;
  beforeAll(() => {
    said = diagnostics(own.map(fileOf));
  }, 120_000);

  test.each(named(own.filter(({ info }) => info !== "refused")))("%s", (_, block) => {
    expect(said.get(fileOf(block))).toBeUndefined();
  });
  test.each(named(own.filter(({ info }) => info === "refused")))("%s is refused", (_, block) => {
    expect(behind(block)?.language).toBe("text");
    expect(said.get(fileOf(block))).toContain(behind(block)?.code);
  });
});

describe("runs", () => {
  const cwd = process.cwd();
  beforeAll(async () => process.chdir(await desk()));
  afterAll(() => {
    const folder = process.cwd();
    process.chdir(cwd);
    rmSync(folder, { recursive: true });
  });

  test.each(named(own.filter(({ info }) => info === "run")))("%s", async (_, block) => {
    let out = "";
    const write = (text: unknown) => {
      out += String(text);
      return true;
    };
    const line = (...args: readonly unknown[]) => void write(`${args.join(" ")}\n`);
    const spies = [
      vi.spyOn(process.stdout, "write").mockImplementation(write),
      ...(["log", "error"] as const).map((name) => vi.spyOn(console, name).mockImplementation(line)),
    ];
    try {
      await import(/* @vite-ignore */ fileOf(block));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    const expected = behind(block);
    if (expected?.info === "printed") expect(out.trim()).toBe(expected.code.trim());
  });
});

test.each(named(code.filter(({ info }) => info.startsWith("of "))))("%s stands in its file", (_, { info, code }) => {
  expect(readFileSync(join(root, info.slice(3)), "utf8")).toContain(code);
});

/** What the compiler says of each file that it does not take. */
function diagnostics(files: readonly string[]): ReadonlyMap<string, string> {
  const base = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config as {
    compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, root);
  const paths = packages().flatMap(({ short }) => [
    [`@hulu/${short}`, [join(root, "packages", short, "src/index.ts")]],
    [`@hulu/${short}/worker`, [join(root, "packages", short, "src/worker/serve.ts")]],
  ]);
  const program = ts.createProgram({
    rootNames: files,
    options: { ...options, composite: false, noEmit: true, types: ["node"], paths: Object.fromEntries(paths) },
  });
  const said = new Map<string, string>();
  for (const file of files) {
    const source = program.getSourceFile(file) as ts.SourceFile;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    const text = found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")).join("\n");
    if (found.length > 0) said.set(file, text);
  }
  return said;
}

/** A folder with the files that the pages name. */
async function desk(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "hulu-docs-"));
  const link = (from: string, to: string) => symlinkSync(join(root, "test/data", from), join(folder, to));
  mkdirSync(join(folder, "path/to"), { recursive: true });
  link("goldens/q3-p16", "path/to/Hulu-Med-4B");
  link("samples/resize/microaneurysms_in.png", "fundus.jpg");
  link("goldens/q3-p16/volume.nii.gz", "ct.nii.gz");
  await writeAdapter(join(folder, "path/to/adapter"));
  return folder;
}

/** A LoRA adapter as PEFT writes it, for the query and value projections of the small checkpoint. */
async function writeAdapter(folder: string): Promise<void> {
  mkdirSync(folder);
  writeFileSync(join(folder, "adapter_config.json"), JSON.stringify({ r: 4, lora_alpha: 8 }));
  const { root: module } = checkpoint.model;
  const tensors = [...nn.paths(module)].flatMap(([path, { dims }]) => {
    const [, linear] = /^(model\.layers\.\d+\.self_attn\.[qv]_proj)\.weight$/.exec(path) ?? [];
    if (linear === undefined) return [];
    const [out, inner] = dims.map((d) => d.size as number) as [number, number];
    const tensor = (name: string, shape: readonly number[]) => ({
      name: `base_model.model.${linear}.${name}.weight`,
      dtype: "F32" as const,
      shape,
      data: new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(0.01),
    });
    return [tensor("lora_A", [4, inner]), tensor("lora_B", [out, 4])];
  });
  await write(join(folder, "adapter_model.safetensors"), tensors);
}

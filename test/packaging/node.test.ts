import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { node, root } from "../../scripts/tools.mjs";

const everything = inject("packed").map((p) => p.name);
const libraries = everything.filter((name) => name !== "@hulu/cli");
const npmProject = inject("npmProject");
const pnpmProject = inject("pnpmProject");

/** Write a script into a project and run it there. */
async function script(project: string, name: string, text: string): Promise<string> {
  writeFileSync(join(project, name), text);
  return node([name], { cwd: project, capture: true });
}

const list = (names: readonly string[]) => `const names = ${JSON.stringify(names)};`;
/** A script that fails for a package that gives nothing. */
const importAll = `for (const name of names) {
  const found = Object.keys(await import(name));
  if (found.length === 0) throw new Error(name + " exports nothing");
}`;

describe("installed by npm, without optional peers", () => {
  test("there is no native package", () => {
    for (const name of ["sharp", "onnxruntime-node"])
      expect(existsSync(join(npmProject, "node_modules", name))).toBe(false);
  });

  test.each(libraries)("%s is imported from an ES module", async (name) => {
    await script(npmProject, `${name.slice(6)}.mjs`, `${list([name])}\n${importAll}`);
  });

  test("what reads a viewer's objects needs no viewer", async () => {
    const names = ["@hulu/processor/cornerstone", "@hulu/processor/niivue"];
    await script(npmProject, "viewers.mjs", `${list(names)}\n${importAll}`);
  });

  test("CommonJS gets them by import()", async () => {
    await script(npmProject, "all.cjs", `${list(libraries)}\n(async () => {\n${importAll}\n})();`);
  });
});

describe("what needs an optional peer says so when it is used", () => {
  test("@hulu/backend-onnx without onnxruntime-node", async () => {
    const said = await script(
      npmProject,
      "no-onnxruntime.mjs",
      `import { axis, compile, f32, memoryWeights, ops, program, symbol } from "@hulu/core";
      import { onnx } from "@hulu/backend-onnx";
      const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));
      console.log(await compile(onnx, { double }, memoryWeights(new Map())).catch((error) => error.message));`,
    );
    expect(said).toContain("npm install onnxruntime-node");
  });

  test("@hulu/backend-tfjs without TensorFlow.js", async () => {
    const said = await script(
      npmProject,
      "no-tfjs.mjs",
      `import { axis, compile, f32, memoryWeights, ops, program, symbol } from "@hulu/core";
      import { tfjs } from "@hulu/backend-tfjs";
      const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));
      console.log(await compile(tfjs, { double }, memoryWeights(new Map())).catch((error) => error.message));`,
    );
    expect(said).toContain("npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0");
  });

  test("@hulu/processor without sharp", async () => {
    const said = await script(
      npmProject,
      "no-sharp.mjs",
      `import { decodeImage } from "@hulu/processor";
      import { readFile } from "node:fs/promises";
      const png = await readFile(${JSON.stringify(join(root, "test/data/samples/nasty/one_pixel.png"))});
      console.log(await decodeImage(png).catch((error) => error.message));`,
    );
    expect(said).toContain("npm install sharp");
  });
});

describe("the command installed by pnpm, where a package sees only what it declares", () => {
  test("each package under it is imported", async () => {
    const from = `import { createRequire } from "node:module";
      import { pathToFileURL } from "node:url";
      // Each is looked up from the command's place, as its own imports are.
      const cli = createRequire(createRequire(import.meta.url).resolve("@hulu/cli/package.json"));
      const names = ${JSON.stringify(libraries)}.map((name) => {
        const manifest = cli.resolve(name + "/package.json");
        return String(new URL("dist/index.js", pathToFileURL(manifest)));
      });`;
    await script(pnpmProject, "deps.mjs", `${from}\n${importAll}`);
  });

  test("the command runs, ONNX Runtime included", async () => {
    expect(existsSync(join(pnpmProject, "node_modules/.bin/hulu"))).toBe(true);
    const bin = join(pnpmProject, "node_modules/@hulu/cli/dist/bin.js");
    const hulu = (...args: readonly string[]) => node([bin, ...args], { cwd: pnpmProject, capture: true });
    expect(await hulu("--help")).toContain("verify");
    await hulu("verify", join(root, "test/data/goldens"), "--case", "q3-p16/case-text", "--backend", "onnx");
    // A series goes to the worker by its path, and each file that is verified to a process of its own.
    const model = join(root, "test/data/goldens/q3-p16");
    const series = join(root, "test/data/samples/3d/ct_series_tiny");
    const asked = [
      "ask",
      "--model",
      model,
      "--volume",
      series,
      "--window",
      "40,400",
      "--max-tokens",
      "2",
      "--json",
      "hi",
    ];
    expect(JSON.parse(await hulu(...asked)).tokenIds).toHaveLength(2);
    const { files } = JSON.parse(readFileSync(join(root, "test/data/samples/goldens.json"), "utf8"));
    const folder = join(pnpmProject, "inputs");
    mkdirSync(join(folder, "nasty"), { recursive: true });
    copyFileSync(join(root, "test/data/samples/nasty/rgba.png"), join(folder, "nasty/rgba.png"));
    writeFileSync(
      join(folder, "goldens.json"),
      JSON.stringify({ files: { "nasty/rgba.png": files["nasty/rgba.png"] } }),
    );
    expect(await hulu("verify-inputs", folder)).toMatch(/^ok +decoded +decode +nasty\/rgba\.png$/m);
  });
});

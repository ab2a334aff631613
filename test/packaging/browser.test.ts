import { readFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";
import { build } from "esbuild";
import { describe, expect, inject, test } from "vitest";
import { root } from "../../scripts/tools.mjs";

const project = inject("npmProject");
/** Where the project lacks an optional peer on purpose, it is taken from here. */
const peers = join(root, "packages/backend-tfjs/node_modules");

/** What a page has; nothing of Node. */
const page = () =>
  vm.createContext({
    AbortController,
    AbortSignal,
    Blob,
    console,
    crypto,
    DOMException,
    fetch,
    performance,
    queueMicrotask,
    setTimeout,
    structuredClone,
    TextDecoder,
    TextEncoder,
    URL,
  });

async function bundle(contents: string, nodePaths: string[] = []) {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    write: false,
    nodePaths,
    metafile: true,
    platform: "browser",
    format: "iife",
    globalName: "result",
    target: "es2022",
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  const imports = Object.values(metafile.outputs).flatMap((o) => o.imports.map((i) => i.path));
  return { code: outputFiles[0]?.text ?? "", imports };
}

describe("bundled for a page", () => {
  test.each([
    "core",
    "hub",
    "safetensors",
    "processor",
    "processor/cornerstone",
    "processor/niivue",
    "engine",
    "backend-reference",
  ])("%s needs nothing of Node", async (name) => {
    const { code, imports } = await bundle(`export * from "@hulu/${name}"`);
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/\brequire\(|from\s*["']node:|import\(\s*["']/);
    const exported = vm.runInContext(`${code}; Object.keys(result)`, page()) as readonly string[];
    expect(exported.length).toBeGreaterThan(0);
  });

  test.each([
    // 54,404 and 121,623 when this was written.
    ["decodeImage, preprocess", 65_000],
    ["openInput", 140_000],
  ])("%s of processor loads no codec before a file needs it", async (names, most) => {
    const { metafile } = await build({
      stdin: { contents: `import { ${names} } from "@hulu/processor"; console.log(${names});`, resolveDir: project },
      outdir: "out",
      bundle: true,
      splitting: true,
      minify: true,
      write: false,
      metafile: true,
      platform: "browser",
      format: "esm",
      target: "es2022",
      logLevel: "silent",
    });
    const first = new Set<string>();
    const visit = (path: string) => {
      if (first.has(path)) return;
      first.add(path);
      for (const { path: next, kind } of metafile.outputs[path]!.imports) if (kind !== "dynamic-import") visit(next);
    };
    visit(Object.keys(metafile.outputs).find((path) => metafile.outputs[path]!.entryPoint === "<stdin>")!);
    const files = [...first].flatMap((path) => Object.keys(metafile.outputs[path]!.inputs));
    expect(files.filter((file) => /charls|openjpeg|pako|mediabunny/.test(file))).toEqual([]);
    expect([...first].reduce((sum, path) => sum + metafile.outputs[path]!.bytes, 0)).toBeLessThan(most);
  });

  test("a graph runs", async () => {
    const { code } = await bundle(`
      import { axis, compile, f32, hostF32, memoryWeights, ops, program, symbol } from "@hulu/core";
      import { reference } from "@hulu/backend-reference";
      export const run = async () => {
        const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));
        const model = await compile(reference, { double }, memoryWeights(new Map()));
        const { y } = await model.run("double", { x: hostF32([1, 2, 4], [3]) });
        return [...(await y.read())];
      };`);
    expect([...(await vm.runInContext(`${code}; result.run()`, page()))]).toEqual([2, 4, 8]);
  });

  test.each(["wasm", "cpu"])("a graph runs with TensorFlow.js on %s", async (engine) => {
    const { code, imports } = await bundle(
      `
      import { axis, compile, f32, hostF32, memoryWeights, ops, program, symbol } from "@hulu/core";
      import { tfjsBackend } from "@hulu/backend-tfjs";
      export const run = async (options) => {
        const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));
        const model = await compile(tfjsBackend(options), { double }, memoryWeights(new Map()));
        const { y } = await model.run("double", { x: hostF32([1, 2, 4], [3]) });
        return [...(await y.read())];
      };`,
      [peers],
    );
    expect(imports).toEqual([]);
    const asked: string[] = [];
    const context = page();
    Object.assign(context, {
      fetch: async (url: string) => {
        asked.push(url);
        const file = readFileSync(join(peers, "@tensorflow/tfjs-backend-wasm/dist", url.split("/").at(-1)!));
        return new Response(file, { headers: { "content-type": "application/wasm" } });
      },
    });
    // What tells TensorFlow.js that it is in a page.
    vm.runInContext("self = window = globalThis; document = {}; navigator = { userAgent: '' };", context);
    const run = `${code}; result.run({ engine: "${engine}", wasmPaths: "https://example.org/tfjs/" })`;
    expect([...(await vm.runInContext(run, context))]).toEqual([2, 4, 8]);
    expect(asked).toEqual(engine === "cpu" ? [] : ["https://example.org/tfjs/tfjs-backend-wasm-simd.wasm"]);
  });

  test("a file of tensors is written and read", async () => {
    const { code } = await bundle(`
      import { open, serialize } from "@hulu/safetensors";
      export const run = async () => {
        const data = new Uint8Array([1, 2, 3, 4]);
        const bytes = serialize([{ name: "a", dtype: "U8", shape: [2, 2], data }]);
        const file = await open(new Blob([bytes]));
        return [...(await file.read("a"))];
      };`);
    expect([...(await vm.runInContext(`${code}; result.run()`, page()))]).toEqual([1, 2, 3, 4]);
  });
});

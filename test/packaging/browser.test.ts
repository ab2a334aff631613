import vm from "node:vm";
import { build } from "esbuild";
import { describe, expect, inject, test } from "vitest";

const project = inject("npmProject");

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

async function bundle(contents: string) {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    write: false,
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
  test.each(["core", "hub", "safetensors", "backend-reference"])("%s needs nothing of Node", async (name) => {
    const { code, imports } = await bundle(`export * from "@hulu/${name}"`);
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/\brequire\(|from\s*["']node:|import\(\s*["']/);
    const exported = vm.runInContext(`${code}; Object.keys(result)`, page()) as readonly string[];
    expect(exported.length).toBeGreaterThan(0);
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

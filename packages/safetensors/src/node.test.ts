import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("bundles for a browser, without a Node built-in in sight", async () => {
  const entry = fileURLToPath(new URL("./index.ts", import.meta.url));
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)}`, resolveDir: "." },
    bundle: true,
    platform: "browser",
    format: "esm",
    minify: true,
    write: false,
    metafile: true,
  });
  expect(warnings).toEqual([]);
  expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([]);

  // Run in a place where Node's modules cannot be imported, as a browser is one.
  const code = outputFiles[0]!.text.replace(/\bimport\(/g, "Promise.reject(");
  const { open, serialize } = await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`);
  const file = await open(new Blob([serialize([{ name: "a", dtype: "U8", shape: [1], data: Uint8Array.of(5) }])]));
  expect([...(await file.read("a"))]).toEqual([5]);
  await expect(open("a.safetensors")).rejects.toMatchObject({ code: "no-file-system" });
});

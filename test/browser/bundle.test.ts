import { build } from "esbuild";
import { expect, test } from "vitest";
import { sources } from "../bundle.js";

/** What a bundler makes of a page's script: what is loaded at once, and what waits until it is used. */
async function bundled(contents: string) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: "packages/cli", loader: "ts" },
    outdir: "out",
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    plugins: [sources],
    logLevel: "silent",
  });
  const outputs = new Map(Object.entries(metafile!.outputs));
  const first = new Set<string>();
  const visit = (path: string) => {
    if (first.has(path)) return;
    first.add(path);
    for (const { path: next, kind } of outputs.get(path)?.imports ?? []) if (kind !== "dynamic-import") visit(next);
  };
  visit([...outputs].find(([, { entryPoint }]) => entryPoint === "<stdin>")![0]);
  const files = [...first].flatMap((path) => Object.keys(outputs.get(path)!.inputs));
  const bytes = [...first].reduce((sum, path) => sum + outputs.get(path)!.bytes, 0);
  const outside = [...outputs.values()].flatMap(({ imports }) => imports.filter(({ external }) => external));
  return { files, bytes, outside };
}

/** What is loaded with the first file that needs it. */
const LATER = /codec\/(wasm|jpeg)|image\/(png|jpeg)\/|video\/web\/|node_modules\/.*(pako|mediabunny)/;

test("a page that shows pictures loads no codec, no demuxer and nothing of Node", async () => {
  const { files, bytes, outside } = await bundled(`
    import { decodeImage, preprocess } from "@hulu/processor";
    console.log(decodeImage, preprocess);`);
  expect(files.filter((file) => LATER.test(file))).toEqual([]);
  expect(files.filter((file) => /\/(dicom|series|text|volume)\//.test(file))).toEqual([]);
  // 22,164 when this was written.
  expect(bytes).toBeLessThan(30_000);
  expect(outside).toEqual([]);
});

test("nor does one that reads everything, until there is such a file", async () => {
  const { files, bytes, outside } = await bundled(`
    import { openInput } from "@hulu/processor";
    console.log(openInput);`);
  expect(files.filter((file) => LATER.test(file))).toEqual([]);
  // 95,094 when this was written.
  expect(bytes).toBeLessThan(115_000);
  expect(outside).toEqual([]);
});

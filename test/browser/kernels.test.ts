import { kernels } from "@hulu/kernels";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { block } from "../../packages/kernels/test/readme.js";
import { root } from "../../scripts/tools.mjs";
import { sources } from "../bundle.js";
import type { KernelsPage } from "./app/kernels.js";
import { browsing, type Opened } from "./browser.js";

declare const kernelsPage: KernelsPage;
const { site, open } = browsing();

/** A module as a bundler gives it to a page. */
async function put(path: string, contents: string): Promise<void> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    loader: { ".wgsl": "text" },
    plugins: [sources],
    logLevel: "error",
  });
  site.put(path, outputFiles[0]!.contents);
}

describe("every kernel, in its form for every device", () => {
  let opened: Opened;
  beforeAll(async () => {
    await put("/kernels.js", 'import "./test/browser/app/kernels.ts";');
    opened = await open('<script type="module" src="/kernels.js"></script>');
    await opened.page.waitForFunction(() => "kernelsPage" in globalThis);
  });

  test.each(kernels.map(({ name }) => name))("%s", async (name) => {
    expect(await opened.page.evaluate((name) => kernelsPage.tried(name), name)).toBeGreaterThan(0);
    expect(opened.errors).toEqual([]);
  });
});

test("the README's ten lines run in a page as they stand", async () => {
  await put("/readme.js", `${block("in a page")}\nObject.assign(globalThis, { y });`);
  const { page, errors } = await open('<script type="module" src="/readme.js"></script>');
  await page.waitForFunction(() => "y" in globalThis);
  const y = await page.evaluate(() => [...(globalThis as unknown as { y: Float32Array }).y]);
  expect(y.map((n) => n.toFixed(3))).toEqual(["0.577", "1.155", "11.547", "-1.225", "0.000", "12.247"]);
  expect(errors).toEqual([]);
});

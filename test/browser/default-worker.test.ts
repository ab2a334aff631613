import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "./app/app.js";
import { browsing, type Opened } from "./browser.js";
import { putApp } from "./bundles.js";
import { conversation, published } from "./published.js";
import { addressOf, importMap, putOthers, putPackages } from "./unbundled.js";

declare const hulu: App;
declare const parts: Pick<App, "engine" | "backends" | "files">;
const { site, open } = browsing();
const question = conversation("case-text");

/** A page that imports the packages as they are published, by what `at` says of each name. */
const page = (at: (name: string) => string, wasmPaths = "/tfjs/") => `<script type="module">
  import * as engine from "${at("@hulu/engine")}";
  import { reference } from "${at("@hulu/backend-reference")}";
  import { tfjsBackend } from "${at("@hulu/backend-tfjs")}";
  const wasm = tfjsBackend({ wasmPaths: "${wasmPaths}" });
  const cpu = tfjsBackend({ engine: "cpu" });
  const files = async () => {
    const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "model.safetensors"];
    return new Map(await Promise.all(names.map(async (name) => [name, await (await fetch("/model/" + name)).blob()])));
  };
  globalThis.parts = { engine, backends: { reference, wasm, cpu }, files };
</script>`;

async function ready(html: string, head = ""): Promise<Opened> {
  const opened = await open(html, head);
  await opened.page.waitForFunction(() => "parts" in globalThis || "hulu" in globalThis);
  return opened;
}

/** Load without saying where, and ask; then insist on a worker. `here`: in the page's thread. */
const ask = ({ page }: Opened, kind: keyof App["backends"]) =>
  page.evaluate(
    async ([kind, messages]) => {
      const { engine, backends, files } = "parts" in globalThis ? parts : hulu;
      const backend = backends[kind];
      const told = (error: Error & { code?: string }) => [error instanceof engine.EngineError, error.code];
      const model = await engine.load(await files(), { backend });
      const { tokenIds } = await model.ask(messages, { maxTokens: 12 }).result();
      const missing = await engine.load(new Map(), { backend }).catch(told);
      const insisting = engine.load(await files(), { backend, worker: true });
      const found = { here: "tokenizer" in model, tokenIds, missing };
      await model.dispose();
      return { ...found, insisting: await insisting.then((model) => model.dispose().then(() => "loaded"), told) };
    },
    [kind, question] as const,
  );

beforeAll(async () => {
  await putOthers(site);
  await putPackages(site, "", "address");
  await putPackages(site, "/named", "name");
  await putApp(site);
  await putApp(site, "/split", { splitting: true });
  await putApp(site, "/plain", { format: "iife" });
  // What would start, if it were tried there.
  for (const at of ["app", "plain"]) site.put(`/${at}/worker-entry.js`, 'import "/packages/engine/worker-entry.js";');
});

const byAddress = page(addressOf);
const kinds = ["reference", "wasm", "cpu"] as const;
const missing = [true, "file-missing"];

describe("a page that imports the packages as they are published", () => {
  test("has a worker by itself, and it ends with the model", async () => {
    const opened = await ready(byAddress);
    for (const kind of kinds) {
      const found = await ask(opened, kind);
      expect(found).toEqual({ here: false, tokenIds: await published("case-text"), missing, insisting: "loaded" });
      await expect.poll(() => opened.page.workers().length).toBe(0);
    }
    expect(opened.errors).toEqual([]);
    await opened.page.close();
  });

  test("does without where its policy forbids such workers", async () => {
    const policy = `<meta http-equiv="content-security-policy" content="worker-src 'self'">`;
    await expectHere(await ready(byAddress, policy));
  });

  test("does without where names are known by an import map, which no worker has", async () => {
    const map = importMap().replaceAll('"/packages', '"/named/packages');
    await expectHere(
      await ready(
        page((name) => name),
        `<script type="importmap">${map}</script>`,
      ),
    );
  });

  test("does without where only the backend is known so", async () => {
    const mixed = page((name) => (name.startsWith("@hulu/backend") ? name : addressOf(name)));
    const map = importMap().replaceAll('"/packages/backend', '"/named/packages/backend');
    await expectHere(await ready(mixed, `<script type="importmap">${map}</script>`));
  });
});

describe("an app that a bundler has made", () => {
  const apps = [
    ["as one module", "/app", "module"],
    ["as modules with common chunks", "/split", "module"],
    ["as a plain script", "/plain", "text/javascript"],
  ] as const;
  test.each(apps)("%s runs in the page's thread, and never again in a worker", async (_, at, type) => {
    site.asked.length = 0;
    await expectHere(await ready(`<script type="${type}" src="${at}/app.js"></script>`));
    expect(site.asked.filter((path) => path === "/ran")).toHaveLength(1);
    expect(site.asked.filter((path) => path === `${at}/app.js`)).toHaveLength(1);
  });
});

/** The model runs in the page's thread, as if nothing had been tried; who insists on a worker is told by name. */
async function expectHere(opened: Opened): Promise<void> {
  const insisting = [true, "worker-unavailable"];
  for (const kind of kinds)
    expect(await ask(opened, kind)).toEqual({
      here: true,
      tokenIds: await published("case-text"),
      missing,
      insisting,
    });
  expect(opened.page.workers()).toEqual([]);
  expect(opened.errors).toEqual([]);
  await opened.page.close();
}

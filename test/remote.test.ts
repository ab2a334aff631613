import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import vm from "node:vm";
import { Worker } from "node:worker_threads";
import { reference } from "@hulu/backend-reference";
import { estimateMemory, load, openModel } from "@hulu/engine";
import { SourceError } from "@hulu/hub";
import { open } from "@hulu/safetensors";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { main } from "../packages/cli/src/main.js";
import { hulu } from "../packages/cli/test/run.js";
import { sendFile, TestHub, temporaryFolder, temporaryServer } from "../packages/hub/test/server.js";
import { bundle, sources } from "./bundle.js";

const folder = "test/data/goldens/q3-p16";
const NAMES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "preprocessor_config.json",
  "model.safetensors",
];
const END = 502;
const files = new Map(NAMES.map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))]));
const weights = files.get("model.safetensors")!.byteLength;

const question = JSON.parse(readFileSync(`${folder}/case-text.json`, "utf8")).conversation;
async function published(): Promise<number[]> {
  const ids = [...(await (await open(`${folder}/case-text.safetensors`)).floats("out.generated"))];
  return ids.includes(END) ? ids.slice(0, ids.indexOf(END) + 1) : ids;
}

/** A server that has the files below an address. */
async function plainServer(): Promise<{ readonly address: string }> {
  const root = await temporaryServer((request, response) => {
    const bytes = files.get(request.url!.slice("/m/".length));
    if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, bytes);
  });
  return { address: `${root}m` };
}

let hub: TestHub;
let sent = 0;
beforeEach(async () => {
  hub = await TestHub.start(files);
  sent = 0;
  hub.meddle = (request, response, path) => {
    if (!path.endsWith(".safetensors")) return false;
    const whole = request.headers.range === undefined;
    sent += whole
      ? weights
      : Number(/-(\d+)$/.exec(request.headers.range!)![1]) + 1 - Number(/\d+/.exec(request.headers.range!)![0]);
    sendFile(request, response, files.get("model.safetensors")!);
    return true;
  };
  process.env.HF_ENDPOINT = hub.endpoint;
});
afterEach(() => {
  delete process.env.HF_ENDPOINT;
});

describe("memory", () => {
  const options = { backend: reference, allowHttp: true, contextLength: 256, patches: 16 };

  test("is foretold of a checkpoint elsewhere as of one that is here, from its headers", async () => {
    expect(await estimateMemory("hf:org/name", options)).toEqual(await estimateMemory(folder, options));
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(weights / 4);
  });

  test("refuses before anything is fetched that the headers do not need", async () => {
    const cache = await temporaryFolder();
    const loading = load("hf:org/name", { ...options, worker: false, cache, maxMemory: 1e6 });
    await expect(loading).rejects.toMatchObject({ code: "memory-exceeded" });
    expect(sent).toBeLessThan(weights / 4);
    expect(await readdir(cache)).toEqual([]);
    await using model = await load("hf:org/name", { ...options, worker: false, cache, maxMemory: 1e9 });
    expect(model.contextLength).toBe(256);
  });
});

describe("load", () => {
  test("answers from the Hub with the published tokens, and then offline", async () => {
    const cache = await temporaryFolder();
    const seen = new Map<string, number>();
    const onDownload = ({ file, received }: { file: string; received: number }) => void seen.set(file, received);
    const options = { backend: reference, worker: false, cache, allowHttp: true } as const;
    for (const more of [{ onDownload }, { offline: true }]) {
      hub.requests.length = 0;
      await using model = await load("hf:org/name", { ...options, ...more });
      expect((await model.ask(question, { maxTokens: 12 }).result()).tokenIds).toEqual(await published());
    }
    expect(hub.requests).toEqual([]);
    expect(sent).toBe(weights);
    expect([...seen.keys()].sort()).toEqual([...NAMES].sort());
    expect(seen.get("model.safetensors")).toBe(weights);
  });

  test("tells of weights to onProgress, and of files to onDownload alone", async () => {
    const told: (readonly [number, number, string])[] = [];
    const onProgress = (...args: [number, number, string]) => void told.push(args);
    const options = { backend: reference, worker: false, cache: await temporaryFolder(), allowHttp: true } as const;
    await (await load("hf:org/name", { ...options, onProgress })).dispose();
    expect(told.length).toBeGreaterThan(10);
    for (const [done, total, path] of told)
      expect([typeof done, typeof total, typeof path]).toEqual(["number", "number", "string"]);
  });

  test("answers by ranges, and keeps nothing", async () => {
    const cache = await temporaryFolder();
    await using model = await load("hf:org/name", {
      backend: reference,
      worker: false,
      cache,
      allowHttp: true,
      ranges: true,
    });
    expect((await model.ask(question, { maxTokens: 12 }).result()).tokenIds).toEqual(await published());
    expect(await readdir(cache)).toEqual([]);
  });

  test("fetches in the worker, whose errors are SourceErrors here", async () => {
    const code = `
      import { reference } from "@hulu/backend-reference";
      import { serve } from "@hulu/engine/worker";
      await serve({ backend: reference });`;
    const file = await bundle(code);
    const options = { worker: () => new Worker(file), cache: await temporaryFolder(), allowHttp: true };
    const seen: string[] = [];
    await using model = await load("hf:org/name", { ...options, onDownload: ({ file }) => void seen.push(file) });
    expect((await model.ask(question, { maxTokens: 12 }).result()).tokenIds).toEqual(await published());
    expect(new Set(seen)).toEqual(new Set(NAMES));
    const error = await load("hf:org/none", options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ name: "SourceError", code: "not-found" });
  });

  test("refuses what is no source, and http unless it is allowed", async () => {
    const cache = await temporaryFolder();
    const tried = (source: string) => openModel(source, { cache });
    await expect(tried("hf:name")).rejects.toMatchObject({ name: "SourceError", code: "source-invalid" });
    await expect(tried("hf:org/name")).rejects.toMatchObject({ code: "insecure" });
    await expect(tried("http://127.0.0.1:1/x")).rejects.toMatchObject({ code: "insecure" });
    await expect(load(folder, { backend: reference, offline: 1 as never })).rejects.toMatchObject({
      code: "option-invalid",
    });
    expect(hub.requests).toEqual([]);
  });
});

/** What a page has; nothing of Node. */
const page = () =>
  vm.createContext({
    AbortController,
    AbortSignal,
    Blob,
    clearTimeout,
    crypto,
    fetch,
    Headers,
    performance,
    ReadableStream,
    Request,
    Response,
    setTimeout,
    structuredClone,
    TextDecoder,
    TextEncoder,
    URL,
  });

test("in a page a checkpoint of a server is read by ranges", async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'export { openModel } from "@hulu/engine"', resolveDir: "packages/cli" },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    globalName: "result",
    external: ["node:*", "sharp"],
    plugins: [sources],
    logLevel: "error",
  });
  const { address } = await plainServer();
  const context = page();
  vm.runInContext(outputFiles[0]!.text, context);
  const { layout, stored } = await vm.runInContext(`result.openModel("${address}", { allowHttp: true })`, context);
  expect(layout).toBe("transformers");
  const name = [...stored.keys()].find((key: string) => key.endsWith("embed_tokens.weight"));
  // An array of the page's own kind.
  expect(Float32Array.from(await stored.floats(name))).toEqual(
    await (await open(`${folder}/model.safetensors`)).floats(name),
  );
});

describe("hulu", () => {
  test("ask takes an address, and what it fetched offline; progress only for a person", async () => {
    const cache = await temporaryFolder();
    const { address } = await plainServer();
    const args = ["ask", "--model", address, "--cache", cache, "--backend", "reference", "--max-tokens", "4", "--json"];
    const refused = await hulu([...args, "Is it pneumonia?"]);
    expect([refused.code, refused.notes]).toEqual([
      1,
      expect.stringMatching(/^hulu: SourceError \(insecure\): .*--allow-http/),
    ]);
    const first = await hulu([...args, "--allow-http", "Is it pneumonia?"]);
    expect([first.code, first.notes]).toEqual([0, ""]);
    const second = await hulu([...args, "--offline", "Is it pneumonia?"]);
    expect(JSON.parse(second.out).tokenIds).toEqual(JSON.parse(first.out).tokenIds);

    let notes = "";
    const watched = ["ask", "--model", "hf:org/name", "--allow-http", ...args.slice(3), "?"];
    const note = (text: string) => {
      notes += text;
    };
    expect(await main(watched, { out: () => {}, note, signal: new AbortController().signal, interactive: true })).toBe(
      0,
    );
    expect(notes.replaceAll("\r\x1b[K", "\n")).toMatch(/\nfetching [\w.]+: \d+\.\d of \d+\.\d MB/);
    expect(notes.endsWith("\r\x1b[K")).toBe(true);
  });

  test("inspect reads the headers alone, says what it says of the folder, and keeps nothing", async () => {
    const cache = await temporaryFolder();
    const local = await hulu(["inspect", folder, "--params"]);
    const args = ["inspect", "hf:org/name", "--params", "--cache", cache];
    expect(await hulu([...args, "--allow-http"])).toEqual(local);
    expect(sent).toBeLessThan(weights / 10);
    expect(await readdir(cache)).toEqual([]);
    const offline = await hulu([...args, "--offline"]);
    expect([offline.code, offline.notes]).toEqual([1, expect.stringContaining("(offline-missing)")]);
  });
});

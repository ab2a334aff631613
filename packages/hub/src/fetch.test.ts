import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  codeOf,
  expectWhole,
  failureOf,
  noise,
  quick,
  sendFile,
  TestHub,
  temporaryFolder,
  temporaryServer,
} from "../test/server.js";
import { type FetchOptions, fetchCheckpoint, type Progress } from "./index.js";

const fetching = async (hub: TestHub, source = "hf:org/name", more: FetchOptions = {}) => {
  const cache = more.cache ?? (await temporaryFolder());
  const options: FetchOptions = { ...quick, endpoint: hub.endpoint, ...more, cache };
  return { cache, options, get: () => fetchCheckpoint(source, options) };
};

describe("a model of the Hub", () => {
  test("comes whole, and only the files that a checkpoint needs", async () => {
    const hub = await TestHub.start();
    const { get, cache } = await fetching(hub);
    const folder = await get();
    await expectWhole(folder, hub.commits.get(hub.main)!);
    expect(folder.startsWith(cache)).toBe(true);
    expect(folder).toContain(hub.main);
    expect(hub.asked(/\.(bin|onnx|md)$/)).toEqual([]);
    expect(await readdir(join(folder, "..", "..", "partial"))).toEqual([]);
  });

  test.each(["hf:org/name@refs/pr/1", `hf:org/name@${"c".repeat(39)}1`])("at a revision: %s", async (source) => {
    const hub = await TestHub.start();
    const { get } = await fetching(hub, source);
    await expectWhole(await get(), hub.commits.get(hub.main)!);
    if (source.includes("refs")) expect(hub.asked(/revision/)).toEqual(["/api/models/org/name/revision/refs/pr/1"]);
    else expect(hub.asked(/revision/)).toEqual([]);
  });

  test("a commit that is there needs no request; a branch is looked up, and nothing is fetched twice", async () => {
    const hub = await TestHub.start();
    const { get, options } = await fetching(hub);
    const folder = await get();
    hub.requests.length = 0;
    expect(await fetchCheckpoint(`hf:org/name@${hub.main}`, options)).toBe(folder);
    expect(hub.asked()).toEqual([]);
    expect(await get()).toBe(folder);
    expect(hub.asked()).toEqual(["/api/models/org/name/revision/main"]);
  });

  test("a branch that moved gives its new commit, of which only what changed is fetched", async () => {
    const hub = await TestHub.start();
    const { get, options } = await fetching(hub);
    const old = await get();
    const before = hub.commits.get(hub.main)!;
    const after = new Map([...before, ["tokenizer.json", noise(77)]]);
    hub.push(after);
    hub.requests.length = 0;
    const folder = await get();
    expect(folder).not.toBe(old);
    await expectWhole(folder, after);
    await expectWhole(old, before);
    expect(hub.asked(/resolve/).map((path) => path.split("/").at(-1))).toEqual(["tokenizer.json"]);
    hub.requests.length = 0;
    expect(await fetchCheckpoint("hf:org/name", { ...options, offline: true })).toBe(folder);
    expect(hub.asked()).toEqual([]);
  });

  test("progress reaches the size of every file", async () => {
    const hub = await TestHub.start(checkpoint(3_000_000));
    const last = new Map<string, Progress>();
    const { get } = await fetching(hub, "hf:org/name", {
      onProgress: (p) => {
        expect(p.received).toBeGreaterThanOrEqual(last.get(p.file)?.received ?? 0);
        last.set(p.file, p);
      },
    });
    await get();
    expect(last.size).toBe(9);
    for (const { received, size } of last.values()) expect(received).toBe(size);
  });

  test("the list of files may come in pages, but not from another host", async () => {
    const hub = await TestHub.start();
    const other = await TestHub.start();
    const [first, rest] = [1, 1000];
    const pages = (next: string) => {
      hub.meddle = (request, response, path) => {
        if (!path.endsWith(`tree/${hub.main}`)) return false;
        const at = Number(new URL(request.url!, "http://host").searchParams.get("cursor") ?? 0);
        const all = [...hub.commits.get(hub.main)!].filter(([name]) => !name.includes("/"));
        const list = all
          .slice(at, at === 0 ? first : rest)
          .map(([p, b]) => ({ type: "file", path: p, size: b.length }));
        if (at === 0) response.setHeader("link", `<${next}?cursor=${first}>; rel="next"`);
        response.end(JSON.stringify(list));
        return true;
      };
    };
    pages(`${hub.endpoint}api/models/org/name/tree/${hub.main}`);
    await expectWhole(await (await fetching(hub)).get(), hub.commits.get(hub.main)!);
    pages(`${other.endpoint}api/models/org/name/tree/${hub.main}`);
    expect(await codeOf((await fetching(hub)).get)).toBe("listing-invalid");
    expect(other.asked()).toEqual([]);
  });
});

describe("offline", () => {
  test("what is not there is named, and nothing is asked", async () => {
    const hub = await TestHub.start();
    const { get } = await fetching(hub, "hf:org/name", { offline: true });
    const error = await failureOf(get);
    expect([error.code, error.message]).toEqual(["offline-missing", expect.stringContaining("hf:org/name@main")]);
    expect(hub.asked()).toEqual([]);
  });

  test.each(["HULU_OFFLINE", "HF_HUB_OFFLINE"])(
    "%s forbids requests, and the option has the last word",
    async (name) => {
      const hub = await TestHub.start();
      const { get, options } = await fetching(hub);
      process.env[name] = "1";
      try {
        expect(await codeOf(get)).toBe("offline-missing");
        expect(hub.asked()).toEqual([]);
        await expectWhole(
          await fetchCheckpoint("hf:org/name", { ...options, offline: false }),
          hub.commits.get(hub.main)!,
        );
      } finally {
        delete process.env[name];
      }
    },
  );

  test("the cache is used when nobody answers, or only with errors that pass", async () => {
    const hub = await TestHub.start();
    const { get, options } = await fetching(hub);
    const folder = await get();
    hub.meddle = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await get()).toBe(folder);
    const fetch = () => Promise.reject(new TypeError("fetch failed"));
    expect(await fetchCheckpoint("hf:org/name", { ...options, fetch })).toBe(folder);
    hub.meddle = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    expect(await codeOf(get)).toBe("unauthorized");
  });

  test("a copy that was damaged is not taken for whole, and is mended online", async () => {
    const hub = await TestHub.start();
    const { get, options } = await fetching(hub);
    const folder = await get();
    for (const damage of [
      () => truncate(join(folder, "model-00001-of-00002.safetensors"), 10),
      () => rm(join(folder, "tokenizer.json")),
      () => writeFile(join(folder, ".hulu.json"), "{"),
      () => writeFile(join(folder, ".hulu.json"), JSON.stringify({ format: 1, files: [{ name: "../x", size: 1 }] })),
      () => writeFile(join(folder, ".hulu.json"), JSON.stringify({ format: 0, files: [] })),
      () => rm(join(folder, ".hulu.json")),
    ]) {
      await damage();
      expect(await codeOf(() => fetchCheckpoint("hf:org/name", { ...options, offline: true }))).toBe("offline-missing");
      expect(await get()).toBe(folder);
      await expectWhole(folder, hub.commits.get(hub.main)!);
    }
  });
});

describe("a folder behind an address", () => {
  const serve = async (files: Map<string, Uint8Array>) => {
    const requests: string[] = [];
    const address = await temporaryServer((request, response) => {
      const { pathname, search } = new URL(request.url!, "http://host");
      requests.push(pathname + search);
      const bytes = files.get(
        decodeURIComponent(pathname).replace("/models/my%20one/", "").replace("/models/my one/", ""),
      );
      if (bytes === undefined) response.writeHead(404).end();
      else sendFile(request, response, bytes);
    });
    return { source: `${address}models/my%20one`, requests };
  };

  test("comes whole; looked at again, it is fetched again only where it changed", async () => {
    const files = checkpoint();
    files.set("generation_config.json", new Uint8Array(0));
    const { source, requests } = await serve(files);
    const options = { ...quick, cache: await temporaryFolder() };
    const folder = await fetchCheckpoint(source, options);
    await expectWhole(folder, files);
    expect(await fetchCheckpoint(`${source}/`, options)).toBe(folder);

    files.set("tokenizer.json", noise(55));
    const again = await fetchCheckpoint(source, options);
    expect(again).not.toBe(folder);
    await expectWhole(again, files);
    requests.length = 0;
    expect(await fetchCheckpoint(source, { ...options, offline: true })).toBe(again);
    expect(requests).toEqual([]);
  });

  test("its query goes with every file and into no name and no message", async () => {
    const files = checkpoint();
    const { source, requests } = await serve(files);
    const cache = await temporaryFolder();
    await fetchCheckpoint(`${source}?key=s3cret`, { ...quick, cache });
    expect(requests.every((path) => path.endsWith("?key=s3cret"))).toBe(true);
    expect((await readdir(cache, { recursive: true })).join()).not.toContain("s3cret");
    files.delete("config.json");
    const error = await failureOf(() => fetchCheckpoint(`${source}?key=s3cret`, { ...quick, cache }));
    expect(error.code).toBe("not-found");
    expect(String(error.stack)).not.toContain("s3cret");
  });

  test.each([
    ["no-checkpoint", ["model.safetensors.index.json"], []],
    ["ambiguous-checkpoint", [], ["model.safetensors"]],
    ["not-found", ["model-00002-of-00002.safetensors"], []],
    ["not-found", ["config.json"], []],
  ] as const)("%s without %j and with %j, of both kinds", async (code, without, withThese) => {
    const files = checkpoint();
    for (const name of without) files.delete(name);
    for (const name of withThese) files.set(name, noise(9));
    const { source } = await serve(files);
    expect(await codeOf(async () => fetchCheckpoint(source, { ...quick, cache: await temporaryFolder() }))).toBe(code);
    const hub = await TestHub.start(files);
    const ofHub = without[0] === "config.json" ? "no-checkpoint" : code;
    expect(await codeOf((await fetching(hub)).get)).toBe(ofHub);
  });
});

test("a folder is given back as it is", async () => {
  expect(await fetchCheckpoint("some/folder")).toBe("some/folder");
});

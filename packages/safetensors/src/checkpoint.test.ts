import { mkdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { codeOf, failureOf, temporaryFolder, temporaryServer } from "../test/fixtures.js";
import { openCheckpoint, serialize, write } from "./index.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const shard = (format: string, ...tensors: [name: string, value: number][]) =>
  serialize(
    tensors.map(([name, value]) => ({ name, dtype: "U8", shape: [2, 1], data: bytes(value, value + 1) })),
    { metadata: { format, [format]: "yes" } },
  );
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const INDEX = "model.safetensors.index.json";
const weightMap = { a: "1.safetensors", b: "2.safetensors", constructor: "2.safetensors" };
const files = (changes: Record<string, Uint8Array | undefined> = {}): Map<string, Uint8Array> => {
  const all = {
    "1.safetensors": shard("pt", ["a", 1]),
    "2.safetensors": shard("np", ["b", 3], ["constructor", 5]),
    [INDEX]: json({ metadata: { total_size: 6.0, extra: [null, { x: "y" }] }, weight_map: weightMap, more: [] }),
    ...changes,
  };
  return new Map(Object.entries(all).filter((entry): entry is [string, Uint8Array] => entry[1] !== undefined));
};

async function folderOf(content: ReadonlyMap<string, Uint8Array>, folder?: string): Promise<string> {
  const path = folder ?? (await temporaryFolder());
  await mkdir(path, { recursive: true });
  for (const [name, data] of content) await writeFile(join(path, name), data);
  return path;
}

/** Serves files under /model/, with ranges for shards and, as servers of text do, without for the index. */
async function serverOf(content: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const address = await temporaryServer((request, response) => {
    const [path, query] = request.url!.split("?");
    const data = content.get(decodeURIComponent(path!.replace(/^\/model\//, "")));
    if (data === undefined || query !== "key=secret") {
      response.writeHead(404);
      return response.end();
    }
    if (path!.endsWith(".json")) return response.end(data);
    const [begin, last] = request.headers.range!.slice(6).split("-").map(Number) as [number, number];
    const end = Math.min(last + 1, data.length);
    response.writeHead(206, { "content-range": `bytes ${begin}-${end - 1}/${data.length}` });
    return response.end(data.subarray(begin, end));
  });
  return `${address}model?key=secret`;
}

async function expectExample(source: Parameters<typeof openCheckpoint>[0]): Promise<void> {
  const checkpoint = await openCheckpoint(source);
  expect([...checkpoint.keys()]).toEqual(["a", "b", "constructor"]);
  expect(checkpoint.shards).toEqual(["1.safetensors", "2.safetensors"]);
  expect(checkpoint.unexpected).toEqual([]);
  expect(checkpoint.info("b")).toEqual({ dtype: "U8", shape: [2, 1] });
  expect(await checkpoint.read("a")).toEqual(bytes(1, 2));
  expect(await checkpoint.read("constructor", { rows: [1, 2] })).toEqual(bytes(6));
  expect([...(await checkpoint.floats("b"))]).toEqual([3, 4]);
  expect(Object.fromEntries(checkpoint.metadata)).toEqual({ format: "pt", pt: "yes", np: "yes" });
  expect(checkpoint.info("toString")).toBeUndefined();
  expect(await codeOf(() => checkpoint.read("toString"))).toBe("unknown-tensor");
  await checkpoint[Symbol.asyncDispose]();
  expect(await codeOf(() => checkpoint.read("a"))).toBe("closed");
}

describe("a sharded checkpoint", () => {
  it("from a Map", () => expectExample(files()));
  it("from a Map of Blobs", () =>
    expectExample(new Map([...files()].map(([name, data]) => [name, new Blob([data.slice()])]))));
  it("from a folder", async () => expectExample(await folderOf(files())));
  it("from the file: address of a folder", async () => expectExample(pathToFileURL(await folderOf(files()))));
  it("from its index", async () => expectExample(join(await folderOf(files()), INDEX)));
  it("from an address", async () => expectExample(await serverOf(files())));
  it("from the address of its index", async () => {
    await expectExample((await serverOf(files())).replace("?", `/${INDEX}?`));
  });

  it("tells where tensors lie", async () => {
    const folder = await folderOf(files());
    const { file, offset, length } = (await openCheckpoint(folder)).locate("constructor")!;
    expect(file).toBe(join(folder, "2.safetensors"));
    expect((await readFile(file)).subarray(offset, offset + length)).toEqual(Buffer.of(5, 6));
  });

  it("reports what the index does not name, and a tensor that lies in two shards", async () => {
    const extra = files({ "1.safetensors": shard("pt", ["a", 1], ["b", 9], ["z", 7]) });
    const checkpoint = await openCheckpoint(extra);
    expect(checkpoint.unexpected).toEqual([
      { tensor: "b", file: "1.safetensors" },
      { tensor: "z", file: "1.safetensors" },
    ]);
    expect(checkpoint.info("z")).toBeUndefined();
    expect(await checkpoint.read("b")).toEqual(bytes(3, 4));
  });

  it("refuses an index that names tensors its shards lack", async () => {
    const error = await failureOf(() => openCheckpoint(files({ "2.safetensors": shard("pt", ["b", 3]) })));
    expect([error.code, error.tensor]).toEqual(["missing-tensor", "constructor"]);
    const swapped = json({ weight_map: { a: "2.safetensors", b: "1.safetensors" } });
    expect((await failureOf(() => openCheckpoint(files({ [INDEX]: swapped })))).message).toContain('"a", "b"');
  });

  it("refuses a missing shard and a broken one", async () => {
    for (const make of [async (map: Map<string, Uint8Array>) => map, folderOf, serverOf]) {
      const missing = await make(files({ "2.safetensors": undefined }));
      const error = await failureOf(() => openCheckpoint(missing));
      expect(error.code).toBe("missing-shard");
      expect(error.message).toContain('"2.safetensors"');
      const cut = await make(files({ "2.safetensors": shard("np", ["b", 3]).slice(0, -1) }));
      expect(await codeOf(() => openCheckpoint(cut))).toBe("truncated");
    }
  });

  it("opens more shards than are opened at a time", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const many = new Map(names.map((name, i) => [`${name}.safetensors`, shard("pt", [name, i])]));
    many.set(INDEX, json({ weight_map: Object.fromEntries(names.map((name) => [name, `${name}.safetensors`])) }));
    const checkpoint = await openCheckpoint(many);
    for (const [i, name] of names.entries()) expect(await checkpoint.read(name)).toEqual(bytes(i, i + 1));
  });

  it("stops where its signal says so", async () => {
    const reason = new Error("enough");
    await expect(openCheckpoint(files(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("a checkpoint of one file", () => {
  const one = new Map([["model.safetensors", shard("pt", ["a", 1])]]);

  it("from a folder, a Map, an address", async () => {
    for (const source of [one, await folderOf(one), await serverOf(one)]) {
      const checkpoint = await openCheckpoint(source);
      expect(checkpoint.shards).toEqual(["model.safetensors"]);
      expect([...checkpoint.keys()]).toEqual(["a"]);
      expect(await checkpoint.read("a")).toEqual(bytes(1, 2));
      expect(checkpoint.metadata.get("format")).toBe("pt");
    }
  });

  it("under another name, when it is given", async () => {
    const content = new Map([["other.safetensors", shard("pt", ["a", 1])]]);
    const folder = await folderOf(content);
    const path = join(folder, "other.safetensors");
    for (const source of [path, pathToFileURL(path), (await serverOf(content)).replace("?", "/other.safetensors?")]) {
      const checkpoint = await openCheckpoint(source);
      expect(checkpoint.shards).toEqual(["other.safetensors"]);
      expect(await checkpoint.read("a")).toEqual(bytes(1, 2));
    }
    expect(await codeOf(() => openCheckpoint(folder))).toBe("no-checkpoint");
  });

  it("is not guessed at where there are two, or none", async () => {
    for (const make of [async (map: Map<string, Uint8Array>) => map, folderOf, serverOf]) {
      expect(await codeOf(async () => openCheckpoint(await make(new Map([...files(), ...one]))))).toBe(
        "ambiguous-checkpoint",
      );
      expect(await codeOf(async () => openCheckpoint(await make(new Map())))).toBe("no-checkpoint");
    }
    const folder = await temporaryFolder();
    expect(await codeOf(() => openCheckpoint(join(folder, "none")))).toBe("not-found");
    expect(await codeOf(async () => openCheckpoint((await serverOf(new Map())).replace("?", `/${INDEX}?`)))).toBe(
      "not-found",
    );
  });
});

describe("a hostile index", () => {
  const opened = (index: string | Uint8Array) =>
    codeOf(() =>
      openCheckpoint(files({ [INDEX]: typeof index === "string" ? new TextEncoder().encode(index) : index })),
    );

  it.each([
    "/etc/x.safetensors",
    "../x.safetensors",
    "sub/x.safetensors",
    "sub\\\\x.safetensors",
    "C:x.safetensors",
    "C:\\\\x.safetensors",
    "..safetensors",
    ".safetensors",
    "..",
    "",
    "x.bin",
    "x.safetensors\\u0000",
    "\\u0000x.safetensors",
    "x.safetensors/",
    "\\n.safetensors",
    "http://host/x.safetensors",
  ])("unsafe-path: %s", async (name) => {
    expect(await opened(`{"weight_map":{"a":"${name}"}}`)).toBe("unsafe-path");
  });

  it.each([
    ["bad-index", ""],
    ["bad-index", "[]"],
    ["bad-index", "{}"],
    ["bad-index", '{"weight_map":{}}'],
    ["bad-index", '{"weight_map":["a"]}'],
    ["bad-index", '{"weight_map":{"a":1}}'],
    ["bad-index", '{"weight_map":{"a":"1.safetensors"}} x'],
    ["bad-index", `{"metadata":${"[".repeat(1000)}`],
    ["bad-index", Uint8Array.of(0x7b, 0xff)],
    ["duplicate-key", '{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}'],
    ["duplicate-key", '{"weight_map":{"a":"1.safetensors"},"weight_map":{"a":"2.safetensors"}}'],
  ] as const)("%s: %s", async (code, index) => {
    expect(await opened(index)).toBe(code);
  });

  it("too-many: more shards than a checkpoint may have", async () => {
    const names = Array.from({ length: 4097 }, (_, i) => [`t${i}`, `${i}.safetensors`]);
    expect(await opened(json({ weight_map: Object.fromEntries(names) }))).toBe("too-many");
  });

  it("bad-index: longer than the cap, from a disk and from a server that goes on and on", async () => {
    const folder = await folderOf(files());
    await truncate(join(folder, INDEX), 100_000_001);
    expect(await codeOf(() => openCheckpoint(folder))).toBe("bad-index");
    const block = new Uint8Array(10_000_000);
    const body = () => new ReadableStream({ pull: (controller) => controller.enqueue(block) });
    const fetch = async (input: string | URL | Request) =>
      String(input).endsWith(".json") ? new Response(body()) : new Response(null, { status: 404 });
    expect(await codeOf(() => openCheckpoint("http://host.test/", { fetch }))).toBe("http-body");
  });
});

describe("links", () => {
  it("are followed in the cache of the Hugging Face Hub, from a snapshot to its blobs", async () => {
    const cache = await temporaryFolder();
    const model = join(cache, "models--org--name");
    const snapshot = join(model, "snapshots", "abc123");
    await folderOf(files(), join(model, "blobs"));
    await mkdir(snapshot, { recursive: true });
    for (const name of files().keys()) await symlink(join("..", "..", "blobs", name), join(snapshot, name));
    await expectExample(snapshot);
    await symlink(snapshot, join(cache, "latest"));
    await expectExample(join(cache, "latest"));
  });

  it.each([INDEX, "1.safetensors"])("are followed inside the folder, not out of it: %s", async (name) => {
    const outside = await folderOf(files());
    const inside = await folderOf(files({ [name]: undefined }));
    await symlink(join(outside, name), join(inside, name));
    expect(await codeOf(() => openCheckpoint(inside))).toBe("unsafe-path");

    const within = await folderOf(files({ [name]: undefined }));
    await folderOf(files(), join(within, "deep"));
    await symlink(join("deep", name), join(within, name));
    await expectExample(within);
  });

  it("lead from a snapshot to no other model's blobs, and from no other folder to blobs", async () => {
    const cache = await temporaryFolder();
    const snapshots = [
      ["models--a--b/snapshots/1", "models--a--c/blobs"],
      ["models--a--b/snapshots/2", "models--a--b/blobs-other"],
      ["a/snapshots/1", "a/blobs"],
      ["my-models--a--b/snapshots/1", "my-models--a--b/blobs"],
      ["models--a--b/other/1", "models--a--b/blobs"],
    ] as const;
    for (const [from, to] of snapshots) {
      const target = await folderOf(files(), join(cache, to));
      const folder = await folderOf(files({ "1.safetensors": undefined }), join(cache, from));
      await symlink(relative(folder, join(target, "1.safetensors")), join(folder, "1.safetensors"));
      expect([from, await codeOf(() => openCheckpoint(folder))]).toEqual([from, "unsafe-path"]);
    }
  });

  it("to a file that was named itself may lead anywhere, and a folder may be one", async () => {
    const outside = join(await temporaryFolder(), "x.safetensors");
    await write(outside, [{ name: "a", dtype: "U8", shape: [1], data: bytes(1) }]);
    const folder = await temporaryFolder();
    await symlink(outside, join(folder, "m.safetensors"));
    expect((await openCheckpoint(join(folder, "m.safetensors"))).locate("a")?.file).toBe(outside);
  });
});

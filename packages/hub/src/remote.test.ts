import { openCheckpoint, serialize } from "@hulu/safetensors";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { checkpoint, codeOf, noise, quick, sendFile, TestHub, temporaryServer, wanted } from "../test/server.js";
import { openRemote, type RemoteCheckpoint } from "./index.js";

const TENSOR = noise(400_000, 3);

/** A checkpoint whose shards are files of tensors. */
function withTensors(): Map<string, Uint8Array> {
  const files = checkpoint();
  const [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  files.set(
    one,
    serialize([
      { name: "a", dtype: "U8", shape: [TENSOR.byteLength], data: TENSOR },
      { name: "c", dtype: "U8", shape: [1], data: Uint8Array.of(7) },
    ]),
  );
  files.set(two, serialize([{ name: "b", dtype: "U8", shape: [2], data: Uint8Array.of(1, 2) }]));
  return files;
}

async function expectOpens({ files, weights, fetch }: RemoteCheckpoint, all: ReadonlyMap<string, Uint8Array>) {
  const small = wanted(all).filter((name) => !name.includes("model"));
  expect([...files.keys()].sort()).toEqual(small);
  for (const [name, bytes] of files) expect(Buffer.compare(bytes, all.get(name)!)).toBe(0);
  const stored = await openCheckpoint(weights, { fetch });
  expect([...stored.keys()].sort()).toEqual(["a", "b", "c"]);
  expect(Buffer.compare(await stored.read("a"), TENSOR)).toBe(0);
}

describe("openRemote", () => {
  test("opens a model of the Hub, whose tensors are read by ranges", async () => {
    const hub = await TestHub.start(withTensors());
    const opened = await openRemote("hf:org/name", { ...quick, endpoint: hub.endpoint });
    expect(hub.asked(/safetensors$/)).toEqual([]);
    await expectOpens(opened, hub.commits.get(hub.main)!);
    for (const { path, headers } of hub.requests)
      if (path.endsWith(".safetensors")) expect(headers.range).toMatch(/^bytes=\d+-\d+$/);
  });

  test("opens a folder behind an address, a query with every file", async () => {
    const files = withTensors();
    const queries = new Set<string>();
    const address = await temporaryServer((request, response) => {
      const { pathname, search } = new URL(request.url!, "http://host");
      queries.add(search);
      const bytes = files.get(decodeURIComponent(pathname.slice(3)));
      if (bytes === undefined) response.writeHead(404).end();
      else sendFile(request, response, bytes);
    });
    await expectOpens(await openRemote(`${address}m?key=1`, quick), files);
    expect([...queries]).toEqual(["?key=1"]);
  });

  test("in a page without SHA-256 says so, of an address and of the Hub", async () => {
    const hub = await TestHub.start(withTensors());
    const files = withTensors();
    const address = await temporaryServer((request, response) =>
      files.has(request.url!.slice(1))
        ? sendFile(request, response, files.get(request.url!.slice(1))!)
        : response.writeHead(404).end(),
    );
    vi.stubGlobal("crypto", {});
    onTestFinished(() => void vi.unstubAllGlobals());
    for (const source of ["hf:org/name", address])
      expect(await codeOf(() => openRemote(source, { ...quick, endpoint: hub.endpoint }))).toBe("insecure");
  });

  test("keeps the token from where the Hub redirects to, and passes errors that pass", async () => {
    const files = withTensors();
    const seen: (string | undefined)[] = [];
    const cdn = await temporaryServer((request, response) => {
      seen.push(request.headers.authorization);
      const bytes = files.get(request.url!.slice(1));
      if (bytes === undefined) response.writeHead(404).end();
      else sendFile(request, response, bytes);
    });
    const hub = await TestHub.start(files);
    let failures = 2;
    hub.meddle = (_, response, path) => {
      if (!path.endsWith(".safetensors")) return false;
      if (failures-- > 0) response.writeHead(503).end();
      else response.writeHead(302, { location: cdn + path.split("/").at(-1) }).end();
      return true;
    };
    await expectOpens(await openRemote("hf:org/name", { ...quick, endpoint: hub.endpoint, token: "hf_x" }), files);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.filter((value) => value !== undefined)).toEqual([]);
    expect(hub.requests.every(({ headers }) => headers.authorization === "Bearer hf_x")).toBe(true);
  });

  test("in a page, where a redirect is followed unseen, the token stays behind", async () => {
    const files = withTensors();
    const hub = await TestHub.start(files);
    const sent: { readonly redirect: string | undefined; readonly authorization: string | null }[] = [];
    const page: typeof fetch = async (input, init) => {
      const redirect = init?.redirect;
      sent.push({ redirect, authorization: new Headers(init?.headers).get("authorization") });
      const opaque = redirect === "manual" && String(input).includes("/resolve/");
      return opaque ? ({ type: "opaqueredirect", status: 0, body: null } as Response) : fetch(input, init);
    };
    await expectOpens(
      await openRemote("hf:org/name", { ...quick, endpoint: hub.endpoint, token: "hf_x", fetch: page }),
      files,
    );
    const followed = sent.filter(({ redirect }) => redirect === "follow");
    expect(followed.length).toBeGreaterThan(9);
    expect(new Set(followed.map(({ authorization }) => authorization))).toEqual(new Set([null]));
  });

  test("holds small files to their size and hash, and to their limit", async () => {
    const hub = await TestHub.start(withTensors());
    const open = () => openRemote("hf:org/name", { ...quick, endpoint: hub.endpoint });
    const answers: [string, (bytes: Uint8Array) => Uint8Array][] = [
      ["hash-mismatch", (bytes) => bytes.map((b) => b ^ 1)],
      ["size-mismatch", (bytes) => bytes.subarray(1)],
      ["too-large", () => new Uint8Array(4 * 1024 ** 2 + 1)],
    ];
    for (const [code, change] of answers) {
      hub.meddle = (_, response, path) => {
        if (!path.endsWith("/tokenizer_config.json")) return false;
        response.end(change(hub.commits.get(hub.main)!.get("tokenizer_config.json")!));
        return true;
      };
      expect(await codeOf(open)).toBe(code);
    }
    expect(await codeOf(() => openRemote("some/folder"))).toBe("source-invalid");
    expect(await codeOf(() => openRemote("http://127.0.0.1:1/x"))).toBe("insecure");
  });
});

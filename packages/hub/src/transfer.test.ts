import { readdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
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
import { fetchCheckpoint } from "./index.js";

const SHARD = /model-00001-of-00002\.safetensors$/;
const BYTES = 3_000_000;

/** A hub of which one file is sent in another way. */
async function hubWith(meddle: (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => unknown) {
  const hub = await TestHub.start(checkpoint(BYTES));
  const bytes = hub.commits.get(hub.main)!.get("model-00001-of-00002.safetensors")!;
  const ranges: (string | undefined)[] = [];
  hub.meddle = (request, response, path) => {
    if (!SHARD.test(path)) return false;
    ranges.push(request.headers.range);
    return meddle(request, response, bytes) !== false;
  };
  const cache = await temporaryFolder();
  const get = (more = {}) => fetchCheckpoint("hf:org/name", { ...quick, endpoint: hub.endpoint, cache, ...more });
  return { hub, get, ranges, cache, files: hub.commits.get(hub.main)! };
}

/** Sends some of a file, then cuts the connection once that has arrived. */
function cut(response: ServerResponse, bytes: Uint8Array, headers: object): void {
  response.writeHead(200, { "content-length": BYTES, ...headers });
  response.write(bytes, () => setTimeout(() => response.destroy(), 20));
}

describe("an answer that is cut", () => {
  test("is gone on with by Range and If-Range", async () => {
    const { get, ranges, files, hub } = await hubWith((_, response, bytes) => {
      if (ranges.length > 1) return false;
      cut(response, bytes.subarray(0, 1_000_000), { etag: '"one"' });
      return true;
    });
    const bytes = files.get("model-00001-of-00002.safetensors")!;
    const inner = hub.meddle;
    hub.meddle = (request, response, path) => {
      if (inner(request, response, path)) return true;
      if (SHARD.test(path)) sendFile(request, response, bytes, '"one"');
      return SHARD.test(path);
    };
    await expectWhole(await get(), files);
    expect(ranges[0]).toBeUndefined();
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1]!)![1])).toBeGreaterThan(0);
    const { headers } = hub.requests.filter(({ path }) => SHARD.test(path)).at(-1)!;
    expect(headers["if-range"]).toBe('"one"');
  });

  test.each([
    ["a weak tag", { etag: 'W/"one"' }],
    ["no tag", {}],
  ])("begins anew with %s", async (_, headers) => {
    const { get, ranges, files } = await hubWith((_, response, bytes) => {
      if (ranges.length > 1) return false;
      cut(response, bytes.subarray(0, 1_000_000), headers);
      return true;
    });
    await expectWhole(await get(), files);
    expect(ranges).toEqual([undefined, undefined]);
  });

  test("is given up after some attempts without progress, and gone on with by the next call", async () => {
    let cutting = true;
    const { get, ranges, files } = await hubWith((request, response, bytes) => {
      if (!cutting || request.headers.range !== undefined) return false;
      // The tag of the whole file, as the good server gives it.
      sendFile(request, Object.assign(response, { end: () => response }) as ServerResponse, bytes);
      response.write(bytes.subarray(0, 700_000), () => setTimeout(() => response.destroy(), 20));
      cutting = false;
      return true;
    });
    const error = await failureOf(() => get({ patience: { ...quick.patience, attempts: 1 } }));
    expect(error.code).toBe("network");
    await expectWhole(await get(), files);
    expect(ranges).toEqual([undefined, "bytes=700000-"]);
  });

  test("is an error when it goes on", async () => {
    const { get, ranges } = await hubWith((_, response, bytes) => cut(response, bytes.subarray(0, 1000), {}));
    const error = await failureOf(get);
    expect(error.code).toBe("network");
    expect(ranges.length).toBe(quick.patience.attempts);
  });

  test("or that says nothing more is as one that is cut", async () => {
    const { get, ranges, files } = await hubWith((_, response, bytes) => {
      if (ranges.length > 1) return false;
      response.writeHead(200, { "content-length": BYTES, etag: '"x"' });
      response.write(bytes.subarray(0, 1000));
      return true;
    });
    await expectWhole(await get({ patience: { ...quick.patience, stall: 1_000 } }), files);
    expect(ranges.length).toBeGreaterThan(1);
    const silent = await hubWith(() => true);
    const error = await failureOf(() => silent.get({ patience: { attempts: 2, delay: 1, stall: 100 } }));
    expect([error.code, error.message]).toEqual(["network", expect.stringContaining("nothing arrived for 100 ms")]);
  });
});

describe("a server that does not do what Range asks", () => {
  /** Cuts the first answer, so that the second request has a range. */
  const afterCut = (answer: (response: ServerResponse, bytes: Uint8Array) => unknown, times = 1) => {
    let [first, left] = [true, times];
    return (_: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => {
      if (first) {
        first = false;
        return cut(response, bytes.subarray(0, 1_000_000), { etag: '"one"' });
      }
      if (left-- <= 0) return false;
      return answer(response, bytes);
    };
  };

  test.each<[string, (response: ServerResponse, bytes: Uint8Array) => unknown]>([
    ["ignores it", (response, bytes) => response.writeHead(200, { etag: '"one"' }).end(bytes)],
    ["sends the file that it has become", (response, bytes) => response.writeHead(200, { etag: '"two"' }).end(bytes)],
    [
      "sends another range",
      (response, bytes) => response.writeHead(206, { "content-range": `bytes 0-${BYTES - 1}/${BYTES}` }).end(bytes),
    ],
    [
      "speaks of another size",
      (response, bytes) =>
        response
          .writeHead(206, { "content-range": `bytes 1000000-${BYTES}/${BYTES + 1}` })
          .end(bytes.subarray(999_999)),
    ],
    ["sends 206 without a Content-Range", (response, bytes) => response.writeHead(206).end(bytes)],
    [
      "sends the rest of another version",
      (response, bytes) =>
        response
          .writeHead(206, { etag: '"two"', "content-range": `bytes 1000000-${BYTES - 1}/${BYTES}` })
          .end(bytes.subarray(1_000_000)),
    ],
    ["says that there is no such range", (response) => response.writeHead(416, { "content-range": "bytes */5" }).end()],
  ])("%s: the file is begun anew and comes whole", async (_, answer) => {
    const { get, files, cache } = await hubWith(afterCut(answer));
    await expectWhole(await get(), files);
    const names = await readdir(cache, { recursive: true });
    expect(names.filter((name) => /partial.+/.test(name))).toEqual([]);
  });

  test("is given up in the end", async () => {
    let first = true;
    const { get } = await hubWith((request, response, bytes) => {
      if (request.headers.range === undefined) {
        if (!first) return cut(response, bytes.subarray(0, 500_000), { etag: '"one"' });
        first = false;
        return cut(response, bytes.subarray(0, 1_000_000), { etag: '"one"' });
      }
      return response.writeHead(206, { "content-range": "bytes 7-8/9" }).end("xx");
    });
    expect(["http-invalid", "network"]).toContain(await codeOf(get));
  });
});

describe("an answer that lies", () => {
  test.each<[string, string, (response: ServerResponse, bytes: Uint8Array) => unknown]>([
    ["announces less", "size-mismatch", (r, b) => r.writeHead(200, { "content-length": 10 }).end(b.subarray(0, 10))],
    ["announces more", "size-mismatch", (r, b) => r.writeHead(200, { "content-length": BYTES + 5 }).end(b)],
    ["sends more, unannounced", "size-mismatch", (r, b) => r.writeHead(200).end(Buffer.concat([b, noise(9)]))],
    ["ends early, unannounced", "size-mismatch", (r, b) => r.writeHead(200).end(b.subarray(0, -1))],
    ["sends other bytes", "hash-mismatch", (r) => r.writeHead(200).end(noise(BYTES, 99))],
  ])("%s: %s", async (_, code, answer) => {
    const { get, hub } = await hubWith((_, response, bytes) => answer(response, bytes));
    expect(await codeOf(get)).toBe(code);
    // Nothing of it is taken for whole: honest again, the same server gives the right file.
    hub.meddle = () => false;
    await expectWhole(await get(), hub.commits.get(hub.main)!);
  });

  test("about a small file: git's hash finds it", async () => {
    const hub = await TestHub.start();
    hub.meddle = (_, response, path) => {
      if (!path.endsWith("/tokenizer.json")) return false;
      response.end('{"tokens":["b"]}');
      return true;
    };
    const options = { ...quick, endpoint: hub.endpoint, cache: await temporaryFolder() };
    expect(await codeOf(() => fetchCheckpoint("hf:org/name", options))).toBe("hash-mismatch");
  });

  test("in what an earlier attempt left: once more from the start", async () => {
    const right = checkpoint(BYTES).get("model-00001-of-00002.safetensors")!;
    const { get, ranges, files } = await hubWith((request, response, bytes) => {
      if (ranges.length === 1) return cut(response, noise(1_000_000, 5), { etag: '"one"' });
      sendFile(request, response, bytes, '"one"');
      return true;
    });
    await expectWhole(await get(), files);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), undefined]);
    expect(right.byteLength).toBe(BYTES);
  });
});

describe("a folder behind an address", () => {
  test("whose file changes while it comes is looked at again, and no version is mixed", async () => {
    const files = checkpoint(BYTES);
    const [shard, replaced] = ["model-00001-of-00002.safetensors", noise(BYTES, 42)];
    let changed = false;
    const address = await temporaryServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      const bytes = files.get(name);
      if (bytes === undefined) return void response.writeHead(404).end();
      if (name === shard && !changed && request.headers.range !== "bytes=0-0") {
        changed = true;
        files.set(shard, replaced);
        return cut(response, bytes.subarray(0, 1_000_000), { etag: '"before"' });
      }
      const tag = name === shard ? (changed ? '"after"' : '"before"') : undefined;
      sendFile(request, response, bytes, tag);
    });
    const folder = await fetchCheckpoint(address, { ...quick, cache: await temporaryFolder() });
    expect(changed).toBe(true);
    await expectWhole(folder, files);
  });

  test("that answers If-Range with the rest of another version is not believed", async () => {
    const files = checkpoint(BYTES);
    const [shard, after] = ["model-00001-of-00002.safetensors", noise(BYTES, 42)];
    let requests = 0;
    const address = await temporaryServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      const bytes = files.get(name);
      if (bytes === undefined) return void response.writeHead(404).end();
      const probed = request.headers.range === "bytes=0-0";
      if (name === shard && !probed && requests++ === 0)
        return cut(response, bytes.subarray(0, 1_000_000), { etag: '"before"' });
      if (name === shard && !probed) files.set(shard, after);
      delete request.headers["if-range"];
      const tag = name !== shard ? undefined : requests < 2 ? '"before"' : '"after"';
      sendFile(request, response, files.get(name)!, tag);
    });
    await expectWhole(await fetchCheckpoint(address, { ...quick, cache: await temporaryFolder() }), files);
    expect(files.get(shard)).toBe(after);
  });

  test("whose file changes all the time is given up", async () => {
    const files = checkpoint();
    let version = 0;
    const address = await temporaryServer((request, response) => {
      const bytes = files.get(decodeURIComponent(request.url!.slice(1)));
      if (bytes === undefined) response.writeHead(404).end();
      else sendFile(request, response, bytes, `"${version++}"`);
    });
    expect(await codeOf(async () => fetchCheckpoint(address, { ...quick, cache: await temporaryFolder() }))).toBe(
      "changed",
    );
  });

  test("that is packed on the way comes whole", async () => {
    const { gzipSync } = await import("node:zlib");
    const files = checkpoint();
    const address = await temporaryServer((request, response) => {
      const bytes = files.get(decodeURIComponent(request.url!.slice(1)));
      if (bytes === undefined) return void response.writeHead(404).end();
      const packed = gzipSync(bytes);
      response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.byteLength, etag: '"z"' });
      response.end(packed);
    });
    await expectWhole(await fetchCheckpoint(address, { ...quick, cache: await temporaryFolder() }), files);
  });
});

describe("bounds", () => {
  test("maxBytes is refused before the first file, and by a file of unknown size when it is reached", async () => {
    const hub = await TestHub.start();
    const options = { ...quick, endpoint: hub.endpoint, cache: await temporaryFolder(), maxBytes: 2000 };
    const error = await failureOf(() => fetchCheckpoint("hf:org/name", options));
    expect([error.code, error.message]).toEqual(["too-large", expect.stringMatching(/has 2\d{3} bytes; at most 2000/)]);
    expect(hub.asked(/safetensors$/)).toEqual([]);

    const files = checkpoint();
    const address = await temporaryServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      if (SHARD.test(name)) {
        response.writeHead(200);
        const more = () => void (response.destroyed || response.write(noise(10_000), () => setImmediate(more)));
        return more();
      }
      if (files.has(name)) sendFile(request, response, files.get(name)!);
      else response.writeHead(404).end();
    });
    const endless = { ...quick, cache: await temporaryFolder(), maxBytes: 1_000_000 };
    expect(await codeOf(() => fetchCheckpoint(address, endless))).toBe("too-large");
  });

  test("more than the disk has is refused before the first file", async () => {
    const hub = await TestHub.start();
    hub.meddle = (_, response, path) => {
      if (!path.endsWith(`tree/${hub.main}`)) return false;
      const list = [...hub.commits.get(hub.main)!].map(([name, bytes]) => ({ name, size: bytes.byteLength }));
      response.end(
        JSON.stringify(
          list.map(({ name, size }) => ({ type: "file", path: name, size: SHARD.test(name) ? 9e15 : size })),
        ),
      );
      return true;
    };
    const options = { ...quick, endpoint: hub.endpoint, cache: await temporaryFolder() };
    const error = await failureOf(() => fetchCheckpoint("hf:org/name", options));
    expect([error.code, error.message]).toEqual([
      "disk",
      expect.stringMatching(/9\d+ bytes are to come, \d+ are free/),
    ]);
    expect(hub.asked(/safetensors$/)).toEqual([]);
  });

  test("a config.json of 1 GB is refused by its size, or where it grows beyond its limit", async () => {
    const files = checkpoint();
    const [sized, sizeless] = await Promise.all(
      [{ "content-length": 1e9 }, {}].map((headers) =>
        temporaryServer((request, response) => {
          if (request.url !== "/config.json") return void response.writeHead(404).end();
          response.writeHead(200, headers);
          const more = () => void (response.destroyed || response.write(noise(100_000), () => setImmediate(more)));
          more();
        }),
      ),
    );
    expect(files.size).toBeGreaterThan(0);
    for (const address of [sized!, sizeless!]) {
      const options = { ...quick, cache: await temporaryFolder() };
      expect(await codeOf(() => fetchCheckpoint(address, options))).toBe("too-large");
    }
  });

  test("an abort ends it with the signal's reason", async () => {
    const abort = new AbortController();
    const { get } = await hubWith((_, response, bytes) => {
      response.writeHead(200, { "content-length": BYTES });
      response.write(bytes.subarray(0, 1000));
      setTimeout(() => abort.abort(new Error("enough")), 50);
    });
    await expect(get({ signal: abort.signal })).rejects.toThrow("enough");
    await expect(get({ signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
  });
});

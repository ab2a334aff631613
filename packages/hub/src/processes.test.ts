import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundledChild, runChild } from "../test/child.js";
import { checkpoint, codeOf, expectWhole, noise, quick, sendFile, TestHub, temporaryFolder } from "../test/server.js";
import { type FetchOptions, fetchCheckpoint } from "./index.js";
import { LOCK_TIMING, locked } from "./lock.js";
import { settle } from "./options.js";
import type { Entry } from "./plan.js";
import { Store } from "./store.js";
import { transfer } from "./transfer.js";

const SHARD = /model-0000\d-of-00002\.safetensors$/;
const slowly = { allowHttp: true, patience: { ...quick.patience, stall: 60_000 } };

/** Sends large files slowly, a piece every few milliseconds, and while it is held, no more than some bytes of each. */
function slow(hub: TestHub, hold = { bytes: Number.POSITIVE_INFINITY }, pieces = 40): void {
  hub.meddle = (request, response, path) => {
    if (!SHARD.test(path)) return false;
    const all = hub.commits.get(hub.main)!.get(path.split("/").at(-1)!)!;
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "bytes=0-")![1]);
    const bytes = all.subarray(start);
    const tag = `"${path.slice(-30)}"`;
    const range = `bytes ${start}-${all.byteLength - 1}/${all.byteLength}`;
    response.writeHead(start === 0 ? 200 : 206, {
      etag: tag,
      "content-length": bytes.byteLength,
      ...(start > 0 && { "content-range": range }),
    });
    const size = Math.ceil(all.byteLength / pieces);
    let at = 0;
    const next = () => {
      if (response.destroyed) return;
      if (start + at >= hold.bytes) return void setTimeout(next, 20);
      response.write(bytes.subarray(at, at + size));
      at += size;
      if (at >= bytes.byteLength) response.end();
      else setTimeout(next, 20);
    };
    next();
    return true;
  };
}

describe("processes", () => {
  test("two that fetch the same model at once end with one good copy, fetched once", async () => {
    const hub = await TestHub.start(checkpoint(2_000_000));
    slow(hub);
    const [file, cache] = [await bundledChild(), await temporaryFolder()];
    const options: FetchOptions = { ...slowly, endpoint: hub.endpoint, cache };
    const children = [1, 2].map(() => runChild(file, "hf:org/name", options));
    const folders = await Promise.all(children.map((child) => child.ended));
    expect(folders[0]).toMatch(/snapshots/);
    expect(folders[1]).toBe(folders[0]);
    await expectWhole(folders[0]!, hub.commits.get(hub.main)!);
    expect(hub.asked(SHARD).length).toBe(2);
    expect(await readdir(join(folders[0]!, "..", "..", "partial"))).toEqual([]);
    expect(await readdir(join(folders[0]!, ".."))).toEqual([hub.main]);
  });

  test("one that is killed leaves nothing that is taken for whole; the next goes on where it ended, then offline", async () => {
    const hub = await TestHub.start(checkpoint(20_000_000));
    const hold = { bytes: 12_000_000 };
    slow(hub, hold);
    const [file, cache] = [await bundledChild(), await temporaryFolder()];
    const options: FetchOptions = { ...slowly, endpoint: hub.endpoint, cache };
    const first = runChild(file, "hf:org/name", options);
    const partial = join(cache, new URL(hub.endpoint).host.replace(":", "_"), "models--org--name", "partial");
    const notes = async () => (await readdir(partial).catch(() => [])).filter((name) => name.endsWith(".json"));
    for (let i = 0; i < 2000 && (await notes()).length < 2; i++) await new Promise((r) => setTimeout(r, 20));
    first.process.kill("SIGKILL");
    await first.ended;
    const left = await readdir(partial);
    expect(left.filter((name) => name.endsWith(".lock")).length).toBe(2);
    const flushed = await Promise.all(
      (await notes()).map(async (name) => JSON.parse(await readFile(join(partial, name), "utf8")).flushed as number),
    );
    expect(Math.min(...flushed)).toBeGreaterThan(8_000_000);
    expect(await codeOf(() => fetchCheckpoint("hf:org/name", { ...options, offline: true }))).toBe("offline-missing");

    hub.requests.length = 0;
    hold.bytes = Number.POSITIVE_INFINITY;
    const began = performance.now();
    const folder = await runChild(file, "hf:org/name", options).ended;
    // The lock of a process that is gone does not block.
    expect(performance.now() - began).toBeLessThan(LOCK_TIMING.stale - 2_000);
    await expectWhole(folder, hub.commits.get(hub.main)!);
    const ranges = hub.requests.filter(({ path }) => SHARD.test(path)).map(({ headers }) => headers.range);
    expect(ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1])).sort()).toEqual(flushed.sort());
    expect(await readdir(partial)).toEqual([]);

    hub.requests.length = 0;
    expect(await runChild(file, "hf:org/name", { ...options, offline: true }).ended).toBe(folder);
    expect(hub.asked()).toEqual([]);
  });

  test("a file that may not grow is an error of the disk, and nothing half-written is left", async () => {
    const hub = await TestHub.start(checkpoint(2_000_000));
    const [file, cache] = [await bundledChild(), await temporaryFolder()];
    const options: FetchOptions = { ...slowly, endpoint: hub.endpoint, cache };
    // In blocks of 512 bytes: 1 MB for each file.
    const ended = await runChild(file, "hf:org/name", options, "ulimit -f 2048").ended;
    expect(ended).toBe("error disk");
    await expectWhole(await runChild(file, "hf:org/name", options).ended, hub.commits.get(hub.main)!);
  });
});

describe("a lock", () => {
  const timing = { beat: 20, stale: 300, poll: 5 };
  const result = <T>(value: T) => ({ done: async () => undefined as T | undefined, work: async () => value });

  test("of a process that is gone, or that gives no sign of life, is taken over", async () => {
    const path = join(await temporaryFolder(), "x.lock");
    const { done, work } = result(7);
    // No process has this number: it is above the largest that Linux gives.
    await writeFile(path, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    let began = performance.now();
    expect(await locked(path, done, work, undefined, { ...timing, stale: 20_000 })).toBe(7);
    expect(performance.now() - began).toBeLessThan(15_000);
    for (const owner of [
      { pid: 1, host: "elsewhere" },
      { pid: process.pid, host: hostname() },
      "",
      { pid: -1, host: hostname() },
    ]) {
      await writeFile(path, owner === "" ? "" : JSON.stringify(owner));
      began = performance.now();
      expect(await locked(path, done, work, undefined, timing)).toBe(7);
      expect(performance.now() - began).toBeGreaterThanOrEqual(timing.stale - 10);
    }
    await expect(stat(path)).rejects.toThrow("ENOENT");
  });

  test("that is alive is waited for, however long it takes", async () => {
    const path = join(await temporaryFolder(), "x.lock");
    let value: number | undefined;
    let runs = 0;
    const done = async () => value;
    const work = async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      value = 7;
      return value;
    };
    const both = [1, 2, 3].map(() => locked(path, done, work, undefined, { ...timing, stale: 1_200 }));
    expect(await Promise.all(both)).toEqual([7, 7, 7]);
    expect(runs).toBe(1);
  });

  test("is left by an abort and by a failure", async () => {
    const path = join(await temporaryFolder(), "x.lock");
    const fail = () => Promise.reject(new Error("broken"));
    await expect(locked(path, async () => undefined, fail, undefined, timing)).rejects.toThrow("broken");
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() }));
    const waiting = locked(path, async () => undefined, fail, AbortSignal.timeout(200), { ...timing, stale: 60_000 });
    await expect(waiting).rejects.toThrow("timeout");
    expect(await codeOf(() => locked(join(path, "below"), async () => undefined, fail, undefined))).toBe("disk");
  });
});

test("two that take each other for dead and write the same part do no harm", async () => {
  const store = new Store(await temporaryFolder());
  await store.prepare();
  const bytes = noise(20_000_000);
  const hub = await TestHub.start();
  let finish = () => {};
  hub.meddle = (request, response) => {
    if (request.headers.range === undefined) {
      // The first one hangs in the middle.
      response.writeHead(200, { etag: '"x"', "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 10_000_000));
      finish = () => response.end(bytes.subarray(10_000_000));
    } else sendFile(request, response, bytes, '"x"');
    return true;
  };
  const entry: Entry = { name: "a.safetensors", url: new URL(hub.endpoint), size: bytes.byteLength, key: "k" };
  const reach = settle(quick);
  const options = { reach, maxBytes: 1e9, onProgress: undefined };
  const slowOne = transfer(store, entry, { ...options, lockTiming: { ...LOCK_TIMING, beat: 100_000 } });
  while (!(await readdir(join(store.root, "partial"))).includes("k.json")) await new Promise((r) => setTimeout(r, 10));
  const thief = transfer(store, entry, { ...options, lockTiming: { beat: 100, stale: 50, poll: 10 } });
  const stolen = await thief;
  finish();
  for (const path of [stolen, await slowOne]) expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
  expect(hub.requests.map(({ headers }) => headers.range)).toEqual([
    undefined,
    expect.stringMatching(/^bytes=\d{7,}-$/),
  ]);
});

test("what killed processes left long ago is removed, what may be in use is not", async () => {
  const hub = await TestHub.start();
  const cache = await temporaryFolder();
  const options = { ...quick, endpoint: hub.endpoint, cache };
  const root = join(await fetchCheckpoint("hf:org/name", options), "..", "..");
  const key = (await readdir(join(root, "blobs"))).find((name) => name.startsWith("sha256"))!;
  const long = new Date(Date.now() - 2 * 60 * 60 * 1000);
  const make = async (name: string, time: Date) => {
    await writeFile(join(root, name), "x");
    await utimes(join(root, name), time, time);
  };
  const old = [`partial/${key}.aaaa`, "snapshots/x.tmp", "refs/main.x.tmp"];
  const young = [`partial/${key}.bbbb`, "snapshots/y.tmp", "partial/other.aaaa"];
  for (const name of old) await make(name, long);
  for (const name of young) await make(name, name.startsWith("partial/other") ? long : new Date());
  // The file is fetched again.
  await rm(join(root, "blobs", key));
  await rm(join(root, "snapshots", hub.main), { recursive: true });
  await fetchCheckpoint("hf:org/name", options);
  const there = await readdir(root, { recursive: true });
  expect(old.filter((name) => there.includes(name))).toEqual([]);
  expect(young.filter((name) => !there.includes(name))).toEqual([]);
});

test("a cache that cannot be written is an error of the disk", async () => {
  const hub = await TestHub.start();
  const file = join(await temporaryFolder(), "file");
  await writeFile(file, "");
  const options = { ...quick, endpoint: hub.endpoint, cache: join(file, "cache") };
  expect(await codeOf(() => fetchCheckpoint("hf:org/name", options))).toBe("disk");
  expect(hub.asked()).toEqual([]);
});

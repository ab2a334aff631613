import { hostI32, memoryWeights, type StoredDType, type WeightSource } from "@hulu/core";
import { pack, type Storage, scalesPerRow, unpack, wordsPerRow } from "@hulu/kernels";
import { describe, expect, test } from "vitest";
import { type HostBuffer, HostDevice } from "../../test/host-device.js";
import { made, plans, weights } from "../../test/plans.js";
import { DeviceError } from "../device.js";
import { loadWeights } from "./weights.js";

/** The same weights as a checkpoint stores them that has halves, with a note of the most that is read at a time. */
function halves(source: WeightSource, dtype: "BF16" | "F16") {
  const storage = dtype === "BF16" ? "bf16" : "f16";
  const watch = { most: 0 };
  const stored = async (path: string, rows?: readonly [number, number]) => {
    const numbers = await source.floats(path, rows && { rows });
    watch.most = Math.max(watch.most, numbers.length);
    return new Uint16Array(pack(storage, numbers, 1, numbers.length).words.buffer).slice(0, numbers.length);
  };
  const view: WeightSource = {
    keys: () => source.keys(),
    info: (path) => ({ dtype: dtype as StoredDType, shape: source.info(path)!.shape }),
    read: async (path, options) => new Uint8Array((await stored(path, options?.rows)).buffer),
    floats: async (path, options) => {
      const all = await stored(path, options?.rows);
      const words = new Uint32Array(Math.ceil(all.length / 2));
      new Uint16Array(words.buffer).set(all);
      return unpack(storage, { words, scales: new Float32Array(0) }, 1, all.length);
    },
  };
  return { view, watch };
}

const bytesOf = (buffer: HostBuffer, count: number) => new Uint32Array(buffer.data).slice(0, count);

describe.each(["f32", "bf16", "f16", "i8", "i4"] as const)("%s", (storage: Storage) => {
  test.each([4, 7, 33])("rows of %d lie as the storage packs them", async (width) => {
    const rows = 5;
    const device = new HostDevice();
    const source = weights(rows, width);
    const held = await loadWeights(plans(rows, width), source, device, { storageOf: () => storage });
    const table = held.get("table");
    expect(table.storage).toBe(storage);
    const packed = pack(storage, await source.floats("table"), rows, width);
    expect(bytesOf(table.buffer as HostBuffer, rows * wordsPerRow(storage, width))).toEqual(packed.words);
    const scales = scalesPerRow(storage, width) * rows;
    expect(table.scale === undefined).toBe(scales === 0);
    if (table.scale !== undefined)
      expect(new Float32Array((table.scale as HostBuffer).data).slice(0, scales)).toEqual(packed.scales);
    expect(held.get("norm").storage).toBe("f32");
    held.dispose();
    expect(device.bytes).toBe(0);
  });

  test("what is looked up is what it holds", async () => {
    const { executable } = await made({ storageOf: () => storage });
    const { y } = await executable.run("look", { ids: hostI32([3]) });
    const table = await weights().floats("table");
    const row = [...unpack(storage, pack(storage, table, 5, 4), 5, 4)].slice(12, 16);
    const size = Math.sqrt(row.reduce((n, x) => n + x * x, 0) / 4);
    for (const [i, got] of (await y!.read()).entries()) expect(got).toBeCloseTo((row[i]! / size) * 2, 5);
    executable.dispose();
  });
});

describe("as they are stored", () => {
  test.each(["BF16", "F16"] as const)("%s keeps its bits, in even and in odd rows", async (dtype) => {
    for (const width of [4, 7]) {
      const device = new HostDevice();
      const { view } = halves(weights(5, width), dtype);
      const held = await loadWeights(plans(5, width), view, device);
      const storage = dtype === "BF16" ? "bf16" : "f16";
      const table = held.get("table");
      expect(table.storage).toBe(storage);
      const back = unpack(
        storage,
        { words: new Uint32Array((table.buffer as HostBuffer).data), scales: new Float32Array(0) },
        5,
        width,
      );
      expect(back).toEqual(await view.floats("table"));
    }
  });

  test("pieces are small", async () => {
    const [rows, width] = [600, 1001];
    const device = new HostDevice();
    const { view, watch } = halves(weights(rows, width), "BF16");
    const seen: string[] = [];
    await loadWeights(plans(rows, width), view, device, {
      storageOf: () => "i4",
      onProgress: (done, total, path) => seen.push(`${done}/${total} ${path}`),
    });
    expect(watch.most).toBeLessThanOrEqual(2 ** 19);
    expect(seen).toEqual(["1/2 table", "2/2 norm"]);
  });

  test("a device is given no more than a piece before it is waited for", async () => {
    const [rows, width] = [9, 2 ** 20];
    const device = new HostDevice();
    const held = await loadWeights(plans(rows, width), weights(rows, width), device);
    expect(device.bytes).toBe((rows + 1) * width * 4);
    expect(device.largestWrite).toBe(16 * 2 ** 20);
    held.dispose();
  });

  test("whatever else waits is let in between the pieces", async () => {
    const [rows, width] = [4000, 1024];
    const source = weights(rows, width);
    const device = new HostDevice();
    let turns = 0;
    let beat: ReturnType<typeof setImmediate>;
    const count = () => {
      turns++;
      beat = setImmediate(count);
    };
    beat = setImmediate(count);
    await loadWeights(plans(rows, width), source, device, { storageOf: () => "i8" });
    clearImmediate(beat);
    // Eight pieces of half a million numbers, of some 8 ms each; the device itself was waited for once.
    expect(device.settles).toBe(1);
    expect(turns).toBeGreaterThanOrEqual(3);
  });
});

describe("what goes wrong", () => {
  test("an abort frees what was uploaded", async () => {
    const device = new HostDevice();
    const abort = new AbortController();
    const reason = new Error("enough");
    const loading = loadWeights(plans(), weights(), device, {
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
    });
    await expect(loading).rejects.toBe(reason);
    expect(device.allocations).toBe(1);
    expect(device.bytes).toBe(0);
  });

  test("so does a source that fails, and a device without room", async () => {
    const device = new HostDevice();
    const source = weights();
    const broken: WeightSource = {
      ...source,
      read: (path, options) => (path === "norm" ? Promise.reject(new Error("torn")) : source.read(path, options)),
    };
    await expect(loadWeights(plans(), broken, device)).rejects.toThrow("torn");
    expect(device.bytes).toBe(0);
    device.capacity = 50;
    await expect(loadWeights(plans(), source, device)).rejects.toBeInstanceOf(DeviceError);
    expect(device.bytes).toBe(0);
  });

  test("a weight that is missing, or larger than a buffer may be, is named before anything is read", async () => {
    const device = new HostDevice();
    const none = memoryWeights([]);
    await expect(loadWeights(plans(), none, device)).rejects.toThrow("table is missing");
    const [rows, width] = [2 ** 20, 1024];
    const huge: WeightSource = {
      ...none,
      info: (path) => ({ dtype: "F32", shape: path === "table" ? [rows, width] : [width] }),
    };
    await expect(loadWeights(plans(rows, width), huge, device)).rejects.toThrow(
      "table takes 4294967296 bytes; a buffer of this device holds at most 1073741824",
    );
    expect(device.allocations).toBe(0);
  });
});

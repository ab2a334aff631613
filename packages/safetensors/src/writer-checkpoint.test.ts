import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, codeOf, temporaryFolder, tensorList } from "../test/fixtures.js";
import { openCheckpoint, type TensorInput, writeCheckpoint } from "./index.js";

const INDEX = "model.safetensors.index.json";
const tensor = (name: string, bytes: number, value = 0): TensorInput => ({
  name,
  dtype: "U8",
  shape: [bytes],
  data: () => new Uint8Array(bytes).fill(value),
});

/** Opens what a folder holds and gives the first value of each tensor. */
async function valuesIn(folder: string): Promise<Record<string, number | undefined>> {
  const checkpoint = await openCheckpoint(folder);
  const entries = [...checkpoint.keys()].map(async (name) => [name, (await checkpoint.read(name))[0]] as const);
  return Object.fromEntries(await Promise.all(entries));
}

describe("writeCheckpoint", () => {
  it("writes one file where one is enough, in a folder that it makes", async () => {
    const folder = join(await temporaryFolder(), "a", "b");
    expect(await writeCheckpoint(folder, [tensor("x", 6, 1), tensor("y", 4, 2)], { maxShardBytes: 10 })).toEqual([
      "model.safetensors",
    ]);
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect(await valuesIn(folder)).toEqual({ x: 1, y: 2 });
  });

  it("fills shards in the given order, and gives a larger tensor one of its own", async () => {
    const folder = await temporaryFolder();
    const tensors = [
      tensor("z", 6),
      tensor("0", 4),
      tensor("big", 25),
      tensor("none", 0),
      tensor("a", 10),
      tensor("b", 1),
    ];
    const written = await writeCheckpoint(folder, tensors, { maxShardBytes: 10, metadata: { format: "pt" } });
    const shard = (number: number) => `model-0000${number}-of-00004.safetensors`;
    expect(written).toEqual([shard(1), shard(2), shard(3), shard(4), INDEX]);
    expect((await readdir(folder)).sort()).toEqual([...written].sort());
    const index = await readFile(join(folder, INDEX), "utf8");
    expect(JSON.parse(index)).toEqual({
      metadata: { total_size: 46 },
      weight_map: { z: shard(1), "0": shard(1), big: shard(2), none: shard(3), a: shard(3), b: shard(4) },
    });
    expect((await openCheckpoint(folder)).metadata.get("format")).toBe("pt");
  });

  it("gives back what was written, whatever the names and the size of a shard", async () => {
    await fc.assert(
      fc.asyncProperty(tensorList, fc.integer({ min: 1, max: 300 }), async (tensors, maxShardBytes) => {
        const folder = await temporaryFolder();
        await writeCheckpoint(folder, tensors, { maxShardBytes });
        const checkpoint = await openCheckpoint(folder);
        expect(new Set(checkpoint.keys())).toEqual(new Set(tensors.map(({ name }) => name)));
        expect(checkpoint.unexpected).toEqual([]);
        for (const given of tensors) expect(await checkpoint.read(given.name)).toEqual(bytesOf(given));
        await rm(folder, { recursive: true });
      }),
      { numRuns: 30 },
    );
  });

  it("replaces a checkpoint only when told to, and then leaves nothing of the old one", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config.json"), "{}");
    await writeFile(join(folder, "case.safetensors"), "mine");
    await writeCheckpoint(folder, [tensor("x", 8, 1), tensor("y", 8, 1), tensor("z", 8, 1)], { maxShardBytes: 8 });
    expect(await codeOf(() => writeCheckpoint(folder, [tensor("x", 8)]))).toBe("exists");
    expect(await valuesIn(folder)).toEqual({ x: 1, y: 1, z: 1 });
    await writeCheckpoint(folder, [tensor("x", 8, 2)], { overwrite: true });
    expect((await readdir(folder)).sort()).toEqual(["case.safetensors", "config.json", "model.safetensors"]);
    expect(await valuesIn(folder)).toEqual({ x: 2 });
    await writeCheckpoint(folder, [tensor("x", 8, 3), tensor("y", 8, 3)], { overwrite: true, maxShardBytes: 8 });
    expect(await readdir(folder)).toHaveLength(5);
    expect(await valuesIn(folder)).toEqual({ x: 3, y: 3 });
  });

  it("leaves the old checkpoint where data fail, in the first shard or the last, or are aborted", async () => {
    const folder = await temporaryFolder();
    const options = { overwrite: true, maxShardBytes: 8 };
    await writeCheckpoint(folder, [tensor("x", 8, 1), tensor("y", 8, 1)], options);
    const before = await readdir(folder);
    const bad: TensorInput = { ...tensor("bad", 8), data: () => Promise.reject(new Error("own")) };
    const reason = new Error("enough");
    for (const tensors of [
      [bad, tensor("z", 8)],
      [tensor("z", 8), bad],
    ]) {
      await expect(writeCheckpoint(folder, tensors, options)).rejects.toEqual(new Error("own"));
    }
    const controller = new AbortController();
    const data = () => {
      controller.abort(reason);
      return new Uint8Array(8);
    };
    const aborting = { ...tensor("w", 8), data };
    const signal = controller.signal;
    await expect(writeCheckpoint(folder, [tensor("v", 8), aborting], { ...options, signal })).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual(before);
    expect(await valuesIn(folder)).toEqual({ x: 1, y: 1 });
  });

  it("leaves no checkpoint that opens, and none of its temporary files, where putting in place fails", async () => {
    const folder = await temporaryFolder();
    // A folder in the place of the last shard cannot be replaced by a file.
    const data = async () => {
      await mkdir(join(folder, "model-00002-of-00002.safetensors"), { recursive: true });
      return new Uint8Array(8);
    };
    const tensors = [tensor("x", 8), { ...tensor("y", 8), data }];
    expect(await codeOf(() => writeCheckpoint(folder, tensors, { maxShardBytes: 8 }))).toBe("io");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp") || name === INDEX)).toEqual([]);
    expect(await codeOf(() => openCheckpoint(folder))).toBe("no-checkpoint");
  });

  it("refuses equal names, wherever they would go, and sizes that are none", async () => {
    const folder = await temporaryFolder();
    const twice = [tensor("x", 8), tensor("y", 8), tensor("x", 8)];
    expect(await codeOf(() => writeCheckpoint(folder, twice, { maxShardBytes: 8 }))).toBe("duplicate-name");
    for (const maxShardBytes of [0, -1, Number.NaN]) {
      expect(await codeOf(() => writeCheckpoint(folder, [], { maxShardBytes }))).toBe("bad-option");
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

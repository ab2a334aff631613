import { mkdir, open as openHandle, rename, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bytesOf, codeOf, failureOf, fileOf, metadata, temporaryFolder, tensorList } from "../test/fixtures.js";
import { type ByteSource, bytesPerElement, open, type StoredDType, serialize, toFloat32 } from "./index.js";

/** As @hulu/core declares it; that `open` gives one is checked by the compiler where the tests are type-checked. */
interface WeightSource {
  keys(): Iterable<string>;
  info(path: string): { readonly dtype: StoredDType; readonly shape: readonly number[] } | undefined;
  read(path: string, options?: { rows?: readonly [number, number]; signal?: AbortSignal }): Promise<Uint8Array>;
  floats(path: string, options?: { rows?: readonly [number, number]; signal?: AbortSignal }): Promise<Float32Array>;
  locate?(path: string): { file: string; offset: number; length: number } | undefined;
}

const numbers = Float32Array.from({ length: 12 }, (_, i) => i);
const example = serialize(
  [
    { name: "matrix", dtype: "F32", shape: [4, 3], data: numbers },
    { name: "scalar", dtype: "I64", shape: [], data: BigInt64Array.of(7n) },
    { name: "none", dtype: "F16", shape: [0, 3], data: new Uint8Array(0) },
    { name: "thin", dtype: "BF16", shape: [5, 0], data: new Uint8Array(0) },
  ],
  { metadata: { format: "pt" } },
);

async function exampleFile(): Promise<string> {
  const path = join(await temporaryFolder(), "a.safetensors");
  await writeFile(path, example);
  return path;
}

describe("every kind of source", () => {
  const kinds: readonly [string, () => Promise<Parameters<typeof open>[0]>][] = [
    ["bytes", async () => example],
    ["bytes inside a larger buffer", async () => Uint8Array.from([1, 2, 3, ...example, 4]).subarray(3, -1)],
    ["an ArrayBuffer", async () => example.slice().buffer],
    ["a Blob", async () => new Blob([example.slice()])],
    ["a path", exampleFile],
    ["a file: address", async () => pathToFileURL(await exampleFile())],
    [
      "a ByteSource",
      async () => ({ name: "s", size: example.length, read: async (a: number, b: number) => example.slice(a, b) }),
    ],
  ];
  it.each(kinds)("%s", async (_, make) => {
    const file = await open(await make());
    const weights: WeightSource = file;
    expect([...weights.keys()].sort()).toEqual(["matrix", "none", "scalar", "thin"]);
    expect(weights.info("matrix")).toEqual({ dtype: "F32", shape: [4, 3] });
    expect(weights.info("scalar")).toEqual({ dtype: "I64", shape: [] });
    expect(weights.info("other")).toBeUndefined();
    expect(await weights.floats("matrix")).toEqual(numbers);
    expect(await weights.read("scalar")).toEqual(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
    expect(await weights.floats("none")).toEqual(new Float32Array(0));
    expect([...file.metadata]).toEqual([["format", "pt"]]);
  });
});

it("gives back what was written: every dtype, shape and name, whole and in rows", async () => {
  await fc.assert(
    fc.asyncProperty(tensorList, metadata, fc.nat(), fc.nat(), async (tensors, meta, a, b) => {
      const file = await open(serialize(tensors, { metadata: meta }));
      expect(new Set(file.keys())).toEqual(new Set(tensors.map((tensor) => tensor.name)));
      expect([...file.metadata]).toEqual([...meta]);
      for (const tensor of tensors) {
        const { name, dtype, shape } = tensor;
        const whole = await file.read(name);
        expect(file.info(name)).toEqual({ dtype, shape });
        expect(whole).toEqual(bytesOf(tensor));
        expect(await file.floats(name)).toEqual(toFloat32(dtype, whole));
        const [count, ...rest] = shape;
        if (count === undefined) continue;
        const rows = [a % (count + 1), b % (count + 1)].sort() as [number, number];
        const rowBytes = rest.reduce((product, size) => product * size, bytesPerElement(dtype));
        const part = whole.subarray(rows[0] * rowBytes, rows[1] * rowBytes);
        expect(await file.read(name, { rows })).toEqual(part.slice());
        expect(await file.floats(name, { rows })).toEqual(toFloat32(dtype, part));
      }
    }),
  );
});

it("decodes tensors that lie unaligned in the file", async () => {
  const entries = [
    '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}',
    '"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}',
    '"c":{"dtype":"I64","shape":[1],"data_offsets":[5,13]}',
  ];
  const file = await open(fileOf(`{${entries.join(",")}}`, Uint8Array.of(9, 0, 0, 128, 63, 5, 0, 0, 0, 0, 0, 0, 0)));
  expect([...(await file.floats("b")), ...(await file.floats("c"))]).toEqual([1, 5]);
});

describe("reading", () => {
  it("asks for the header when opened, and for exactly the bytes of what is read", async () => {
    const asked: [number, number][] = [];
    const source: ByteSource = {
      name: "s",
      size: example.byteLength,
      read: async (begin, end) => {
        asked.push([begin, end]);
        return example.slice(begin, end);
      },
    };
    const file = await open(source);
    const dataStart = 8 + Number(new DataView(example.buffer).getBigUint64(0, true));
    expect(asked.splice(0)).toEqual([
      [0, 8],
      [8, dataStart],
    ]);
    // The scalar of 8 bytes comes first in the file.
    await file.read("matrix", { rows: [1, 3] });
    expect(asked.splice(0)).toEqual([[dataStart + 8 + 12, dataStart + 8 + 36]]);
    await file.read("matrix", { rows: [2, 2] });
    await file.read("none");
    await file.read("thin", { rows: [1, 4] });
    expect(asked).toEqual([]);
  });

  it.each([
    ["an array", example.slice()],
    ["a Buffer of Node", Buffer.from(example)],
  ])("gives bytes that are the caller's own, of %s", async (_, source) => {
    const file = await open(source);
    (await file.read("matrix")).fill(255);
    (await file.floats("matrix")).fill(255);
    expect(Uint8Array.from(source)).toEqual(example);
    expect((await file.read("matrix")).buffer.byteLength).toBe(48);
  });

  it.each([
    ["matrix", [-1, 2]],
    ["matrix", [0, 5]],
    ["matrix", [3, 2]],
    ["matrix", [5, 5]],
    ["matrix", [0.5, 2]],
    ["matrix", [0, Number.NaN]],
    ["none", [0, 1]],
    ["scalar", [0, 0]],
  ] as const)("refuses of %s the rows %j", async (name, rows) => {
    const file = await open(example);
    const error = await failureOf(() => file.read(name, { rows }));
    expect([error.code, error.tensor]).toEqual(["bad-rows", name]);
  });

  it("refuses unknown names, and everything once closed", async () => {
    const file = await open(example);
    expect(await codeOf(() => file.read("other"))).toBe("unknown-tensor");
    expect(await codeOf(() => file.floats("__proto__"))).toBe("unknown-tensor");
    await file.close();
    await file.close();
    expect(await codeOf(() => file.read("matrix"))).toBe("closed");
    const other = await open(example);
    await other[Symbol.asyncDispose]();
    expect(await codeOf(() => other.floats("none"))).toBe("closed");
  });

  it("stops where its signal says so", async () => {
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    await expect(open(example, { signal: aborted })).rejects.toBe(reason);
    const file = await open(example);
    await expect(file.read("matrix", { signal: aborted })).rejects.toBe(reason);
    await expect(file.floats("none", { signal: aborted })).rejects.toBe(reason);
    const onDisk = await open(await exampleFile());
    const controller = new AbortController();
    const reading = onDisk.read("matrix", { signal: controller.signal });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it("holds a ByteSource to the lengths it promises", async () => {
    for (const by of [-1, 1]) {
      const read = async (a: number, b: number) => (a < 8 ? example.slice(a, b) : example.slice(a, b + by));
      expect(await codeOf(() => open({ name: "s", size: example.length, read }))).toBe("truncated");
    }
  });

  it("names a Blob that can no longer be read", async () => {
    const blob = new Blob([example.slice()]);
    const file = await open(blob);
    blob.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) }) as never;
    expect(await codeOf(() => file.read("matrix"))).toBe("io");
  });
});

describe("a file on disk", () => {
  it("tells where a tensor lies", async () => {
    const path = await exampleFile();
    const link = join(path, "../link.safetensors");
    await symlink(path, link);
    const location = (await open(link)).locate("matrix");
    expect(location).toEqual({ file: path, offset: example.byteLength - 48, length: 48 });
    expect((await open(path)).locate("other")).toBeUndefined();
    expect((await open(example)).locate("matrix")).toBeUndefined();
  });

  it("is noticed when it changes after its header was read, in any one way", async () => {
    const changes: ((path: string) => Promise<void>)[] = [
      (path) => truncate(path, example.byteLength - 1),
      (path) => utimes(path, 2, 2),
      async (path) => {
        await writeFile(`${path}.new`, example);
        await rename(`${path}.new`, path);
      },
    ];
    for (const [i, change] of changes.entries()) {
      const path = await exampleFile();
      await utimes(path, 1, 1);
      const file = await open(path);
      expect(await file.floats("matrix")).toEqual(numbers);
      await change(path);
      if (i !== 1) await utimes(path, 1, 1);
      expect(await codeOf(() => file.read("matrix"))).toBe("changed");
    }
  });

  it("is read whole where the system gives a part at a time", async () => {
    const path = await exampleFile();
    const handle = await openHandle(path);
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const { read } = prototype;
    // As a network file system may: 5 bytes per call.
    const few = vi.spyOn(prototype, "read").mockImplementation(function (this: typeof handle, ...given: unknown[]) {
      const [bytes, offset, length, position] = given as [Uint8Array, number, number, number];
      return Reflect.apply(read, this, [bytes, offset, Math.min(5, length), position]);
    } as never);
    onTestFinished(() => few.mockRestore());
    expect(await (await open(path)).floats("matrix")).toEqual(numbers);
    expect(few.mock.calls.length).toBeGreaterThan(10);
  });

  it("is told from what is no file", async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(() => open(join(folder, "none")))).toBe("not-found");
    expect(await codeOf(async () => open(join(await exampleFile(), "below")))).toBe("not-found");
    expect(await codeOf(() => open(folder))).toBe("not-a-file");
    expect(await codeOf(() => open("/dev/zero"))).toBe("not-a-file");
    await mkdir(join(folder, "a"));
    await symlink("loop", join(folder, "loop"));
    expect(await codeOf(() => open(join(folder, "loop")))).toBe("io");
    expect(await codeOf(() => open("a\0b"))).toBe("io");
  });
});

it("refuses what is no source", async () => {
  const others = [
    undefined,
    null,
    5,
    {},
    { read() {}, size: -1 },
    { read() {}, size: 0.5 },
    new URL("ftp://a/b"),
    "http://[",
  ];
  for (const other of others) expect(await codeOf(() => open(other as never))).toBe("bad-source");
});

import { open as openHandle, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bytesOf, codeOf, failureOf, metadata, temporaryFolder, tensorList } from "../test/fixtures.js";
import { type MemoryTensor, open, STORED_DTYPES, serialize, type TensorInput, write } from "./index.js";

const one: MemoryTensor = { name: "a", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) };
const textOf = (file: Uint8Array) => new TextDecoder().decode(file);

describe("layout", () => {
  it("is that of the reference implementation, byte for byte", () => {
    // The expected bytes are the definition of the format applied by hand.
    const file = serialize([one], { metadata: { format: "pt" } });
    const header = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   ';
    const expected = Buffer.concat([
      Buffer.of(88, 0, 0, 0, 0, 0, 0, 0),
      Buffer.from(header),
      Buffer.of(0, 0, 128, 63, 0, 0, 0, 64),
    ]);
    expect(Buffer.from(file)).toEqual(expected);
    expect(textOf(serialize([]))).toBe("\b\0\0\0\0\0\0\0{}      ");
  });

  it("orders by dtype as the reference implementation does, then by name as UTF-8 sorts", async () => {
    const order = "U64 I64 F64 F32 U32 I32 BF16 F16 U16 I16 F8_E4M3 F8_E5M2 I8 U8 BOOL".split(" ");
    const names = ["z", "\u{1f600}", "\u{10ffff}", "\uffee", "a", "ab", "B", "\ud7ff", ""];
    const tensors = names.flatMap((name) =>
      [...STORED_DTYPES]
        .reverse()
        .map((dtype) => ({ name: `${name}-${dtype}`, dtype, shape: [0], data: new Uint8Array() })),
    );
    const keys = [...(await open(serialize(tensors))).keys()];
    const expected = order.flatMap((dtype) =>
      names
        .map((name) => Buffer.from(`${name}-${dtype}`))
        .sort(Buffer.compare)
        .map(String),
    );
    expect(keys).toEqual(expected);
  });

  it("starts the data, and so each tensor, aligned", () => {
    fc.assert(
      fc.property(tensorList, metadata, (tensors, meta) => {
        const file = serialize(tensors, { metadata: meta });
        expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
      }),
    );
  });
});

describe("refusals of serialize and write", () => {
  const tooLong = "x".repeat(100_000_000);
  const cases: readonly [string, readonly unknown[], unknown?][] = [
    ["duplicate-name", [one, one]],
    ["bad-name", [{ ...one, name: "__metadata__" }]],
    ["bad-name", [{ ...one, name: "\ud800" }]],
    ["bad-name", [{ ...one, name: 5 }]],
    ["unknown-dtype", [{ ...one, dtype: "f32" }]],
    ["bad-shape", [{ ...one, shape: [-2] }]],
    ["bad-shape", [{ ...one, shape: [0.5, 4] }]],
    ["bad-shape", [{ ...one, shape: [2 ** 53] }]],
    ["overflow", [{ ...one, shape: [2 ** 30, 2 ** 30] }]],
    ["too-many", [{ ...one, shape: Array(65).fill(1) }]],
    ["byte-length", [{ ...one, shape: [3] }]],
    ["byte-length", [{ ...one, shape: [1] }]],
    ["byte-length", [{ ...one, shape: [0] }]],
    ["byte-length", [{ ...one, dtype: "F16" }]],
    ["bad-metadata", [one], { a: 5 }],
    ["bad-metadata", [one], new Map([["\udc00", "x"]])],
    ["bad-metadata", [one], { a: "\udc00" }],
    ["header-too-large", [], { a: tooLong }],
  ];
  it.each(cases)("%s", async (code, tensors, meta = {}) => {
    const options = { metadata: meta as Record<string, string> };
    const error = await failureOf(() => serialize(tensors as MemoryTensor[], options));
    expect(error.code).toBe(code);
    const folder = await temporaryFolder();
    const path = join(folder, "a.safetensors");
    await writeFile(path, "before");
    expect(await codeOf(() => write(path, tensors as TensorInput[], options))).toBe(code);
    expect(await readdir(folder)).toEqual(["a.safetensors"]);
    expect(await readFile(path, "utf8")).toBe("before");
  });
});

describe("write", () => {
  const data = Uint8Array.from({ length: 10 }, (_, i) => i);
  const tensor = (given: TensorInput["data"]): TensorInput => ({ name: "t", dtype: "U8", shape: [10], data: given });

  it("writes what serialize gives", async () => {
    const path = join(await temporaryFolder(), "a.safetensors");
    await fc.assert(
      fc.asyncProperty(tensorList, metadata, async (tensors, meta) => {
        await write(path, tensors, { metadata: meta });
        expect(new Uint8Array(await readFile(path))).toEqual(serialize(tensors, { metadata: meta }));
      }),
      { numRuns: 30 },
    );
  });

  it.each<[string, TensorInput["data"]]>([
    ["a view", data],
    ["a DataView on a part of a buffer", new DataView(Uint8Array.of(9, ...data, 9).buffer, 1, 10)],
    ["a function", () => data],
    ["a promise", async () => data],
    ["chunks", () => [data.subarray(0, 3), new Uint8Array(0), data.subarray(3)]],
    [
      "chunks over time",
      async function* () {
        yield data.subarray(0, 7);
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield data.subarray(7);
      },
    ],
    ["chunks of other views", () => [new Uint16Array(data.slice().buffer)]],
  ])("takes data as %s", async (_, given) => {
    const path = join(await temporaryFolder(), "a.safetensors");
    await write(path, [tensor(given)]);
    expect(await (await open(path)).read("t")).toEqual(data);
  });

  it("asks for the data of one tensor at a time, in the order of the file, and once", async () => {
    const events: string[] = [];
    async function* tensors(): AsyncGenerator<TensorInput> {
      for (const name of ["b", "a", "c"]) {
        const chunks = async function* () {
          events.push(`${name} begins`);
          yield Uint8Array.of(1);
          events.push(`${name} ends`);
        };
        yield { name, dtype: name === "c" ? "U8" : "BOOL", shape: [1], data: chunks };
      }
      events.push("all described");
    }
    await write(join(await temporaryFolder(), "a.safetensors"), tensors());
    expect(events).toEqual(["all described", ...["c", "a", "b"].flatMap((name) => [`${name} begins`, `${name} ends`])]);
  });

  it("replaces a file only when the new one is whole", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a.safetensors");
    await write(path, [tensor(data)]);
    const before = await readFile(path);
    let during: string[] = [];
    const failing: [unknown, TensorInput["data"]][] = [
      [new Error("own"), () => Promise.reject(new Error("own"))],
      [
        new Error("own"),
        async function* () {
          yield data.subarray(0, 5);
          during = await readdir(folder);
          throw new Error("own");
        },
      ],
      [expect.objectContaining({ code: "byte-length", tensor: "t" }), () => data.subarray(1)],
      [expect.objectContaining({ code: "byte-length" }), () => [data, Uint8Array.of(1)]],
    ];
    for (const [error, given] of failing) {
      await expect(write(path, [tensor(given)])).rejects.toEqual(error);
      expect(await readdir(folder)).toEqual(["a.safetensors"]);
      expect(await readFile(path)).toEqual(before);
    }
    expect(during.sort()).toEqual(["a.safetensors", expect.stringMatching(/^a\.safetensors\.[-0-9a-f]{36}\.tmp$/)]);
  });

  it("stops at a chunk too many, before it reads on", async () => {
    let given = 0;
    let closed = false;
    function* endless() {
      try {
        for (;;) {
          given++;
          yield data;
        }
      } finally {
        closed = true;
      }
    }
    expect(await codeOf(async () => write(join(await temporaryFolder(), "a"), [tensor(endless)]))).toBe("byte-length");
    expect([given, closed]).toEqual([2, true]);
  });

  it("names what the file system refuses, and leaves nothing", async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(() => write(join(folder, "none", "a"), [one]))).toBe("not-found");
    expect(await codeOf(() => write(folder, [one]))).toBe("io");
    expect(await readdir(join(folder, ".."))).not.toContainEqual(expect.stringContaining(".tmp"));
    expect(await readdir(folder)).toEqual([]);
  });

  it("is aborted before, between chunks, and while data hang", async () => {
    const reason = new Error("enough");
    const folder = await temporaryFolder();
    const path = join(folder, "a.safetensors");
    await expect(write(path, [one], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const hanging: ((abort: () => void) => TensorInput["data"])[] = [
      (abort) => () => {
        abort();
        return data;
      },
      (abort) => () => {
        setTimeout(abort, 5);
        return new Promise(() => {});
      },
      (abort) =>
        async function* () {
          yield data.subarray(0, 5);
          setTimeout(abort, 5);
          await new Promise(() => {});
        },
    ];
    for (const make of hanging) {
      const controller = new AbortController();
      const writing = write(path, [tensor(make(() => controller.abort(reason)))], { signal: controller.signal });
      await expect(writing).rejects.toBe(reason);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("goes on where the system takes a part at a time, and names a full disk", async () => {
    const path = join(await temporaryFolder(), "a.safetensors");
    const handle = await openHandle(path, "w");
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const { write: writeAll } = prototype;
    const few = vi.spyOn(prototype, "write");
    onTestFinished(() => few.mockRestore());
    few.mockImplementation(function (this: typeof handle, ...given: unknown[]) {
      const [bytes, offset, length] = given as [Uint8Array, number, number];
      return Reflect.apply(writeAll, this, [bytes, offset, Math.min(5, length)]);
    } as never);
    await write(path, [tensor(data)]);
    expect(new Uint8Array(await readFile(path))).toEqual(serialize([{ ...tensor(data), data }]));
    few.mockRejectedValue(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    const error = await failureOf(() => write(path, [tensor(data)]));
    expect([error.code, error.message]).toEqual(["io", expect.stringContaining("ENOSPC")]);
    expect(await readdir(join(path, ".."))).toEqual(["a.safetensors"]);
  });

  it("leaves the signal without listeners", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, given);
    };
    signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, given);
    };
    await write(join(await temporaryFolder(), "a"), [tensor(() => [data])], { signal });
    expect(listeners).toBe(0);
  });
});

it("serialize copies data as they are, also from the middle of a buffer", async () => {
  const around = Uint8Array.of(0, 1, 2, 3);
  const tensor: MemoryTensor = { name: "t", dtype: "U8", shape: [2], data: around.subarray(1, 3) };
  const file = await open(serialize([tensor]));
  expect(await file.read("t")).toEqual(bytesOf(tensor));
});

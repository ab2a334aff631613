import { afterEach, describe, expect, test, vi } from "vitest";
import { corrupt } from "../format.js";
import { type CodecModule, type CodecOptions, wasmCodec } from "./host.js";

afterEach(() => vi.unstubAllGlobals());

/** The smallest module there is: its mark and its version. */
const EMPTY = btoa("\0asm\x01\0\0\0");

/** A codec of no use that counts how often it is loaded and started. */
function fake({ bytes = 1, wasm = EMPTY } = {}) {
  const started: CodecOptions[] = [];
  let loads = 0;
  const module: CodecModule<{ HEAPU8: Uint8Array; number: number }> = {
    wasm,
    create: (options) =>
      new Promise((resolve) => {
        options.instantiateWasm({}, () => {
          started.push(options);
          resolve({ HEAPU8: new Uint8Array(bytes), number: started.length });
        });
      }),
  };
  const load = async () => {
    loads++;
    return module;
  };
  return { started, codec: wasmCodec(load), loads: () => loads };
}

const fails = (error: unknown) => () => {
  throw error;
};

describe("an instance", () => {
  test("is started when it is first used, and serves on", async () => {
    const { started, codec } = fake();
    expect(started).toEqual([]);
    expect(await codec.run(({ number }) => number)).toBe(1);
    expect(await codec.run(({ number }) => number)).toBe(1);
  });

  test.each([
    ["a C++ exception, which is a number", 5_245_760],
    ["a trap", new WebAssembly.RuntimeError("memory access out of bounds")],
  ])("is let go after %s", async (_, cause) => {
    const { codec, loads } = fake();
    await expect(codec.run(fails(cause))).rejects.toThrow(expect.objectContaining({ code: "dicom-corrupt", cause }));
    expect(await codec.run(({ number }) => number)).toBe(2);
    expect(loads()).toBe(1);
  });

  test("is let go after a refusal of ours: what it was given may have left its memory in disorder", async () => {
    const { codec } = fake();
    await expect(codec.run(fails(corrupt("no")))).rejects.toThrow("no");
    expect(await codec.run(({ number }) => number)).toBe(2);
  });

  test("is let go where its memory has grown", async () => {
    const { codec } = fake({ bytes: 2 ** 27 + 1 });
    expect(await codec.run(({ number }) => number)).toBe(1);
    expect(await codec.run(({ number }) => number)).toBe(2);
  });

  test("what it says is heard for each frame anew, and no more than 100 lines of it", async () => {
    const { started, codec } = fake();
    const said = await codec.run((_, lines) => {
      for (let i = 0; i < 1000; i++) started[0]?.print(`line ${i}`);
      return lines.length;
    });
    expect(said).toBe(100);
    expect(await codec.run((_, lines) => lines.length)).toBe(0);
  });
});

test("where there is no WebAssembly, the codec is said to be missing", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  const real = wasmCodec(() => import("./openjpeg.js"));
  await expect(real.run(() => 0)).rejects.toThrow(expect.objectContaining({ code: "dicom-codec-missing" }));
});

test("one that does not start is loaded again", async () => {
  const { codec, loads } = fake({ wasm: btoa("no module") });
  for (let time = 0; time < 2; time++)
    await expect(codec.run(() => 0)).rejects.toThrow(expect.objectContaining({ code: "dicom-codec-missing" }));
  expect(loads()).toBe(2);
});

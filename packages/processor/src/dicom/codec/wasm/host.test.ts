import { afterEach, describe, expect, test, vi } from "vitest";
import { corrupt } from "../format.js";
import { type CodecModule, type CodecOptions, wasmCodec } from "./host.js";

afterEach(() => vi.unstubAllGlobals());

/** A codec of no use that counts how often it is started. */
function fake(bytes = 1) {
  const started: CodecOptions[] = [];
  const module: CodecModule<{ HEAPU8: Uint8Array; number: number }> = {
    wasm: btoa("wasm"),
    create: async (options) => {
      started.push(options);
      return { HEAPU8: new Uint8Array(bytes), number: started.length };
    },
  };
  return { started, codec: wasmCodec(async () => module) };
}

const fails = (error: unknown) => () => {
  throw error;
};

describe("an instance", () => {
  test("is started when it is first used, with the WebAssembly, and serves on", async () => {
    const { started, codec } = fake();
    expect(started).toEqual([]);
    expect(await codec.run(({ number }) => number)).toBe(1);
    expect(await codec.run(({ number }) => number)).toBe(1);
    expect(new TextDecoder().decode(started[0]?.wasmBinary)).toBe("wasm");
  });

  test("serves on after a refusal and a C++ exception, which is a number", async () => {
    const { codec } = fake();
    await expect(codec.run(fails(corrupt("no")))).rejects.toThrow("no");
    await expect(codec.run(fails(5_245_760))).rejects.toThrow(
      expect.objectContaining({ code: "dicom-corrupt", cause: 5_245_760 }),
    );
    expect(await codec.run(({ number }) => number)).toBe(1);
  });

  test("is not used again once it trapped", async () => {
    const { codec } = fake();
    const trap = new WebAssembly.RuntimeError("memory access out of bounds");
    await expect(codec.run(fails(trap))).rejects.toThrow(
      expect.objectContaining({ code: "dicom-corrupt", cause: trap }),
    );
    expect(await codec.run(({ number }) => number)).toBe(2);
  });

  test("is let go where its memory has grown", async () => {
    const { codec } = fake(2 ** 27 + 1);
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

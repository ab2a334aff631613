import { afterEach, expect, test, vi } from "vitest";
import { corrupt } from "../format.js";
import { type CodecModule, type CodecOptions, wasmCodec } from "./host.js";

afterEach(() => vi.unstubAllGlobals());

/** The shortest WebAssembly: its magic and version. */
const EMPTY = btoa("\0asm\x01\0\0\0");

/** A codec of no use that counts how often it is loaded and started. */
function fake({ wasm = EMPTY, failing = 0 } = {}) {
  const started: CodecOptions[] = [];
  let loads = 0;
  const create: CodecModule<{ number: number }>["create"] = (options) => {
    started.push(options);
    const number = started.length;
    return new Promise((resolve) => {
      options.instantiateWasm({}, () => resolve({ number }));
    });
  };
  const load = async () => {
    if (loads++ < failing) throw new Error("a chunk is not there");
    return { create, wasm };
  };
  return { started, loads: () => loads, codec: wasmCodec(load) };
}

const fails = (error: unknown) => () => {
  throw error;
};
const missing = expect.objectContaining({ name: "ProcessorError", code: "dicom-codec-missing" });

test("it is loaded when it is first used, once; each frame gets an instance of its own", async () => {
  const { loads, codec } = fake();
  expect(loads()).toBe(0);
  expect(await codec.run(({ number }) => number)).toBe(1);
  await expect(codec.run(fails(5))).rejects.toThrow();
  expect(await codec.run(({ number }) => number)).toBe(3);
  expect(loads()).toBe(1);
});

test("a refusal stays what it is; a C++ exception, which is a number, and a trap become refusals", async () => {
  const { codec } = fake();
  const refusal = corrupt("no");
  await expect(codec.run(fails(refusal))).rejects.toBe(refusal);
  for (const cause of [5_245_760, new WebAssembly.RuntimeError("memory access out of bounds")])
    await expect(codec.run(fails(cause))).rejects.toThrow(expect.objectContaining({ code: "dicom-corrupt", cause }));
});

test("what it says is heard for each frame by itself, and no more than 100 lines of it", async () => {
  const { started, codec } = fake();
  const heard = await codec.run((_, said) => {
    for (let i = 0; i < 1000; i++) started[0]?.print(`line ${i}`);
    return said.length;
  });
  expect(heard).toBe(100);
  expect(await codec.run((_, said) => said.length)).toBe(0);
});

test("one that does not load or start is said to be missing, and asked for again", async () => {
  const late = fake({ failing: 1 });
  await expect(late.codec.run(() => 0)).rejects.toThrow(missing);
  expect(await late.codec.run(({ number }) => number)).toBe(1);
  await expect(fake({ wasm: btoa("none") }).codec.run(() => 0)).rejects.toThrow(missing);
  // It wants imports that it does not get.
  await expect(fake({ wasm: (await import("./openjpeg.js")).wasm }).codec.run(() => 0)).rejects.toThrow(missing);
});

test("where there is no WebAssembly, the codec is said to be missing", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  await expect(wasmCodec(() => import("./openjpeg.js")).run(() => 0)).rejects.toThrow(missing);
});

import { axis, f32, hostF32, memoryWeights, ops, program, symbol } from "@hulu/core";
import type { KernelBackend } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { TfjsMemoryError, tfjs, tfjsBackend } from "./index.js";
import { guardHeap, loadRuntime } from "./runtime.js";

const double = program("double", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ y: ops.add(x, x) }));

async function run(backend = tfjs): Promise<readonly number[]> {
  using executable = await backend.compile({ double }, memoryWeights([]));
  const { y } = await executable.run("double", { x: hostF32([1, 2, 4], [3]) });
  return [...(await y!.read())];
}

describe("what an app does with TensorFlow.js itself", () => {
  // In this order: the app has started nothing, then it leaves the choice, then it has chosen a backend.
  test("the process keeps its own ways with errors that nobody catches", async () => {
    await run();
    for (const event of ["uncaughtException", "unhandledRejection"] as const)
      expect(process.listeners(event as "uncaughtException").filter((l) => /ExitStatus/.test(String(l)))).toEqual([]);
  });

  test("an app that leaves the choice of a backend to TensorFlow.js gets the same one as ever", async () => {
    expect(await run()).toEqual([2, 4, 8]);
    expect(tf.getBackend()).toBeUndefined();
    await tf.ready();
    expect(tf.getBackend()).toBe("wasm");
    // Its heap is not ours.
    expect(tf.findBackend("wasm")).not.toBe(tf.findBackend("hulu-wasm"));
  });

  test("its active backend is so again after a run, and after one that fails", async () => {
    await run(tfjsBackend({ engine: "cpu" }));
    await tf.setBackend("cpu");
    const mine = tf.tensor1d([1, 2, 3]);
    expect(await run()).toEqual([2, 4, 8]);
    expect(tf.getBackend()).toBe("cpu");
    const runtime = await loadRuntime({ engine: "wasm" });
    const failing = () =>
      runtime.within(() => {
        expect(tf.getBackend()).toBe("hulu-wasm");
        throw new Error("enough");
      });
    expect(failing).toThrow("enough");
    expect(tf.getBackend()).toBe("cpu");
    expect([...tf.add(mine, mine).dataSync()]).toEqual([2, 4, 6]);
  });

  test("a backend that it is just starting is waited for", async () => {
    let started: (backend: KernelBackend) => void = () => {};
    const slow = new Promise<KernelBackend>((resolve) => {
      started = resolve;
    });
    tf.registerBackend("slow", () => slow);
    const starting = tf.setBackend("slow");
    const running = run();
    started(tf.findBackend("cpu"));
    expect(await running).toEqual([2, 4, 8]);
    expect(await starting).toBe(true);
    expect(tf.getBackend()).toBe("slow");
  });
});

describe("a WebAssembly heap that is full", () => {
  const heap = (address: number) => ({
    wasm: { _malloc: (_: number) => address, HEAPU8: { length: 2 ** 32 - 65536 } },
  });

  test("gives a named error, not address 0", () => {
    const full = heap(0);
    guardHeap(full as unknown as KernelBackend);
    expect(() => full.wasm._malloc(12)).toThrow(TfjsMemoryError);
    expect(() => full.wasm._malloc(12)).toThrow(/12 more bytes.*4\.00 of at most 4 GiB/);
    expect(full.wasm._malloc(0)).toBe(0);
    const room = heap(-16);
    guardHeap(room as unknown as KernelBackend);
    expect(room.wasm._malloc(12)).toBe(-16);
  });

  test("is seen by a run: what it made until then is gone, and the next one computes", async () => {
    const { tf } = await loadRuntime({ engine: "wasm" });
    const { wasm } = tf.findBackend("hulu-wasm") as unknown as { wasm: { _malloc: (bytes: number) => number } };
    using executable = await tfjs.compile({ double }, memoryWeights([]));
    const before = tf.engine().state.numTensors;
    const guarded = wasm._malloc;
    wasm._malloc = (bytes) => {
      if (bytes === 12) throw new TfjsMemoryError("no room");
      return guarded(bytes);
    };
    const failure = await executable.run("double", { x: hostF32([1, 2, 4], [3]) }).catch((e: unknown) => e);
    wasm._malloc = guarded;
    expect(failure).toBeInstanceOf(TfjsMemoryError);
    expect(tf.engine().state.numTensors).toBe(before);
    const { y } = await executable.run("double", { x: hostF32([1, 2, 4], [3]) });
    expect([...(await y!.read())]).toEqual([2, 4, 8]);
  });
});

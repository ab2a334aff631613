import { axis, emit, f32, hostF32, memoryWeights, ops, program, symbol } from "@hulu/core";
import type { KernelBackend } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { TfjsMemoryError, tfjs, tfjsBackend } from "./index.js";
import { loadRuntime } from "./runtime.js";

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

describe("the WebAssembly heap", () => {
  interface Heap {
    _malloc(bytes: number): number;
    _free(address: number): void;
    readonly HEAPU8: Uint8Array;
  }
  async function ourHeap(): Promise<Heap> {
    const { tf } = await loadRuntime({ engine: "wasm" });
    return (tf.findBackend("hulu-wasm") as unknown as { wasm: Heap }).wasm;
  }

  /** With no room left in it; nothing is written, so it takes no memory of the machine's. */
  async function filled(body: (heap: Heap) => Promise<void>): Promise<void> {
    const heap = await ourHeap();
    const blocks: number[] = [];
    try {
      for (let size = 2 ** 30; size >= 2 ** 16; )
        try {
          const block = heap._malloc(size);
          expect(block).toBeGreaterThan(0);
          blocks.push(block);
        } catch (error) {
          expect(error).toBeInstanceOf(TfjsMemoryError);
          expect(String(error)).toMatch(new RegExp(`${size} more bytes.* of at most 4 GiB`));
          size /= 2;
        }
      await body(heap);
    } finally {
      for (const block of blocks) heap._free(block);
    }
  }

  const [inner, out] = [axis("in", 2048), axis("out", 2048)];
  const graph = program("times", { x: f32(axis("n", symbol("n")), inner) }, ({ x }) => ({
    y: ops.matmul<string>(x, emit(ops.paramOp, [], { path: "w", dims: [out, inner], dtype: "f32" })),
  }));
  const ones = new Float32Array(2048 * 2048).fill(1);
  const weights = memoryWeights([["w", { shape: [2048, 2048], data: ones }]]);
  const x = hostF32(ones.slice(0, 2048), [1, 2048]);
  const rowOfSums = Array.from({ length: 2048 }, () => 2048);

  test("is as large after ten models as after one: XNNPACK's copies go with their matrices", async () => {
    const heap = await ourHeap();
    let afterOne = 0;
    for (let i = 0; i < 10; i++) {
      using executable = await tfjs.compile({ graph }, weights);
      const { y } = await executable.run("graph", { x });
      expect([...(await y!.read())]).toEqual(rowOfSums);
      if (i === 0) afterOne = heap.HEAPU8.length;
    }
    // A matrix and its copy are 32 MiB.
    expect(heap.HEAPU8.length - afterOne).toBeLessThan(2 ** 25);
  });

  test("when it is full, a run ends with a named error before a matrix is packed; with room again it is right", async () => {
    using executable = await tfjs.compile({ graph }, weights);
    const before = tf.engine().state.numTensors;
    await filled(async (heap) => {
      expect(heap.HEAPU8.length).toBeGreaterThan(3.9 * 2 ** 30);
      await expect(executable.run("graph", { x })).rejects.toThrow(TfjsMemoryError);
      expect(tf.engine().state.numTensors).toBe(before);
      await expect(tfjs.compile({ graph }, weights)).rejects.toThrow(TfjsMemoryError);
      expect(tf.engine().state.numTensors).toBe(before);
    });
    const { y } = await executable.run("graph", { x });
    expect([...(await y!.read())]).toEqual(rowOfSums);
  });
});

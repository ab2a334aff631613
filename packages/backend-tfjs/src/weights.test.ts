import {
  type Axis,
  axis,
  emit,
  f32,
  hostF32,
  hostI32,
  i32,
  memoryWeights,
  ops,
  program,
  SessionError,
  symbol,
  type Value,
  WeightError,
  type WeightSource,
} from "@hulu/core";
import { feedIds, idsOf, modelOf, runOne, smallModel, watched } from "@hulu/testing";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { TfjsMemoryError, tfjs, tfjsBackend } from "./index.js";

const engines = ["wasm", "cpu"] as const;
const n = axis("n", symbol("n"));
// Wider than the squares that a matrix is transposed in.
const [vocab, embed] = [axis("vocab", 70), axis("embed", 33)];
const param = (path: string, ...dims: readonly Axis[]): Value => emit(ops.paramOp, [], { path, dims, dtype: "f32" });

/** One matrix that is looked up in by one program and multiplied by in two. */
const tied = {
  embed: program("embed", { ids: i32(n) }, ({ ids }) => ({
    rows: ops.gather<string>(param("table", vocab, embed), ids, "vocab"),
  })),
  head: program("head", { x: f32(n, embed) }, ({ x }) => ({ y: ops.matmul<string>(x, param("table", vocab, embed)) })),
  twice: program("twice", { x: f32(n, embed) }, ({ x }) => ({
    y: ops.mul(ops.linear<"n", "embed", "vocab">(x, param("table", vocab, embed) as Value<"vocab embed">), 2),
  })),
};
const tableOf = (value: (i: number) => number): WeightSource =>
  memoryWeights([["table", { shape: [70, 33], data: Float32Array.from({ length: 70 * 33 }, (_, i) => value(i)) }]]);
const table = tableOf((i) => (i % 17) - 8);

describe.each(engines)("weights on %s", (engine) => {
  const backend = tfjsBackend({ engine });

  test("a tied matrix is read once, and held in both its layouts for all programs", async () => {
    const { weights, read } = watched(table);
    using executable = await backend.compile(tied, weights);
    // The fingerprint reads one row.
    expect(read).toEqual(["table", "table"]);
    const { rows } = await executable.run("embed", { ids: hostI32([69, 3]) });
    const data = await rows!.read();
    expect([...data.slice(33)]).toEqual(Array.from({ length: 33 }, (_, i) => ((3 * 33 + i) % 17) - 8));
    const one = new Float32Array(33);
    one[32] = 1;
    const wanted = Array.from({ length: 70 }, (_, row) => ((row * 33 + 32) % 17) - 8);
    expect(Array.from((await runOne(executable, "head", { x: hostF32(one, [1, 33]) })).data)).toEqual(wanted);
    expect(Array.from((await runOne(executable, "twice", { x: hostF32(one, [1, 33]) })).data)).toEqual(
      wanted.map((w) => 2 * w),
    );
  });

  test("float16 and bfloat16 come through the source's own widening", async () => {
    const source = { ...table, info: (path: string) => ({ ...table.info(path)!, dtype: "BF16" as const }) };
    using executable = await backend.compile({ embed: tied.embed }, source);
    expect(await runOne(executable, "embed", { ids: hostI32([0]) })).toMatchObject({ shape: [1, 33] });
  });

  test("no tensor is left behind: not by a run, a failed one, a session, nor by disposal", async () => {
    const { programs, weights } = modelOf(smallModel);
    const before = tf.engine().state.numTensors;
    const executable = await backend.compile(programs, weights, { max: { past: 32 } });
    const held = tf.engine().state.numTensors;
    expect(held).toBeGreaterThan(before);
    const session = executable.createSession();
    await feedIds(executable, idsOf(smallModel, 12), session);
    await feedIds(executable, idsOf(smallModel, 1), session);
    await expect(feedIds(executable, idsOf(smallModel, 2), session, [9])).rejects.toThrow(/index 9/);
    expect(tf.engine().state.numTensors).toBe(held);
    executable.dispose();
    expect(tf.engine().state.numTensors).toBe(before);
    executable.dispose();
    expect(() => executable.createSession()).toThrow(SessionError);
  });

  test("results outlive the executable, and changing them changes no weight", async () => {
    const whole = program("whole", { x: f32(n) }, ({ x }) => ({ y: param("table", vocab, embed), x }));
    const executable = await backend.compile({ whole }, table);
    const { y } = await executable.run("whole", { x: hostF32([1], [1]) });
    (await y!.read()).fill(0);
    const { y: again } = await executable.run("whole", { x: hostF32([1], [1]) });
    executable.dispose();
    expect((await again!.read())[1]).toBe(-7);
  });

  test("a compilation that is aborted, or whose weights cannot be read, leaves nothing", async () => {
    const { programs, weights } = modelOf(smallModel);
    const before = tf.engine().state.numTensors;
    const controller = new AbortController();
    const reason = new Error("enough");
    const compiling = backend.compile(programs, weights, {
      signal: controller.signal,
      onProgress: (done) => done === 3 && controller.abort(reason),
    });
    await expect(compiling).rejects.toBe(reason);
    const failing = { ...weights, floats: () => Promise.reject(reason) };
    await expect(backend.compile(programs, failing)).rejects.toBe(reason);
    expect(tf.engine().state.numTensors).toBe(before);
  });

  test("what is missing or of another shape is a WeightError before anything is read", async () => {
    const { weights, read } = watched(memoryWeights([["table", { shape: [33, 70], data: new Float32Array(2310) }]]));
    await expect(backend.compile(tied, weights)).rejects.toThrow(WeightError);
    expect(read).toEqual([]);
  });

  test("a session holds one conversation", async () => {
    const { programs, weights } = modelOf(smallModel);
    using executable = await backend.compile(programs, weights);
    using session = executable.createSession();
    await expect(feedIds(executable, idsOf(smallModel, 2, 2), session)).rejects.toThrow(/one conversation/);
  });
});

describe("the estimate", () => {
  const bytes = 70 * 33 * 4;

  test("is a matrix in each layout, and on wasm XNNPACK's packed copy besides", () => {
    expect(tfjs.estimate(tied, table, {}).weights).toBe(3 * bytes);
    expect(tfjsBackend({ engine: "cpu" }).estimate(tied, table, {}).weights).toBe(2 * bytes);
    expect(tfjs.estimate({ embed: tied.embed }, table, {}).weights).toBe(bytes);
    expect(tfjs.estimate({ head: tied.head }, table, {}).weights).toBe(2 * bytes);
  });

  test("counts what a run holds at once", () => {
    const work = (n: number) => tfjs.estimate({ embed: tied.embed }, table, { n, seq: n, batch: 1 }).work;
    expect(work(20)).toBe(20 * work(1));
    expect(tfjs.estimate({ embed: tied.embed }, table, {}).loading).toBe(3 * bytes);
  });

  test("refuses what a heap has no room for, from headers alone", async () => {
    const wide = axis("embed", 8_000_000);
    const graph = program("head", { x: f32(n, wide) }, ({ x }) => ({
      y: ops.matmul<string>(x, param("table", vocab, wide)),
    }));
    const { weights, read } = watched({
      ...table,
      info: () => ({ dtype: "BF16", shape: [70, 8_000_000] }),
    });
    const failure: unknown = await tfjs.compile({ head: graph }, weights).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(TfjsMemoryError);
    expect(String(failure)).toContain(String(2 * 4 * 70 * 8_000_000));
    expect(read).toEqual([]);
  });
});

test("an engine that is none is refused", () => {
  expect(() => tfjsBackend({ engine: "webgl" as "cpu" })).toThrow(/wasm or cpu, not webgl/);
});

import { reference } from "@hulu/backend-reference";
import {
  axis,
  type Backend,
  type Executable,
  emit,
  FeedError,
  f32,
  type HostTensor,
  hostF32,
  hostI32,
  i32,
  memoryWeights,
  type OpDef,
  ops,
  program,
  type Session,
  SessionError,
  symbol,
  UnsupportedError,
  type WeightSource,
} from "@hulu/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { floats, weightsFor } from "../test/parity.js";
import { tinyPrograms } from "../test/tiny.js";
import { onnx, onnxBackend } from "./index.js";

const { step, embed, embedVisual, project } = tinyPrograms();
const programs = { step, embed, embedVisual, project };
const weights = weightsFor(...Object.values(programs));
const untouchable: WeightSource = {
  ...weights,
  read: () => Promise.reject(new Error("a weight was read")),
  floats: () => Promise.reject(new Error("a weight was read")),
};

let executable: Executable;
beforeAll(async () => {
  executable = await onnx.compile(programs, weights, { max: { past: 600 } });
});
afterAll(() => executable?.dispose());

const rows = (n: number, seed = n): HostTensor => floats([1, n, 24], seed);
const feed = async (session: Session, n: number, seed = n, on = executable): Promise<Float32Array> => {
  const { logits } = await on.run("step", { embeds: rows(n, seed), pick: hostI32([n - 1]) }, { session });
  return (await logits!.read()) as Float32Array;
};

describe("a session", () => {
  test("grows, forgets, and goes on as if it had never known", async () => {
    using session = executable.createSession();
    await feed(session, 5);
    const once = await feed(session, 1, 8);
    expect(session.length).toBe(6);
    session.truncate(5);
    await feed(session, 3, 9);
    session.truncate(5);
    expect(await feed(session, 1, 8)).toEqual(once);
  });

  test("forks into two that do not know each other", async () => {
    using session = executable.createSession();
    await feed(session, 4);
    using twin = session.fork();
    await feed(session, 2, 5);
    const a = await feed(twin, 1, 6);
    expect([session.length, twin.length]).toEqual([6, 5]);
    session.truncate(4);
    expect(await feed(session, 1, 6)).toEqual(a);
  });

  test("is saved and restored, and refused when it is another model's", async () => {
    using session = executable.createSession();
    await feed(session, 300);
    const saved = await session.save();
    using restored = executable.createSession({ from: saved });
    expect(restored.length).toBe(300);
    expect(await feed(restored, 1, 2)).toEqual(await feed(session, 1, 2));
    using other = await onnx.compile({ step: tinyPrograms({ decoder: { ropeTheta: 99 } }).step }, weights);
    expect(() => other.createSession({ from: saved })).toThrow(SessionError);
    expect(() => executable.createSession({ from: saved.slice(0, 400) })).toThrow(SessionError);
    expect(() => executable.createSession({ from: saved, capacity: 10 })).toThrow(SessionError);
  });

  test("saved on the reference goes on here", async () => {
    using slow = await reference.compile(programs, weights, { max: { past: 600 } });
    using session = slow.createSession();
    const before = await feed(session, 4, 4, slow);
    using here = executable.createSession({ from: await session.save() });
    const [a, b] = [await feed(here, 1, 3), await feed(session, 1, 3, slow)];
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))).toBeLessThan(1e-5);
    expect(before.length).toBe(40);
  });

  test("has a capacity, and a run that does not fit changes nothing", async () => {
    using session = executable.createSession({ capacity: 6 });
    await feed(session, 4);
    await expect(feed(session, 3)).rejects.toThrow(SessionError);
    expect(session.length).toBe(4);
    await feed(session, 2);
    await expect(feed(session, 1)).rejects.toThrow(/do not fit/);
    expect(() => executable.createSession({ capacity: 601 })).toThrow(SessionError);
  });

  test("is left alone by a run that fails or is aborted", async () => {
    using session = executable.createSession();
    const first = await feed(session, 3);
    const inputs = { embeds: rows(2), pick: hostI32([2]) };
    await expect(executable.run("step", inputs, { session })).rejects.toThrow(FeedError);
    const signal = AbortSignal.abort();
    await expect(executable.run("step", { ...inputs, pick: hostI32([1]) }, { session, signal })).rejects.toThrow(
      /abort/i,
    );
    const later = new AbortController();
    const running = executable.run("step", { ...inputs, pick: hostI32([1]) }, { session, signal: later.signal });
    later.abort();
    await expect(running).rejects.toThrow(/abort/i);
    expect(session.length).toBe(3);
    session.truncate(0);
    expect(await feed(session, 3)).toEqual(first);
  });

  test("takes runs in the order of their calls", async () => {
    using session = executable.createSession();
    const all = await Promise.all([feed(session, 2), feed(session, 1, 7), feed(session, 3)]);
    expect(session.length).toBe(6);
    using again = executable.createSession();
    for (const [i, [n, seed]] of (
      [
        [2, 2],
        [1, 7],
        [3, 3],
      ] as const
    ).entries())
      expect(await feed(again, n, seed)).toEqual(all[i]);
  });

  test("that is changed under a run is not written to", async () => {
    using session = executable.createSession();
    await feed(session, 4);
    const running = feed(session, 1);
    await Promise.resolve();
    queueMicrotask(() => session.truncate(4));
    await running;
    const second = feed(session, 1);
    setImmediate(() => session.truncate(2));
    await second.then(
      () => expect(session.length).toBe(2),
      (error: unknown) => expect(error).toBeInstanceOf(SessionError),
    );
    expect(session.length).toBe(2);
  });

  test("holds one conversation", async () => {
    using session = executable.createSession();
    const two = { embeds: floats([2, 3, 24], 1), pick: hostI32([2]) };
    await expect(executable.run("step", two, { session })).rejects.toThrow(/batch is 2/);
    const { logits } = await executable.run("step", two);
    expect(logits!.shape).toEqual([2, 1, 40]);
  });

  test("of another executable, or disposed, is refused", async () => {
    using other = await onnx.compile(programs, weights);
    using session = other.createSession();
    await expect(feed(session, 1)).rejects.toThrow(SessionError);
    const gone = executable.createSession();
    gone.dispose();
    await expect(feed(gone, 1)).rejects.toThrow(/disposed/);
  });

  test("may be there for a program that has no states", async () => {
    using session = executable.createSession();
    const { embeds } = await executable.run("embed", { ids: hostI32([1, 2], [1, 2]) }, { session });
    expect(embeds!.shape).toEqual([1, 2, 24]);
    expect(session.length).toBe(0);
  });
});

describe("what is fed is checked before ONNX Runtime sees it", () => {
  const refused = (name: string, inputs: Record<string, HostTensor>, message: RegExp) =>
    expect(executable.run(name, inputs)).rejects.toThrow(
      expect.objectContaining({ name: "FeedError", message: expect.stringMatching(message) }),
    );
  const ids = (...n: number[]) => hostI32(n, [1, n.length]);

  test.each([
    ["an unknown program", "walk", {}, /no program walk; there are step/],
    ["a missing input", "embed", {}, /needs the input ids/],
    ["one too many", "embed", { ids: ids(1), more: ids(1) }, /has no input more/],
    ["the wrong type", "embed", { ids: hostF32([1], [1, 1]) }, /ids is f32, it must be i32/],
    ["the wrong rank", "embed", { ids: hostI32([1]) }, /ids is \[1\]/],
    ["the wrong width", "step", { embeds: floats([1, 2, 25], 1), pick: hostI32([0]) }, /embeds is \[1 2 25\]/],
    ["an id that is no token", "embed", { ids: ids(1, 40) }, /index 40 in ids is outside vocab, which has 40 rows/],
    ["an id below zero", "embed", { ids: ids(-1) }, /index -1 in ids/],
    ["a pick beyond the sequence", "step", { embeds: rows(2), pick: hostI32([2]) }, /index 2 in pick is outside seq/],
    [
      "a row that is not there",
      "project",
      { tokens: floats([3, 16], 1), keep: hostI32([3]) },
      /index 3 in keep is outside row/,
    ],
    [
      "visual rows that are not there",
      "embedVisual",
      { ids: ids(1), visual: floats([1, 24], 1), index: ids(1) },
      /index 1 in index is outside row/,
    ],
    ["more than was compiled for", "step", { embeds: rows(2), pick: hostI32([0]) }, /./],
  ] as const)("%s", async (what, name, inputs, message) => {
    if (what === "more than was compiled for") {
      using small = await onnx.compile({ embed }, weights, { max: { seq: 2 } });
      await expect(small.run("embed", { ids: ids(1, 2, 3) })).rejects.toThrow(/compiled for at most 2/);
    } else await refused(name, inputs, message);
  });

  test("a view into a larger array is read where it begins", async () => {
    const large = new Float32Array(100).fill(9);
    large.set(rows(2).data, 7);
    const of = async (embeds: HostTensor) =>
      (await executable.run("step", { embeds, pick: hostI32([1]) })).logits!.read();
    expect(await of(hostF32(large.subarray(7, 55), [1, 2, 24]))).toEqual(await of(rows(2)));
  });

  test("an index that is computed", async () => {
    const [n, m] = [axis("n", symbol("n")), axis("m", symbol("m"))];
    const graph = program("computed", { x: f32(n), i: i32(m) }, ({ x, i }) => ({
      y: ops.gather<"m">(x, ops.sub(i, 1), "n"),
    }));
    using compiled = await onnx.compile({ computed: graph }, memoryWeights([]));
    const { y } = await compiled.run("computed", { x: floats([3], 1), i: hostI32([3, 1]) });
    expect([...(await y!.read())]).toEqual([2, 0].map((i) => floats([3], 1).data[i]));
    for (const wrong of [0, 4])
      await expect(compiled.run("computed", { x: floats([3], 1), i: hostI32([wrong]) })).rejects.toThrow(FeedError);
  });

  test("sizes that come out below zero, and slices past the end", async () => {
    const n = axis("n", symbol("n"));
    const { y: _, ...less } = { y: 0, terms: { "": -2, n: 1 } };
    const graph = program("slices", { x: f32(n) }, ({ x }) => ({
      rest: ops.slice<string>(x, "n", 2, { name: "rest", size: less }),
      first: ops.slice<string>(x, "n", 0, axis("first", 3)),
    }));
    using compiled = await onnx.compile({ slices: graph }, memoryWeights([]));
    await expect(compiled.run("slices", { x: floats([1], 1) })).rejects.toThrow(/the size -2\+n would be -1/);
    await expect(compiled.run("slices", { x: floats([2], 1) })).rejects.toThrow(/3 is past the end of n, which has 2/);
    expect((await compiled.run("slices", { x: floats([4], 1) })).rest!.shape).toEqual([2]);
  });
});

describe("compiling", () => {
  const strange: OpDef = { name: "strange", infer: ([x]) => ({ dims: x!.dims, dtype: "f32" }) };
  const n = axis("n", symbol("n"));

  test("what cannot run fails before a weight is read", async () => {
    const graph = program("odd", { x: f32(n) }, ({ x }) => ({ y: emit<"n">(strange, [x]) }));
    await expect(onnx.compile({ step, odd: graph }, untouchable)).rejects.toThrow(UnsupportedError);
    const quantized = program("quantized", { x: f32(n) }, ({ x }) => ({ y: ops.cast(x, "i8") }));
    await expect(onnx.compile({ step, quantized }, untouchable)).rejects.toThrow(/cast: i8 is not computed with here/);
  });

  test("tells how far it is, and can be stopped", async () => {
    const seen: [number, number, string][] = [];
    using _ = await onnx.compile({ step, embed }, weights, { onProgress: (...now) => seen.push(now) });
    expect(seen.map(([done]) => done)).toEqual(seen.map((_, i) => i + 1));
    expect(seen.at(-1)).toEqual([seen.length, seen.length, "model.embed_tokens.weight"]);
    const stop = new AbortController();
    const stopped = onnx.compile({ step, embed }, weights, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow(/abort/i);
  });

  test("is undone once, and for good", async () => {
    const compiled = await onnx.compile({ embed }, weights);
    compiled.dispose();
    compiled.dispose();
    await expect(compiled.run("embed", { ids: hostI32([1], [1, 1]) })).rejects.toThrow(SessionError);
    expect(() => compiled.createSession()).toThrow(/model was disposed/);
  });

  test("may be undone while a run waits: the run ends with an error that says so", async () => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const compiled = await onnx.compile({ embed }, weights);
      const running = compiled.run("embed", { ids: hostI32([1], [1, 1]) });
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      compiled.dispose();
      await expect(running).rejects.toThrow(/model was disposed/);
    }
  });

  test("with a number of threads", async () => {
    const one: Backend = onnxBackend({ threads: 1 });
    using compiled = await one.compile({ embed }, weights);
    expect((await compiled.run("embed", { ids: hostI32([1], [1, 1]) })).embeds!.shape).toEqual([1, 1, 24]);
    expect(() => onnxBackend({ threads: 0 })).toThrow(RangeError);
  });
});

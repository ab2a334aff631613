import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Executable,
  FeedError,
  type HostTensor,
  hostF32,
  hostI32,
  type Session,
  SessionError,
  type Tensor,
} from "@hulu/core";
import { describe, expect, test } from "vitest";
import { made, POSITION, WIDTH } from "../../test/plans.js";
import { DeviceError } from "../device.js";

/** Rows of which each has its number in all places. */
const rows = (...numbers: number[]): HostTensor =>
  hostF32(
    numbers.flatMap((x) => Array(WIDTH).fill(x)),
    [1, numbers.length, 1, WIDTH],
  );
/** The sum of all that a session has seen, once these rows are added. */
async function sum(
  executable: Executable,
  x: HostTensor | Tensor | readonly (HostTensor | Tensor)[],
  session?: Session,
) {
  const results = await executable.run("sum", { x }, session && { session });
  const [[first], [again]] = [await results.y!.read(), await results.twice!.read()];
  for (const result of Object.values(results)) result.dispose();
  expect(again, "the other state").toBe(first);
  return first;
}

describe("memory", () => {
  test("decoding asks for none, waits for nothing and reads nothing", async () => {
    const { device, executable } = await made();
    const session = executable.createSession();
    await sum(executable, rows(1, 2, 3), session);
    for (let i = 0; i < 3; i++) await sum(executable, rows(1), session);
    const before = device.counts;
    for (let i = 0; i < 100; i++) {
      const results = await executable.run("sum", { x: rows(1) }, { session });
      for (const result of Object.values(results)) result.dispose();
    }
    const { launches, ...after } = device.counts;
    expect({ ...after, launches: before.launches }).toEqual(before);
    expect(launches - before.launches).toBe(600);
    // The step at 256 positions takes another block, and gives the old one back.
    for (let i = 0; i < 160; i++) await sum(executable, rows(1), session);
    expect(device.bytes - before.bytes).toBeGreaterThanOrEqual(256 * POSITION);
    expect(await sum(executable, rows(0), session)).toBe(6 + 3 + 100 + 160);
    executable.dispose();
    expect(device.bytes).toBe(0);
  });

  test("is all given back, and nothing of others", async () => {
    const { device, executable } = await made();
    const other = await made({ device });
    const before = device.bytes;
    const session = executable.createSession();
    const { y } = await executable.run("sum", { x: rows(1, 2) }, { session });
    const twin = session.fork();
    await sum(executable, rows(4), twin);
    executable.dispose();
    executable.dispose();
    expect(device.bytes).toBe(before / 2);
    await expect(y!.read()).rejects.toThrow("the model was disposed");
    expect(() => y!.reshape([WIDTH])).toThrow(SessionError);
    expect(() => executable.createSession()).toThrow("the model was disposed");
    expect(() => twin.fork()).toThrow("the model was disposed");
    y!.dispose();
    twin.dispose();
    expect(await sum(other.executable, rows(1, 2))).toBe(3);
    other.executable.dispose();
    expect(device.bytes).toBe(0);
  });

  test("of results comes back by disposal or by being forgotten, and is used again", async () => {
    const { device, executable } = await made();
    const look = async () => (await executable.run("look", { ids: hostI32([1, 2]) })).y!;
    const first = await look();
    const flat = first.reshape([2 * WIDTH]);
    first.dispose();
    first.dispose();
    const numbers = await flat.read();
    expect(await flat.read()).toEqual(numbers);
    const held = device.allocations;
    flat.dispose();
    await expect(flat.read()).rejects.toThrow("the result was disposed");
    const again = await look();
    expect(device.allocations).toBe(held);
    expect(await again.read()).toEqual(numbers);
    // Two at a time need two buffers; both disposed of, one is kept.
    const more = await look();
    const both = device.bytes;
    more.dispose();
    again.dispose();
    expect(device.bytes).toBe(both - 2 * WIDTH * 4);
    executable.dispose();
  });

  test("comes back from what nobody disposed of, once it is gone", async () => {
    const { device, executable } = await made();
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const before = device.bytes;
    const forget = async (): Promise<void> => {
      const session = executable.createSession();
      const { y } = await executable.run("sum", { x: rows(1, 2) }, { session });
      y!.reshape([WIDTH]);
    };
    await forget();
    const held = device.bytes;
    expect(held - before).toBeGreaterThan(256 * POSITION);
    // When it is collected is the engine's business.
    for (let i = 0; i < 100 && device.bytes > held - 256 * POSITION; i++) {
      collect();
      await new Promise((resume) => setTimeout(resume, 5));
    }
    expect(device.bytes).toBe(held - 256 * POSITION);
    // The results lie ready for the next run; only the pool gets room for two states of its own.
    const allocations = device.allocations;
    await sum(executable, rows(3, 4));
    expect(device.allocations - allocations).toBe(3);
    executable.dispose();
  });

  test("that is not to be had fails the run, and nothing else", async () => {
    const { device, executable } = await made();
    const session = executable.createSession();
    expect(await sum(executable, rows(1, 2), session)).toBe(3);
    expect(await sum(executable, rows(0), session)).toBe(3);
    device.capacity = device.bytes + 100;
    const long = rows(...Array(300).fill(1));
    await expect(executable.run("sum", { x: long }, { session })).rejects.toBeInstanceOf(DeviceError);
    expect(session.length).toBe(3);
    expect(device.bytes).toBeLessThanOrEqual(device.capacity);
    expect(await sum(executable, rows(4), session)).toBe(7);
    // A first run has no rows to keep, and no room that is sure.
    const fresh = executable.createSession();
    await expect(executable.run("sum", { x: rows(1) }, { session: fresh })).rejects.toBeInstanceOf(DeviceError);
    device.capacity = Number.POSITIVE_INFINITY;
    expect(await sum(executable, rows(5), fresh)).toBe(5);
    expect(await sum(executable, long, session)).toBe(307);
    executable.dispose();
    expect(device.bytes).toBe(0);
  });
});

describe("feeds", () => {
  test("results stay on the device, and lists are joined there", async () => {
    const { device, executable } = await made();
    const flat = (...numbers: number[]) => ({ ...rows(...numbers), shape: [numbers.length, WIDTH] });
    const { y } = await executable.run("total", { x: flat(1, 2) });
    const fed = y!.reshape([1, 1, 1, WIDTH]).reshape([1, WIDTH]);
    const before = device.counts;
    expect(before.reads).toBe(0);
    const run = executable.run("total", { x: [flat(10), fed, flat(20, 30), fed] });
    // Disposed of at once: the run holds on to what it was fed.
    fed.dispose();
    y!.dispose();
    const { y: all } = await run;
    const { y: alone } = await executable.run("total", { x: [all!] });
    expect(device.reads).toBe(0);
    expect((await alone!.read())[0]).toBe(10 + 3 + 20 + 30 + 3);
    executable.dispose();
  });

  test("are held by a run until it ends, and by who has them after it", async () => {
    const { executable } = await made();
    const session = executable.createSession();
    const { rows: own, y } = await executable.run("sum", { x: rows(1, 2) });
    y!.dispose();
    const fed = own!.reshape([1, 2, 1, WIDTH]);
    own!.dispose();
    const [first, second] = [rows(5), fed].map((x) => executable.run("sum", { x }, { session }));
    // The second waits for its turn; other runs ask for room of that size meanwhile.
    const twin = fed.reshape([2, WIDTH]);
    fed.dispose();
    const others = [0, 1, 2].map(() => executable.run("sum", { x: rows(8, 9) }));
    await first;
    expect((await (await second!).y!.read())[0]).toBe(8);
    await Promise.all(others);
    await executable.run("sum", { x: rows(8, 9) });
    expect([...(await twin.read())]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    executable.dispose();
  });

  test("of another executable, or disposed of, are refused", async () => {
    const { executable } = await made();
    const other = await made();
    const { y } = await other.executable.run("sum", { x: rows(1) });
    const foreign = y!.reshape([1, 1, 1, WIDTH]);
    for (const x of [foreign, [rows(1), foreign]]) {
      await expect(executable.run("sum", { x })).rejects.toThrow(FeedError);
      await expect(executable.run("sum", { x })).rejects.toThrow("of another model");
    }
    foreign.dispose();
    await expect(other.executable.run("sum", { x: foreign })).rejects.toThrow("disposed of");
    const strange = { dtype: "f32", shape: [1, 1, 1, WIDTH], read: async () => new Float32Array(WIDTH) } as unknown;
    await expect(executable.run("sum", { x: strange as Tensor })).rejects.toThrow(FeedError);
    executable.dispose();
    other.executable.dispose();
  });

  test("an index outside is refused by name", async () => {
    const { executable } = await made();
    await expect(executable.run("look", { ids: [hostI32([1]), hostI32([5])] })).rejects.toThrow(
      "look: the index 5 in ids is outside vocab, which has 5 rows",
    );
    executable.dispose();
  });

  test("that are written behind one another do not overtake the runs before them", async () => {
    const { executable } = await made();
    const runs = [1, 2, 3].map((n) => executable.run("sum", { x: rows(...Array(n).fill(n)) }));
    const sums = await Promise.all(runs.map(async (run) => (await (await run).y!.read())[0]));
    expect(sums).toEqual([1, 4, 9]);
    executable.dispose();
  });
});

describe("sessions", () => {
  test("share the rows of a fork until one writes", async () => {
    const { device, executable } = await made();
    const session = executable.createSession();
    await sum(executable, rows(1, 2), session);
    await sum(executable, rows(3), session);
    const before = device.bytes;
    const forks = Array.from({ length: 5 }, () => session.fork());
    expect(device.bytes).toBe(before);
    expect(await sum(executable, rows(10), forks[0])).toBe(16);
    expect(device.bytes).toBe(before + 256 * POSITION);
    forks[1]!.truncate(1);
    expect(await sum(executable, rows(10), forks[1])).toBe(11);
    expect(await sum(executable, rows(20), session)).toBe(26);
    expect(await sum(executable, rows(30), forks[2])).toBe(36);
    for (const fork of forks) fork.dispose();
    expect(device.bytes).toBe(before);
    executable.dispose();
  });

  test("are saved as they were when it was asked for, and restored", async () => {
    const { device, executable } = await made();
    const session = executable.createSession();
    await sum(executable, rows(...Array(300).fill(1)), session);
    const saving = session.save();
    session.truncate(0);
    await sum(executable, rows(7), session);
    const bytes = await saving;
    expect(await sum(executable, rows(8), session)).toBe(15);
    const held = device.bytes;
    const back = executable.createSession({ from: bytes });
    expect(back.length).toBe(300);
    expect(await sum(executable, rows(5), back)).toBe(305);
    expect(() => executable.createSession({ from: bytes, capacity: 299 })).toThrow("300 more positions do not fit");
    expect(() => executable.createSession({ from: bytes.with(bytes.length - 1, 1) })).toThrow("damaged");
    back.dispose();
    expect(device.bytes).toBe(held);
    executable.dispose();
  });

  test("a batch is no conversation", async () => {
    const { executable } = await made();
    const two = hostF32(new Float32Array(2 * WIDTH), [2, 1, 1, WIDTH]);
    const session = executable.createSession();
    await expect(executable.run("sum", { x: two }, { session })).rejects.toThrow("a session holds one conversation");
    executable.dispose();
  });

  test("that are changed while a run uses them say so", async () => {
    const { executable } = await made();
    const session = executable.createSession();
    await sum(executable, rows(1, 2), session);
    // The first block is full at 256 positions: this run moves to another and waits for it.
    const run = executable.run("sum", { x: rows(...Array(300).fill(1)) }, { session });
    await new Promise((resume) => setImmediate(resume));
    session.truncate(1);
    await expect(run).rejects.toThrow("the session was changed while a run was using it");
    expect(session.length).toBe(1);
    expect(await sum(executable, rows(5), session)).toBe(6);
    const last = executable.run("sum", { x: rows(...Array(700).fill(1)) }, { session });
    await new Promise((resume) => setImmediate(resume));
    session.dispose();
    await expect(last).rejects.toThrow(SessionError);
    executable.dispose();
  });

  test("a disposed model ends the runs that wait", async () => {
    const { device, executable } = await made();
    const session = executable.createSession();
    const run = executable.run("sum", { x: rows(1) }, { session });
    const next = executable.run("sum", { x: rows(1) }, { session });
    await new Promise((resume) => queueMicrotask(() => resume(undefined)));
    executable.dispose();
    await expect(run).rejects.toThrow("the model was disposed");
    await expect(next).rejects.toThrow("the model was disposed");
    expect(device.bytes).toBe(0);
  });
});

import {
  type Executable,
  FeedError,
  type HostTensor,
  hostI32,
  type Session,
  SessionError,
  type Tensor,
} from "@hulu/core";
import { expect } from "vitest";
import type { Check, Tested } from "./check.js";
import { expectClose } from "./check-models.js";
import { idsOf, modelOf, smallModel } from "./models.js";
import { feedIds, part, runOne, take } from "./run.js";

interface Scene {
  readonly tested: Tested;
  readonly executable: Executable;
  /** Eight token ids. */
  readonly ids: HostTensor;
  /** Feed a stretch of them. */
  readonly feed: (session: Session | undefined, from: number, to: number) => ReturnType<typeof feedIds>;
  /** What a session of its own gives for the ids from `from` on, after those before. */
  readonly alone: (from: number, to: number) => ReturnType<typeof feedIds>;
  readonly another: () => Promise<Executable>;
}

const LENGTH = 8;
const MOST = 32;

const check = (name: string, body: (scene: Scene) => Promise<void>): Check => ({
  name: `sessions: ${name}`,
  features: ["state", "symbolic"],
  run: async (tested) => {
    const { programs, weights } = modelOf(smallModel);
    const made: Executable[] = [];
    const another = async () => {
      const executable = await tested.backend.compile(programs, weights, { max: { past: MOST } });
      made.push(executable);
      return executable;
    };
    const executable = await another();
    const ids = idsOf(smallModel, LENGTH);
    const feed: Scene["feed"] = (session, from, to) => feedIds(executable, part(ids, from, to), session);
    const alone: Scene["alone"] = async (from, to) => {
      const session = executable.createSession();
      if (from > 0) await feed(session, 0, from);
      return feed(session, from, to);
    };
    try {
      await body({ tested, executable, ids, feed, alone, another });
    } finally {
      for (const e of made) e.dispose();
    }
  },
});

/** That something is refused with this error, at once or by a promise. */
async function refused(what: () => unknown, error: new (message: string) => Error): Promise<void> {
  await expect(async () => what()).rejects.toSatisfy(
    (e) => e instanceof error,
    `a ${error.name.replace("_", "")} should have been thrown`,
  );
}

export const sessionChecks: readonly Check[] = [
  check("length and capacity", async ({ executable, feed }) => {
    const session = executable.createSession({ capacity: 9 });
    expect([session.length, session.capacity]).toEqual([0, 9]);
    await feed(session, 0, 3);
    await feed(session, 3, 4);
    expect([session.length, session.capacity]).toEqual([4, 9]);
    expect(executable.createSession().capacity).toBe(MOST);
  }),
  check("a program without states leaves the length alone", async ({ executable, ids, feed }) => {
    const session = executable.createSession();
    await feed(session, 0, 2);
    await executable.run("embed", { ids }, { session });
    expect(session.length).toBe(2);
  }),
  check("truncate forgets, and forgets nothing else", async ({ executable, feed, alone, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 6);
    session.truncate(3);
    expect(session.length).toBe(3);
    expectClose(tested, "after truncate", await feed(session, 3, 7), await alone(3, 7));
    session.truncate(7);
    expect(session.length).toBe(7);
    session.truncate(0);
    expectClose(tested, "after truncate to nothing", await feed(session, 0, 4), await alone(0, 4));
  }),
  check("truncate refuses what is no length of the past", async ({ executable, feed }) => {
    const session = executable.createSession();
    await feed(session, 0, 3);
    for (const n of [-1, 1.5, 4, Number.NaN]) await refused(() => session.truncate(n), SessionError);
    expect(session.length).toBe(3);
  }),
  check("fork: two futures of one past", async ({ executable, feed, alone, tested }) => {
    const session = executable.createSession({ capacity: 10 });
    await feed(session, 0, 3);
    const twin = session.fork();
    expect([twin.length, twin.capacity]).toEqual([3, 10]);
    // The twin goes another way: the ids from 5 on directly behind the first three.
    await feed(twin, 5, 8);
    expect([session.length, twin.length]).toEqual([3, 6]);
    expectClose(tested, "the first", await feed(session, 3, 6), await alone(3, 6));
    session.dispose();
    twin.truncate(3);
    expectClose(tested, "the twin", await feed(twin, 3, 6), await alone(3, 6));
  }),
  check("two sessions side by side", async ({ executable, feed, alone, tested }) => {
    const [a, b] = [executable.createSession(), executable.createSession()];
    await feed(a, 0, 4);
    await feed(b, 0, 2);
    const [restA, restB] = await Promise.all([feed(a, 4, 6), feed(b, 2, 6)]);
    expectClose(tested, "a", restA, await alone(4, 6));
    expectClose(tested, "b", restB, await alone(2, 6));
  }),
  check("save and restore", async ({ executable, feed, alone, another, tested, ids }) => {
    const session = executable.createSession();
    await feed(session, 0, 5);
    const bytes = await session.save();
    await feed(session, 5, 6);
    const restored = executable.createSession({ from: bytes, capacity: 8 });
    expect([restored.length, restored.capacity]).toEqual([5, 8]);
    expectClose(tested, "restored", await feed(restored, 5, 8), await alone(5, 8));
    // The same programs and weights compiled anew, as in another process.
    const elsewhere = await another();
    const there = elsewhere.createSession({ from: bytes });
    expectClose(tested, "elsewhere", await feedIds(elsewhere, part(ids, 5, 8), there), await alone(5, 8));
    const empty = executable.createSession({ from: await executable.createSession().save() });
    expectClose(tested, "an empty one", await feed(empty, 0, 3), await alone(0, 3));
  }),
  check("restore refuses what is damaged, too long or another's", async ({ executable, feed, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 4);
    const bytes = await session.save();
    await refused(() => executable.createSession({ from: bytes, capacity: 3 }), SessionError);
    await refused(() => executable.createSession({ from: new Uint8Array(0) }), SessionError);
    await refused(() => executable.createSession({ from: bytes.slice(0, -1) }), SessionError);
    await refused(() => executable.createSession({ from: bytes.slice(0, 40) }), SessionError);
    const damaged = bytes.slice();
    damaged[damaged.length - 3] = (damaged.at(-3) as number) ^ 0x10;
    await refused(() => executable.createSession({ from: damaged }), SessionError);
    const { programs, weights } = modelOf({ ...smallModel, seed: smallModel.seed + 1 });
    const other = await tested.backend.compile(programs, weights);
    await refused(() => other.createSession({ from: bytes }), SessionError);
    other.dispose();
  }),
  check("a session of another executable is refused", async ({ executable, feed, alone, another, ids, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 2);
    const elsewhere = await another();
    await refused(() => feedIds(elsewhere, part(ids, 2, 3), session), SessionError);
    expect(session.length).toBe(2);
    expectClose(tested, "still good", await feed(session, 2, 5), await alone(2, 5));
  }),
  check("a failed run leaves the session as it was", async ({ executable, feed, alone, ids, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 3);
    await refused(() => feedIds(executable, part(ids, 3, 5), session, [7]), FeedError);
    expect(session.length).toBe(3);
    expectClose(tested, "after it", await feed(session, 3, 6), await alone(3, 6));
  }),
  check("capacity is a limit, and reached exactly", async ({ executable, feed, alone, tested }) => {
    for (const capacity of [0, -1, 1.5, Number.NaN, MOST + 1])
      await refused(() => executable.createSession({ capacity }), SessionError);
    const session = executable.createSession({ capacity: 5 });
    await feed(session, 0, 3);
    await refused(() => feed(session, 3, 6), SessionError);
    expect(session.length).toBe(3);
    expectClose(tested, "up to it", await feed(session, 3, 5), await alone(3, 5));
    await refused(() => feed(session, 5, 6), SessionError);
    session.truncate(4);
    expectClose(tested, "again", await feed(session, 4, 5), await alone(4, 5));
  }),
  check("runs on one session follow one another in the order of their starting", async (scene) => {
    const { executable, alone, ids, tested } = scene;
    const session = executable.createSession();
    const { embeds } = await executable.run("embed", { ids });
    const data = (await (embeds as Tensor).read()) as Float32Array;
    const width = data.length / LENGTH;
    const rows = (from: number, to: number) => ({
      dtype: "f32" as const,
      shape: [1, to - from, width],
      data: data.slice(from * width, to * width),
    });
    const pick = (n: number) => hostI32(Array.from({ length: n }, (_, i) => i));
    // The first is fed as lists, which take longer to get ready than the plain feeds of those behind it.
    const started = [
      executable.run("step", { embeds: [rows(0, 3)], pick: [pick(1), hostI32([1]), hostI32([2])] }, { session }),
      executable.run("step", { embeds: rows(3, 4), pick: pick(1) }, { session }),
      executable.run("step", { embeds: rows(4, 8), pick: pick(4) }, { session }),
    ];
    const [a, b, c] = await Promise.all(started.map(async (run) => take((await run).logits as Tensor)));
    expect(session.length).toBe(8);
    expectClose(tested, "first", a!, await alone(0, 3));
    expectClose(tested, "second", b!, await alone(3, 4));
    expectClose(tested, "third", c!, await alone(4, 8));
  }),
  check(
    "a run that fails in the queue does not hold up those behind it",
    async ({ executable, feed, alone, ids, tested }) => {
      const session = executable.createSession();
      const bad = feedIds(executable, part(ids, 0, 2), session, [9]);
      const good = feed(session, 0, 4);
      await refused(() => bad, FeedError);
      expectClose(tested, "the next", await good, await alone(0, 4));
      expect(session.length).toBe(4);
    },
  ),
  check("results outlive the runs behind them", async ({ executable, ids, alone, tested }) => {
    const session = executable.createSession();
    const { embeds } = await executable.run("embed", { ids: part(ids, 0, 4) });
    const first = await executable.run("step", { embeds: embeds as Tensor, pick: hostI32([0, 1, 2, 3]) }, { session });
    await feedIds(executable, part(ids, 4, 8), session);
    expectClose(tested, "the first run's", await take(first.logits as Tensor), await alone(0, 4));
  }),
  check("an aborted run leaves the session as it was", async ({ executable, ids, alone, feed, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 2);
    const { embeds } = await executable.run("embed", { ids: part(ids, 2, 4) });
    const feeds = { embeds: embeds as Tensor, pick: hostI32([0]) };
    const reason = new Error("enough");
    await expect(executable.run("step", feeds, { session, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(session.length).toBe(2);
    const late = new AbortController();
    const run = executable.run("step", feeds, { session, signal: late.signal });
    late.abort(reason);
    // It may have been too late; what counts is that the length tells.
    const ended = await run.then(
      () => true,
      () => false,
    );
    expect(session.length).toBe(ended ? 4 : 2);
    session.truncate(2);
    expectClose(tested, "after it", await feed(session, 2, 5), await alone(2, 5));
  }),
  check("what is disposed is refused", async ({ executable, feed, alone, tested }) => {
    const session = executable.createSession();
    await feed(session, 0, 2);
    const twin = session.fork();
    session.dispose();
    session.dispose();
    await refused(() => feed(session, 2, 3), SessionError);
    await refused(() => session.truncate(0), SessionError);
    await refused(() => session.fork(), SessionError);
    await refused(() => session.save(), SessionError);
    expectClose(tested, "its twin lives", await feed(twin, 2, 4), await alone(2, 4));
  }),
  check("a disposed executable runs no more", async ({ tested, another, ids }) => {
    const executable = await another();
    expect(await runOne(executable, "embed", { ids })).toBeDefined();
    executable.dispose();
    executable.dispose();
    await expect(executable.run("embed", { ids }), tested.backend.name).rejects.toBeInstanceOf(SessionError);
  }),
];

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SessionError } from "./backend.js";
import { fingerprint } from "./fingerprint.js";
import { axis } from "./graph/axis.js";
import { f32, program } from "./graph/graph.js";
import { symbol } from "./graph/size.js";
import { emit } from "./graph/value.js";
import { append, past } from "./ops/append.js";
import { broadcast, mul } from "./ops/elementwise.js";
import { paramOp } from "./ops/leaves.js";
import { HostSession, sessionBytes, stateWidths } from "./session.js";
import { memoryWeights } from "./weights/source.js";

const owner = {
  widths: new Map([
    ["k", 2],
    ["v", 3],
  ]),
  fingerprint: "abc",
  most: 1000,
};
/** Rows that are all different, from a position on. */
const rows = (count: number, from = 0) =>
  new Map(
    [...owner.widths].map(([name, w]) => [
      name,
      Float32Array.from({ length: count * w }, (_, i) => from * w + i + (name === "v" ? 0.5 : 0)),
    ]),
  );
const filled = (count: number, capacity?: number) => {
  const session = new HostSession(owner, capacity === undefined ? {} : { capacity });
  session.append(rows(count), count);
  return session;
};
const refused = (what: () => unknown, says: string | RegExp) => {
  expect(what).toThrow(SessionError);
  expect(what).toThrow(says);
};

describe("rows", () => {
  test("lie behind each other, however many at a time", () => {
    const session = new HostSession(owner);
    let at = 0;
    for (const count of [1, 255, 1, 300, 0, 43]) {
      session.append(rows(count, at), count);
      at += count;
      expect(session.length).toBe(at);
    }
    for (const [name, data] of rows(600)) expect(session.rows(name)).toEqual(data);
  });
  test("all states or none", () => {
    const session = filled(2);
    const bad = rows(3, 2).set("v", new Float32Array(8));
    refused(() => session.append(bad, 3), "3 positions of v came with 8 numbers");
    expect(session.length).toBe(2);
    expect(session.rows("k")).toEqual(rows(2).get("k"));
    refused(() => session.rows("x"), "there is no state x");
  });
  test("up to the capacity, exactly", () => {
    const session = filled(3, 5);
    session.reserve(2);
    refused(() => session.reserve(3), "3 more positions do not fit: the session holds 3 of 5");
    refused(() => session.append(rows(3, 3), 3), "do not fit");
    const huge = new HostSession({ ...owner, widths: new Map([["k", 2 ** 44]]) }, { capacity: 5 });
    refused(() => huge.append(new Map(), 1), "there is no memory for 5 positions");
    expect(huge.length).toBe(0);
    session.append(rows(2, 3), 2);
    refused(() => session.append(rows(1, 5), 1), "1 more positions do not fit: the session holds 5 of 5");
    expect(session.rows("v")).toEqual(rows(5).get("v"));
  });
  test("take room in steps, and never more than the capacity has", () => {
    const session = filled(1);
    expect(session.rows("k").buffer.byteLength).toBe(256 * 2 * 4);
    session.append(rows(256, 1), 256);
    expect(session.rows("k").buffer.byteLength).toBe(512 * 2 * 4);
    session.append(rows(256, 257), 256);
    expect(session.rows("k").buffer.byteLength).toBe(768 * 2 * 4);
    session.append(rows(300, 513), 300);
    // Half as much again is more than one step here, and the capacity less than that.
    expect(session.rows("k").buffer.byteLength).toBe(1000 * 2 * 4);
    expect(filled(2, 3).rows("k").buffer.byteLength).toBe(3 * 2 * 4);
  });
});

describe("storage by heads", () => {
  // Two heads of 1 and three of 1: rows go in and out position after position, and lie head after head.
  const byHead = { ...owner, heads: new Map([["v", 3]]) };
  const made = (count: number) => {
    const session = new HostSession(byHead, { capacity: 600 });
    session.append(rows(count), count);
    return session;
  };
  test("gives the rows that were put in", () => {
    const session = made(2);
    session.append(rows(1, 2), 1);
    session.append(rows(297, 3), 297);
    for (const [name, data] of rows(300)) expect(session.rows(name)).toEqual(data);
    const twin = session.fork();
    twin.append(rows(1, 300), 1);
    expect(twin.rows("v")).toEqual(rows(301).get("v"));
    expect(session.rows("v")).toEqual(rows(300).get("v"));
  });
  test("lies head after head, with zeros behind what is held", () => {
    const session = made(3);
    const { data, capacity } = session.storage("v");
    expect([data.length, capacity]).toEqual([256 * 3, 256]);
    for (let head = 0; head < 3; head++)
      expect([...data.subarray(head * 256, head * 256 + 4)]).toEqual([head + 0.5, head + 3.5, head + 6.5, 0]);
    expect([...session.storage("k").data.subarray(0, 7)]).toEqual([0, 1, 2, 3, 4, 5, 0]);
    session.truncate(1);
    for (let head = 0; head < 3; head++)
      expect([...session.storage("v").data.subarray(head * 256, head * 256 + 3)]).toEqual([head + 0.5, 0, 0]);
    expect([...session.storage("k").data.subarray(0, 4)]).toEqual([0, 1, 0, 0]);
  });
  test("of more than one number each", () => {
    const wide = { ...owner, widths: new Map([["w", 6]]), heads: new Map([["w", 2]]) };
    const session = new HostSession(wide);
    const twelve = Float32Array.from({ length: 12 }, (_, i) => i + 1);
    session.append(new Map([["w", twelve]]), 2);
    expect(session.rows("w")).toEqual(twelve);
    const { data, capacity } = session.storage("w");
    expect([...data.subarray(0, 7)]).toEqual([1, 2, 3, 7, 8, 9, 0]);
    expect([...data.subarray(capacity * 3, capacity * 3 + 7)]).toEqual([4, 5, 6, 10, 11, 12, 0]);
  });
  test("keeps its place when it grows", () => {
    const session = made(256);
    session.append(rows(1, 256), 1);
    const { data, capacity } = session.storage("v");
    expect(capacity).toBe(512);
    for (let head = 0; head < 3; head++) expect(data[head * 512 + 256]).toBe(256 * 3 + head + 0.5);
    expect(session.rows("v")).toEqual(rows(257).get("v"));
  });
  test("is saved position after position, so that it fits any storage", async () => {
    const bytes = await made(5).save();
    expect(bytes).toEqual(await filled(5).save());
    expect(new HostSession(byHead, { from: bytes }).rows("v")).toEqual(rows(5).get("v"));
  });
});

describe("a capacity", () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("is not %d", (capacity) =>
    refused(() => new HostSession(owner, { capacity }), `a capacity is a positive whole number, not ${capacity}`),
  );
  test("is no more than the compilation's, which it is unless given", () => {
    refused(
      () => new HostSession(owner, { capacity: 1001 }),
      "a capacity of 1001 is over the 1000 positions of this compilation",
    );
    expect(new HostSession(owner, { capacity: 1000 }).capacity).toBe(1000);
    expect(new HostSession(owner, { capacity: 1 }).capacity).toBe(1);
    expect(new HostSession(owner).capacity).toBe(1000);
  });
});

test("truncate", () => {
  const session = filled(4);
  for (const n of [-1, 0.5, 5, Number.NaN]) refused(() => session.truncate(n), `cannot keep ${n} of 4 positions`);
  session.truncate(4);
  session.truncate(1);
  expect(session.rows("k")).toEqual(Float32Array.of(0, 1));
  session.append(rows(1, 7), 1);
  expect(session.rows("k")).toEqual(Float32Array.of(0, 1, 14, 15));
});

describe("a fork", () => {
  test("has a future of its own", () => {
    const session = filled(2, 9);
    const twin = session.fork();
    expect([twin.length, twin.capacity]).toEqual([2, 9]);
    twin.append(rows(1, 5), 1);
    session.append(rows(1, 2), 1);
    expect(session.rows("k")).toEqual(rows(3).get("k"));
    expect(twin.rows("k")).toEqual(Float32Array.of(0, 1, 2, 3, 10, 11));
    expect(twin.belongsTo(owner)).toBe(true);
    expect(twin.belongsTo({ ...owner })).toBe(false);
  });

  test("shares the storage until one of them writes", () => {
    const session = filled(3);
    const { data } = session.storage("k");
    const forks = Array.from({ length: 100 }, () => session.fork());
    for (const fork of forks) expect(fork.storage("k").data).toBe(data);
    const [first, second, ...others] = forks as [HostSession, HostSession, ...HostSession[]];
    // What changes nothing copies nothing.
    first.truncate(3);
    first.append(rows(0), 0);
    expect(first.storage("k").data).toBe(data);
    first.append(rows(1, 8), 1);
    second.truncate(1);
    session.append(rows(1, 3), 1);
    for (const fork of others) {
      expect(fork.storage("k").data).toBe(data);
      expect(fork.rows("v")).toEqual(rows(3).get("v"));
    }
    expect(first.rows("k")).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5, 16, 17));
    expect([...second.storage("k").data.subarray(0, 4)]).toEqual([0, 1, 0, 0]);
    expect(session.rows("k")).toEqual(rows(4).get("k"));
    // The last that is left writes where the rows lie.
    const [last, ...gone] = others;
    for (const fork of gone) fork.dispose();
    last!.append(rows(1, 3), 1);
    expect(last!.storage("k").data).toBe(data);
    expect(last!.rows("k")).toEqual(rows(4).get("k"));
  });

  test("may be told otherwise at any time: random futures", () => {
    // Each session beside a plain list of the positions that it holds.
    const heads = { ...owner, heads: new Map([["v", 3]]) };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(300)), { maxLength: 25 }), (steps) => {
        const all = [{ session: new HostSession(heads), held: [] as number[] }];
        let next = 0;
        for (const [which, what, n] of steps) {
          const one = all[which % all.length]!;
          if (what === 0) all.push({ session: one.session.fork(), held: [...one.held] });
          else if (what === 1) {
            const keep = n % (one.held.length + 1);
            one.session.truncate(keep);
            one.held.length = keep;
          } else if (what === 2 && all.length > 1) {
            one.session.dispose();
            all.splice(all.indexOf(one), 1);
          } else {
            const count = Math.min(n, 1000 - one.held.length);
            one.session.append(rows(count, next), count);
            for (let i = 0; i < count; i++) one.held.push(next++);
          }
        }
        for (const { session, held } of all) {
          expect([...session.rows("k")]).toEqual(held.flatMap((p) => [...rows(1, p).get("k")!]));
          expect([...session.rows("v")]).toEqual(held.flatMap((p) => [...rows(1, p).get("v")!]));
          const { data, capacity } = session.storage("v");
          for (let head = 0; head < 3; head++)
            expect(data.subarray(head * capacity + held.length, (head + 1) * capacity).every((x) => x === 0)).toBe(
              true,
            );
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("disposed, it refuses everything, and is disposed again without harm", async () => {
  for (const end of [(s: HostSession) => s.dispose(), (s: HostSession) => s[Symbol.dispose]()]) {
    const session = filled(2);
    end(session);
    end(session);
    expect(session.length).toBe(0);
    for (const use of [
      () => session.truncate(0),
      () => session.fork(),
      () => session.reserve(0),
      () => session.append(rows(0), 0),
      () => session.rows("k"),
    ])
      refused(use, "the session was disposed");
    await expect(session.save()).rejects.toThrow("the session was disposed");
  }
});

describe("turns", () => {
  test("follow one another, whatever each takes, and a failure stops nothing", async () => {
    const session = new HostSession(owner);
    const log: string[] = [];
    const turn = (name: string, ms: number, fails = false) =>
      session.inTurn(async () => {
        log.push(`${name} begins`);
        await new Promise((done) => setTimeout(done, ms));
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const all = await Promise.allSettled([turn("a", 8), turn("b", 0, true), turn("c", 3)]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(all.map((r) => (r.status === "fulfilled" ? r.value : (r.reason as Error).message))).toEqual(["a", "b", "c"]);
    expect(all.map((r) => r.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });
});

describe("saved", () => {
  const from = (bytes: Uint8Array, o: object = owner) => new HostSession(o as typeof owner, { from: bytes });
  test("and restored", async () => {
    for (const count of [0, 1, 300]) {
      const bytes = await filled(count).save();
      const back = from(bytes);
      expect(back.length).toBe(count);
      for (const [name, data] of rows(count)) expect(back.rows(name)).toEqual(data);
    }
  });
  test("what it holds at that time", async () => {
    const session = filled(3);
    const saving = session.save();
    session.truncate(0);
    session.append(rows(3, 50), 3);
    expect(from(await saving).rows("k")).toEqual(rows(3).get("k"));
  });
  test("and not restored where it does not belong or fit", async () => {
    const bytes = await filled(4).save();
    refused(
      () => from(bytes, { ...owner, fingerprint: "abd" }),
      "the saved session belongs to other programs or weights",
    );
    refused(() => new HostSession(owner, { from: bytes, capacity: 3 }), "4 more positions do not fit");
    refused(() => from(bytes, { ...owner, widths: new Map([["k", 2]]) }), "damaged");
    refused(
      () =>
        from(bytes, {
          ...owner,
          widths: new Map([
            ["k", 3],
            ["v", 2],
          ]),
        }),
      "damaged",
    );
    refused(
      () =>
        from(bytes, {
          ...owner,
          widths: new Map([
            ["k", 2],
            ["w", 3],
          ]),
        }),
      "damaged",
    );
  });
  test.each([0, 1, 2])("%d positions: with any bit flipped it is refused", async (count) => {
    const bytes = await filled(count).save();
    for (let i = 0; i < bytes.length; i++)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.with(i, bytes[i]! ^ (1 << bit));
        expect(() => from(flipped), `byte ${i} bit ${bit}`).toThrow(SessionError);
      }
    for (let n = 0; n < bytes.length; n++) expect(() => from(bytes.slice(0, n))).toThrow(SessionError);
  });
});

describe("what a session is made for", () => {
  const [batch, seq] = [axis("batch", symbol("batch")), axis("seq", symbol("seq"))];
  const keeping = (name: string, size: number | string, weight = "w") =>
    program(
      name,
      { x: f32(batch, seq, axis("kv", 3), axis("dim", typeof size === "number" ? size : symbol(size))) },
      ({ x }) => {
        const w = emit(paramOp, [], { path: weight, dims: [axis("dim", 2)], dtype: "f32" });
        return {
          y: append<"batch", "kv dim">(typeof size === "number" ? mul(x, broadcast(w, x)) : x, past, `${name}.keys`),
        };
      },
    );
  test("the states of all programs, each with the width of a row", () => {
    expect([...stateWidths({ a: keeping("a", 2), b: keeping("b", 2) })]).toEqual([
      ["a.keys", 6],
      ["b.keys", 6],
    ]);
    refused(() => stateWidths({ a: keeping("a", "dim") }), "the state a.keys has rows of 3 x dim: they must be fixed");
  });

  const weights = (...numbers: number[]) =>
    memoryWeights([
      ["w", { shape: [numbers.length], data: Float32Array.from(numbers) }],
      ["u", { shape: [2], data: Float32Array.of(9, 9) }],
    ]);
  test("is told by a hash of programs and weights", async () => {
    const one = await fingerprint({ a: keeping("a", 2) }, weights(1, 2));
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(await fingerprint({ a: keeping("a", 2) }, weights(1, 2))).toBe(one);
    // The order in which programs are given is nothing.
    const two = { a: keeping("a", 2), b: keeping("b", 2) };
    expect(await fingerprint(two, weights(1, 2))).toBe(await fingerprint({ b: two.b, a: two.a }, weights(1, 2)));
    const others = [
      fingerprint({ a: keeping("b", 2) }, weights(1, 2)),
      fingerprint({ a: keeping("a", 2, "u") }, weights(1, 2)),
      fingerprint({ a: keeping("a", 2) }, weights(3, 2)),
      fingerprint({ a: keeping("a", 2) }, weights(1, 2, 3)),
      fingerprint(two, weights(1, 2)),
    ];
    expect(new Set([one, ...(await Promise.all(others))]).size).toBe(6);
  });
});

describe("its memory", () => {
  test("is given back at once, by the last of those who share it", () => {
    const session = filled(3);
    const fork = session.fork();
    const { buffer } = session.storage("k").data;
    session.dispose();
    expect(fork.rows("k")).toEqual(rows(3).get("k"));
    fork.dispose();
    expect(buffer.byteLength).toBe(0);
    fork.dispose();
  });

  test("stays while a run is under way", async () => {
    const session = filled(3);
    const { data } = session.storage("k");
    const run = session.inTurn(async () => {
      await Promise.resolve();
      expect([...data.subarray(0, 6)]).toEqual([...(rows(3).get("k") as Float32Array)]);
    });
    session.dispose();
    await run;
    await new Promise((resume) => setTimeout(resume, 0));
    expect(data.length).toBe(0);
  });

  test("grows where it lies, heads and all", () => {
    const heads = new Map([["k", 2]]);
    const session = new HostSession({ ...owner, heads, most: 1000 });
    session.append(rows(200), 200);
    const { buffer } = session.storage("k").data;
    session.append(rows(200, 200), 200);
    expect(session.storage("k").capacity).toBe(512);
    expect(session.storage("k").data.buffer).toBe(buffer);
    expect(session.rows("k")).toEqual(rows(400).get("k"));
    const { data } = session.storage("k");
    expect([...data.subarray(400, 512), ...data.subarray(912)].every((x) => x === 0)).toBe(true);
  });

  test("is foretold", () => {
    const keep = program("keep", { x: f32(axis("batch", 1), axis("seq", symbol("seq")), axis("w", 6)) }, ({ x }) => ({
      y: append<"batch", "w">(x, past, "rows"),
    }));
    expect([0, 1, 256, 257].map((n) => sessionBytes({ keep }, n))).toEqual([0, 256 * 24, 256 * 24, 512 * 24]);
  });
});

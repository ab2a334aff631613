import { reference } from "@hulu/backend-reference";
import { type Backend, type Executable, ops, primitives, type RunOptions, type Session } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { checks, failures, faulty, opCases, testBackend } from "./index.js";

// The suite is held against backends that are wrong in one way each: it must fail them, and for that.

const options = { reference };

describe("operations planted wrong", () => {
  const composites = Object.values(ops).flatMap((o) =>
    typeof o === "object" && "infer" in o && "decompose" in o ? [o.name] : [],
  );
  test.each([...Object.keys(primitives), ...composites])("%s", async (op) => {
    const failed = await failures(faulty(reference, op), { ...options, effort: 0.5 }, (c) =>
      c.name.startsWith(`${op}: `),
    );
    const all = opCases.filter((c) => c.op === op).map((c) => `${op}: ${c.about}`);
    // Not a single case of it may pass.
    expect(all.filter((name) => !failed.has(name))).toEqual([]);
  });

  test.each([
    ["half the pairs turned the wrong way", "sub", (node) => ops.add<string>(node.inputs[0]!, node.inputs[1]!)],
    [
      "less or equal for less",
      "less",
      (node) => {
        const [a, b] = node.inputs as [never, never];
        return ops.less<string>(a, ops.add<string>(b, 1));
      },
    ],
    [
      "the smaller for the larger",
      "max",
      (node) => {
        const [a, b] = node.inputs as [never, never];
        return node.dtype === "f32"
          ? ops.mul(ops.max<string>(ops.mul<string>(a, -1), ops.mul<string>(b, -1)), -1)
          : node;
      },
    ],
    ["a row and a column in each other's place", "matmul", (node) => ops.matmul(node.inputs[0]!, node.inputs[1]!)],
  ] satisfies [string, string, Parameters<typeof faulty>[2]][])("%s", async (_, op, plant) => {
    const failed = await failures(faulty(reference, op, plant), options, (c) => c.name.startsWith(`${op}: `));
    expect(failed.size > 0).toBe(op !== "matmul");
  });

  test("a fault in one operation shows in whole models", async () => {
    const failed = await failures(faulty(reference, "rotate"), options, (c) =>
      c.name.startsWith("models: every program"),
    );
    expect([...failed.values()].join()).toMatch(/encodeVision|step/);
  });
});

describe("sessions planted wrong", () => {
  /** A backend whose executables and sessions are changed by `plant`. */
  const planted = (plant: (executable: Executable) => Executable): Backend => ({
    ...reference,
    compile: async (...args) => plant(await reference.compile(...args)),
  });
  /** Sessions in a shell, some of whose members are another's. */
  function shelled(executable: Executable, change: (inner: Session) => Partial<Session>): Executable {
    const inner = new WeakMap<Session, Session>();
    const shell = (session: Session): Session => {
      const outside: Session = {
        get length() {
          return session.length;
        },
        get capacity() {
          return session.capacity;
        },
        truncate: (n) => session.truncate(n),
        fork: () => shell(session.fork()),
        save: () => session.save(),
        dispose: () => session.dispose(),
        [Symbol.dispose]: () => session.dispose(),
      };
      Object.defineProperties(outside, Object.getOwnPropertyDescriptors(change(session)));
      inner.set(outside, session);
      return outside;
    };
    return {
      ...executable,
      createSession: (o) => shell(executable.createSession(o)),
      run: (program, inputs, o: RunOptions = {}) =>
        executable.run(program, inputs, o.session ? { ...o, session: inner.get(o.session) ?? o.session } : o),
    };
  }
  const fails = async (backend: Backend, ...names: string[]) => {
    const failed = await failures(backend, options, (c) => c.name.startsWith("sessions: "));
    for (const name of names) expect([...failed.keys()]).toContain(`sessions: ${name}`);
  };

  test("the shell alone is sound", async () => {
    const failed = await failures(
      planted((e) => shelled(e, () => ({}))),
      options,
      (c) => c.name.startsWith("sessions: "),
    );
    expect(Object.fromEntries(failed)).toEqual({});
  });
  test("truncate does nothing", () =>
    fails(
      planted((e) => shelled(e, () => ({ truncate: () => {} }))),
      "truncate forgets, and forgets nothing else",
      "truncate refuses what is no length of the past",
    ));
  test("truncate forgets one too many", () =>
    fails(
      planted((e) => shelled(e, (s) => ({ truncate: (n) => s.truncate(Math.max(0, n - 1)) }))),
      "truncate forgets, and forgets nothing else",
    ));
  test("a fork is the same session", () =>
    fails(
      planted((e) => shelled(e, (s) => ({ fork: () => s }))),
      "fork: two futures of one past",
    ));
  test("a saved session lacks a position", () =>
    fails(
      planted((e) =>
        shelled(e, (s) => ({
          save: () => {
            const twin = s.fork();
            twin.truncate(Math.max(0, s.length - 1));
            return twin.save();
          },
        })),
      ),
      "save and restore",
    ));
  test("foreign sessions are taken for none", () =>
    fails(
      planted((e) => ({
        ...e,
        run: (program, inputs, o = {}) =>
          e.run(program, inputs, o).catch((error: Error) => {
            if (/another model/.test(error.message)) return e.run(program, inputs);
            throw error;
          }),
      })),
      "a session of another executable is refused",
    ));
  test("a failed run leaves its rows behind", () =>
    fails(
      planted((e) => ({
        ...e,
        run: (program, inputs, o = {}) =>
          e.run(program, inputs, o).catch(async (error: unknown) => {
            const pick = { dtype: "i32" as const, shape: [1], data: Int32Array.of(0) };
            if (program === "step" && "pick" in inputs) await e.run(program, { ...inputs, pick }, o).catch(() => {});
            throw error;
          }),
      })),
      "a failed run leaves the session as it was",
    ));
  test("runs overtake each other", () => {
    let slow = true;
    return fails(
      planted((e) => ({
        ...e,
        run: async (program, inputs, o) => {
          slow = !slow;
          if (slow) await new Promise((done) => setTimeout(done, 5));
          return e.run(program, inputs, o);
        },
      })),
      "runs on one session follow one another in the order of their starting",
    );
  });
  test("signals go unheard", () =>
    fails(
      planted((e) => ({
        ...e,
        run: (program, inputs, o) => e.run(program, inputs, o?.session && { session: o.session }),
      })),
      "an aborted run leaves the session as it was",
    ));
  test("capacities are made up", () =>
    fails(
      planted((e) => ({ ...e, createSession: (o) => e.createSession(o?.from ? { from: o.from } : {}) })),
      "capacity is a limit, and reached exactly",
      "length and capacity",
    ));
});

describe("feeds and compiling planted wrong", () => {
  test("errors without a name", async () => {
    const backend: Backend = {
      ...reference,
      compile: async (...args) => {
        const e = await reference.compile(...args);
        const run: Executable["run"] = (...r) =>
          e.run(...r).catch((error: Error) => Promise.reject(new Error(error.message)));
        return { ...e, run };
      },
    };
    const failed = await failures(backend, options, (c) => c.name.startsWith("feeds: "));
    const named = checks.filter((c) => c.name.endsWith("is a FeedError")).map((c) => c.name);
    expect([...failed.keys()]).toEqual(expect.arrayContaining(named));
  });
  test("weights read before the programs are looked at", async () => {
    const backend: Backend = {
      ...reference,
      compile: async (programs, weights, o) => {
        for (const key of weights.keys()) await weights.floats(key);
        return reference.compile(programs, weights, o);
      },
    };
    const failed = await failures(backend, options, (c) => c.name.startsWith("compile: "));
    expect([...failed.keys()].join("\n")).toMatch(/refused before a weight is read[\s\S]*aborted compilation/);
  });
});

test("a skip says why, and an unknown one is refused", async () => {
  const failed = await failures(
    faulty(reference, "erf"),
    { ...options, skip: { "erf: element by element": "no erf" } },
    (c) => c.name === "erf: element by element",
  );
  expect(failed.size).toBe(0);
  expect(() => testBackend("x", reference, { ...options, skip: { "no such test": "really" } })).toThrow(/no such test/);
});

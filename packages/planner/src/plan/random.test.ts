import { reference } from "@hulu/backend-reference";
import { type Axis, axis, emit, hostF32, hostI32, memoryWeights, ops, type Value } from "@hulu/core";
import { among, differs, Random, type RandomStep, randomGraph, take } from "@hulu/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { planned } from "../../test/backend.js";
import type { Plan } from "../plan.js";
import { planProgram } from "./program.js";
import { livesOf } from "./share.js";

// What rules look for, and what comes close: a part that somebody else reads too, a second residual, a view in between.

const float = (v: Value, rank: number) => v.dtype === "f32" && v.dims.length >= rank;
const fixedWidth = (v: Value) => float(v, 1) && typeof v.dims.at(-1)!.size === "number";
const ones = (v: Value) => {
  const width = v.dims.at(-1)!;
  return ops.constant<string>(
    Array.from({ length: width.size as number }, (_, i) => 1 + i / 8),
    [width],
  );
};

const activation: RandomStep = (pool, choose) => {
  const x = among(pool, choose, (v) => float(v, 1));
  return x && choose([ops.silu, ops.gelu, ops.geluTanh, ops.softmax])(x);
};
const gated: RandomStep = (pool, choose) => {
  const x = among(pool, choose, (v) => float(v, 1));
  const gate = x && ops.silu(x);
  return gate && choose([ops.mul(gate, x), ops.mul(x, gate), ops.mul(gate, gate), ops.mul(gate, ops.silu(gate))]);
};
/** A square linear, with what its kernel does beside it, and what it cannot. */
const linear: RandomStep = (pool, choose, fresh) => {
  const x = among(pool, choose, (v) => fixedWidth(v) && v.dims.length > 1);
  if (x === undefined) return undefined;
  const inner = x.dims.at(-1)! as Axis<string, number>;
  const out = axis(fresh(), inner.size);
  const values = Array.from({ length: inner.size ** 2 }, (_, i) => ((i * 7) % 5) / 4 - 0.5);
  const bias = ops.constant<string>(values.slice(0, inner.size), [out]);
  const inputs = [x, ops.constant<string>(values, [out, inner]), ...choose([[bias], []])];
  const y = ops.relabel<string>(emit<string>(ops.linearOp, inputs), { [out.name]: inner });
  const act = choose([ops.silu, ops.gelu, ops.geluTanh]);
  return choose([
    ...[y, act(y), ops.add(act(y), y), ops.add(y, y)],
    ...[ops.add(x, y), ops.add(y, x), ops.add(act(y), x), ops.add(ops.add(y, x), y)],
  ]);
};
const norm: RandomStep = (pool, choose) => {
  const x = among(pool, choose, fixedWidth);
  if (x === undefined) return undefined;
  const sum = choose([x, ops.add(x, x), ops.add(x, ops.abs(x))]);
  const y = ops.rmsNorm(sum, ones(x), 0.5);
  return choose([y, ops.add(y, sum), ops.layerNorm(y, ones(x), ones(x), 0.5)]);
};
const rope: RandomStep = (pool, choose, fresh) => {
  const at = among(pool, choose, (v) => v.dtype === "i32" && v.dims.length > 0);
  if (at === undefined) return undefined;
  const angles = ops.ropeAngles<string, string>(at, 10, { name: fresh(), size: choose([1, 3]) });
  const scaled = ops.mul(angles, 0.5);
  return choose([
    ops.cos(angles),
    ops.sin(angles),
    ops.mul(ops.cos(scaled), ops.sin(scaled)),
    ops.add(angles, ops.sin(angles)),
  ]);
};

/** No two slots that hold something at one time share a buffer; no step reads a buffer that it writes. */
function expectApart(plan: Plan): void {
  const lives = livesOf(plan.steps, plan.slots.length);
  for (const [a, { buffer }] of plan.slots.entries()) {
    expect(lives[a]!.last, `slot ${a} is never used`).toBeGreaterThanOrEqual(0);
    expect(buffer).toBeLessThan(plan.buffers);
    for (const [b, other] of plan.slots.entries())
      if (a < b && buffer === other.buffer)
        expect(lives[a]!.last < lives[b]!.first || lives[b]!.last < lives[a]!.first, `slots ${a} and ${b}`).toBe(true);
  }
  for (const { kernel, args } of plan.steps) {
    const key = (place: Plan["steps"][number]["args"][string]) =>
      place.kind === "slot" ? `buffer ${plan.slots[place.slot]!.buffer}` : JSON.stringify(place);
    const places = Object.entries(args).filter(([, { kind }]) => kind !== "none");
    const read = places.filter(([name]) => kernel.buffers[name]!.role === "input").map(([, place]) => key(place));
    const written = places.filter(([name]) => kernel.buffers[name]!.role !== "input").map(([, place]) => key(place));
    expect(new Set(written).size).toBe(written.length);
    expect(written.filter((place) => read.includes(place))).toEqual([]);
  }
}

const steps = [activation, gated, linear, norm, rope];

test("random graphs of primitives and of what rules look for", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(9999), { minLength: 40, maxLength: 120 }), async (choices) => {
      const graph = randomGraph(choices, [...steps, ...steps]);
      for (const max of [{}, { seq: 3, row: 50 }]) expectApart(planProgram(graph, { max }));
      for (const [seq, row] of [
        [3, 2],
        [1, 1],
        [0, 2],
      ] as const) {
        const feeds = feedsOf(seq, row);
        const [wanted, got] = await Promise.all(
          [reference, planned].map(async (backend) => {
            const executable = await backend.compile({ graph }, memoryWeights([]));
            return executable.run("graph", feeds);
          }),
        );
        for (const [name, tensor] of Object.entries(wanted!)) {
          const numbers = await take(tensor);
          expect(differs(await take(got![name]!), numbers, { abs: 1e-5, rel: 1e-5 }), name).toBeUndefined();
        }
      }
    }),
    { numRuns: process.env.HULU_FUZZ === "many" ? 3000 : 40, ...(process.env.HULU_FUZZ !== "many" && { seed: 11 }) },
  );
});

function feedsOf(seq: number, row: number) {
  const random = new Random(seq + 10 * row);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.float(-1, 1));
  const whole = (count: number) => Array.from({ length: count }, () => random.int(-2, 3));
  return {
    x: hostF32(numbers(seq * 3), [seq, 3]),
    y: hostF32(numbers(row * 6), [row, 2, 3]),
    z: hostF32(numbers(3), [3]),
    i: hostI32(whole(seq * 3), [seq, 3]),
    k: hostI32(whole(row * 2), [2 * row]),
  };
}

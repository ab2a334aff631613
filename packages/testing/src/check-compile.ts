import {
  axis,
  emit,
  f32,
  hostF32,
  memoryWeights,
  type OpDef,
  ops,
  program,
  symbol,
  UnsupportedError,
  type Value,
  verify,
} from "@hulu/core";
import { expect } from "vitest";
import type { Check } from "./check.js";
import { expectClose } from "./check-models.js";
import { modelOf, smallModel } from "./models.js";
import { runOne } from "./run.js";
import { watched } from "./weights.js";

const check = (name: string, run: Check["run"]): Check => ({ name: `compile: ${name}`, features: [], run });

const same: Pick<OpDef, "infer"> = { infer: ([x]) => ({ dims: x!.dims, dtype: x!.dtype }) };
/** An operation that nobody has heard of and that does not say what it means. */
const unheard: OpDef = { name: "unheard_of", ...same };
/** One that nobody has heard of either, but that says what it means: x^2 + 1. */
const explained: OpDef = { name: "square_plus_one", ...same, decompose: ([x]) => ops.add(ops.mul(x!, x!), 1) };
const hiding: OpDef = { name: "hiding", ...same, decompose: ([x]) => emit(unheard, [x!]) };

const withOp = (op: OpDef) =>
  program("custom", { x: f32(axis("n", symbol("n")), axis("width", 3)) }, ({ x }) => {
    const weight: Value = emit(ops.paramOp, [], { path: "weight", dims: [axis("width", 3)], dtype: "f32" });
    return { y: ops.mul(emit(op, [x]), ops.broadcast(weight, x)) };
  });

const weights = () => watched(memoryWeights([["weight", { shape: [3], data: Float32Array.of(1, 2, 4) }]]));

export const compileChecks: readonly Check[] = [
  ...[unheard, hiding].map((op) =>
    check(`an operation that cannot be run is refused before a weight is read (${op.name})`, async ({ backend }) => {
      const { weights: source, read } = weights();
      const error: unknown = await backend.compile({ custom: withOp(op) }, source).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(UnsupportedError);
      expect((error as Error).message).toMatch(/unheard_of/);
      if (op === hiding) expect((error as Error).message).toMatch(/hiding/);
      expect(read).toEqual([]);
    }),
  ),
  check("an operation of somebody's own is run by its meaning", async (tested) => {
    const graph = withOp(explained);
    verify(graph);
    const executable = await tested.backend.compile({ custom: graph }, weights().weights);
    const y = await runOne(executable, "custom", { x: hostF32([0, 1, 2, -3, 4, 5], [2, 3]) });
    executable.dispose();
    expectClose(tested, "y", y, { shape: [2, 3], data: [1, 4, 20, 10, 34, 104] });
  }),
  check("`supports` gives true or a reason, and gives no primitive up", async ({ backend }) => {
    const { programs } = modelOf(smallModel);
    for (const graph of Object.values(programs))
      for (const value of graph.results.values()) {
        const answer = backend.supports(value);
        expect(answer === true || (typeof answer === "string" && answer.length > 0)).toBe(true);
      }
    expect(backend.supports(emit(unheard, [ops.constant([1], [])]))).toBeTypeOf("string");
  }),
  check("an aborted compilation ends with the signal's reason, and reads nothing", async ({ backend }) => {
    const { programs, weights: source } = modelOf(smallModel);
    const watch = watched(source);
    const reason = new Error("enough");
    const compiling = backend.compile(programs, watch.weights, { signal: AbortSignal.abort(reason) });
    await expect(compiling).rejects.toBe(reason);
    expect(watch.read).toEqual([]);
  }),
  check("progress goes up to the number of weights", async ({ backend }) => {
    const { programs, weights: source } = modelOf(smallModel);
    const seen: { done: number; total: number; path: string }[] = [];
    const onProgress = (done: number, total: number, path: string) => void seen.push({ done, total, path });
    const executable = await backend.compile(programs, source, { onProgress });
    executable.dispose();
    const [last] = seen.slice(-1);
    if (last === undefined) return; // A backend may have nothing to tell.
    expect(last.done).toBe(last.total);
    for (const [i, { done, total }] of seen.entries()) {
      expect(total).toBe(last.total);
      expect(done).toBeGreaterThanOrEqual(seen[i - 1]?.done ?? 0);
    }
    for (const { path } of seen) expect([...source.keys()]).toContain(path);
  }),
  check("the estimate comes from headers, and a session's grows with its positions", async ({ backend }) => {
    const { programs, weights: source } = modelOf(smallModel);
    const watch = watched(source);
    const at = (past: number) => backend.estimate(programs, watch.weights, { past });
    expect(watch.read).toEqual([]);
    const numbers = [...source.keys()].reduce(
      (n, k) => n + (source.info(k)?.shape ?? []).reduce((m, d) => m * d, 1),
      0,
    );
    // Between half a byte a number, as in four-bit weights, and four copies in float64.
    expect(at(0).weights).toBeGreaterThanOrEqual(numbers / 2);
    expect(at(0).weights).toBeLessThanOrEqual(numbers * 32);
    const { layers, kvHeads, headDim } = smallModel.decoder;
    const row = layers * 2 * kvHeads * headDim;
    const grown = at(2000).session - at(1000).session;
    expect(grown).toBeGreaterThanOrEqual(1000 * row);
    expect(grown).toBeLessThanOrEqual(1000 * row * 32);
    const wide = backend.estimate(programs, watch.weights, { past: 0, seq: 500 });
    expect(wide.work).toBeGreaterThan(at(0).work);
    const { peak, fixed, weights, loading, session, work } = at(1000);
    expect(peak).toBe(fixed + weights + Math.max(loading, session + work));
  }),
];

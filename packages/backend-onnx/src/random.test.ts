import { randomGraph } from "@hulu/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { floats, ints, parity } from "../test/parity.js";

test("random graphs of primitives", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(9999), { minLength: 40, maxLength: 80 }), async (choices) => {
      const graph = randomGraph(choices);
      expect(Object.keys(graph.outputs).length).toBeGreaterThan(0);
      const run = (s: number, r: number) => ({
        x: floats([s, 3], 1),
        y: floats([r, 2, 3], 2),
        z: floats([3], 3),
        i: ints(
          Array.from({ length: s * 3 }, (_, n) => ((n * 7) % 5) - 1),
          [s, 3],
        ),
        k: ints(
          Array.from({ length: r * 2 }, (_, n) => n % 3),
          [r * 2],
        ),
      });
      await parity(graph, [run(3, 2), run(1, 1), run(2, 4), run(0, 2)], { bound: 1e-4 });
    }),
    { numRuns: Number(process.env.RUNS ?? 60), seed: Number(process.env.SEED ?? 11) },
  );
});

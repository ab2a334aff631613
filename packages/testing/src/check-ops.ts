import type { Tensor } from "@hulu/core";
import fc from "fast-check";
import { type Draw, draws, emptiable, type OpCase, type Sample, sampleOf } from "./cases/case.js";
import { opCases } from "./cases/index.js";
import { type Check, effort, type Tested } from "./check.js";
import { differs, type Nd } from "./nd.js";

/** Run an example on a backend: the last run's result. */
export async function runSample(backend: Tested["backend"], { graph, weights, runs }: Sample): Promise<Nd> {
  const executable = await backend.compile({ program: graph }, weights);
  try {
    const session = graph.states.length > 0 ? executable.createSession() : undefined;
    let y: Tensor | undefined;
    for (const feeds of runs) y = (await executable.run("program", feeds, session && { session })).y;
    const shape = y?.shape ?? [];
    const data = Array.from((await y?.read()) ?? []);
    session?.dispose();
    return { shape, data };
  } finally {
    executable.dispose();
  }
}

/** What a backend gets wrong in one example, or nothing. */
export async function checkSample(tested: Tested, c: OpCase, draw: Draw): Promise<string | undefined> {
  const sample = sampleOf(c, draw);
  const self = tested.backend === tested.reference;
  const wanted = self ? sample.direct() : await runSample(tested.reference, sample);
  const loosen = tested.loosen ?? 1;
  const bound = { abs: sample.bound.abs * loosen, rel: sample.bound.rel * loosen };
  return differs(await runSample(tested.backend, sample), wanted, bound);
}

/** Operations against their meaning: each case once with elements on every axis, and once with none on one of them. */
export const opChecks: readonly Check[] = opCases.flatMap((c) => [
  check(c, false),
  ...(emptiable(c).length > 0 ? [check(c, true)] : []),
]);

function check(c: OpCase, empty: boolean): Check {
  return {
    name: `${c.op}: ${c.about}${empty ? ", an axis of none" : ""}`,
    features: empty ? ["empty", ...c.features] : c.features,
    run: async (tested) => {
      const property = fc.asyncProperty(draws(c, empty), async (draw) => {
        const wrong = await checkSample(tested, c, draw);
        if (wrong !== undefined) throw new Error(wrong);
      });
      await fc.assert(property, effort(tested, empty ? 3 : 12));
    },
  };
}

import { modelOf, smallModel } from "@hulu/testing";
import { expect, test } from "vitest";
import { printPlan } from "./print.js";
import { planProgram } from "./program.js";

/** A vision-language model of one layer on either side. */
const { programs } = modelOf({ ...smallModel, decoder: { ...smallModel.decoder, layers: 1 } });

// Update with `npx vitest run -u` after looking at what changed.
test.each(Object.entries(programs))("the plan of %s", async (name, graph) => {
  const plan = planProgram(graph, { max: { batch: 1, seq: 16, past: 64, frame: 1, token: 4, window: 4 } });
  await expect(printPlan(plan)).toMatchFileSnapshot(`../../test/plans/${name}.txt`);
});

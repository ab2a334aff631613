import { reference } from "@hulu/backend-reference";
import { checks } from "@hulu/testing";
import { describe, test } from "vitest";
import { planned } from "../../test/backend.js";

/** What a plan has no part in. */
const elsewhere = /^(feeds|compile): /;

// In memory that holds nonsense wherever nothing was written, as no device promises to have.
describe("plans mean what their graphs mean", () => {
  for (const { name, run } of checks.filter((c) => !elsewhere.test(c.name)))
    test(name, () => run({ backend: planned, reference, effort: 0.5 }));
});

import { readFileSync } from "node:fs";
import { reference } from "@hulu/backend-reference";
import type { Backend } from "@hulu/core";
import { testBackend } from "@hulu/testing";
import { expect, test } from "vitest";
import { toy } from "../../examples/write-a-backend/toy.mjs";

const file = "examples/write-a-backend/toy.mjs";

test("a backend takes fewer than 100 lines", () => {
  expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThan(100);
});

// It computes one number at a time: one example of each property, however many others try.
testBackend("toy", toy as Backend, { reference, effort: 0.01 });

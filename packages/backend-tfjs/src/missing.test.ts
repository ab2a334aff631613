import { axis, f32, memoryWeights, program, symbol } from "@hulu/core";
import { expect, test, vi } from "vitest";
import { TfjsMissingError, tfjs } from "./index.js";

vi.mock("@tensorflow/tfjs-core", () => {
  throw new Error("Cannot find package '@tensorflow/tfjs-core'");
});

test("without TensorFlow.js there is an error that says what to do, at the first compilation", async () => {
  const graph = program("same", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ x }));
  expect(tfjs.estimate({ same: graph }, memoryWeights([]), {})).toMatchObject({ weights: 0, session: 0 });
  const failure = await tfjs.compile({ same: graph }, memoryWeights([])).catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(TfjsMissingError);
  expect(String(failure)).toMatch(
    /npm install @tensorflow\/tfjs-core@4\.22\.0 @tensorflow\/tfjs-backend-wasm@4\.22\.0/,
  );
});

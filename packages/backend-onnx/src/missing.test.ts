import { axis, f32, memoryWeights, program, symbol } from "@hulu/core";
import { expect, test, vi } from "vitest";
import { OnnxRuntimeMissingError, onnx } from "./index.js";

vi.mock("onnxruntime-node", () => {
  throw new Error("Cannot find package 'onnxruntime-node'");
});

test("without onnxruntime-node there is an error that says what to do, at the first compilation", async () => {
  const graph = program("same", { x: f32(axis("n", symbol("n"))) }, ({ x }) => ({ x }));
  expect(onnx.estimate({ same: graph }, memoryWeights([]), {})).toMatchObject({ weights: 0, session: 0 });
  const failure = await onnx.compile({ same: graph }, memoryWeights([])).catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(OnnxRuntimeMissingError);
  expect(String(failure)).toMatch(/npm install onnxruntime-node/);
});

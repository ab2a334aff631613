import { expect, test, vi } from "vitest";
import { small, smallWeights } from "../test/small.js";
import { WebgpuError, webgpu } from "./index.js";

vi.mock("webgpu", () => {
  throw new Error("Cannot find package 'webgpu'");
});

test("without the npm package there is an error in Node that says what to do, at the first compilation", async () => {
  expect(webgpu.estimate(small, smallWeights(), {})).toMatchObject({ weights: 256, session: 0 });
  const failure = await webgpu.compile(small, smallWeights()).catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(WebgpuError);
  expect(failure).toMatchObject({
    code: "package-missing",
    message: "WebGPU in Node needs the npm package webgpu: npm install webgpu",
  });
});

import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../bundle.js";
import { half, makeCheckpoint } from "./random-checkpoint.js";

interface Measured {
  /** By how much the process grew at the most, from a device without a model until the model was loaded. */
  readonly grown: number;
  /** What lies in the device's buffers then, which on SwiftShader is memory of the process too. */
  readonly buffers: number;
}

/** A fresh process loads a model onto SwiftShader. */
const measures = `
  import { readFileSync, writeFileSync } from "node:fs";
  import { webgpuBackend } from "@hulu/backend-webgpu";
  import { load } from "@hulu/engine";
  import { nodeGpu } from "@hulu/kernels/node";

  const [folder, weights] = process.argv.slice(2);
  const bytes = (field) =>
    1024 * Number(readFileSync("/proc/self/status", "utf8").split(field)[1].match(/[0-9]+/)[0]);
  const gpu = await nodeGpu({ kind: "software" });
  const adapter = await gpu.requestAdapter();
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  let buffers = 0;
  const create = device.createBuffer.bind(device);
  Object.defineProperty(device, "createBuffer", {
    value: (descriptor) => {
      buffers += descriptor.size;
      return create(descriptor);
    },
  });
  const before = bytes("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5"); // VmHWM starts again from what is resident now.
  const model = await load(folder, { backend: webgpuBackend({ device, weights }), contextLength: 256, worker: false });
  console.log(JSON.stringify({ grown: bytes("VmHWM") - before, buffers }));
  await model.dispose();
  device.destroy();
`;

const folder = join(".cache", `webgpu-memory-${process.pid}`);
/** 33 million parameters in the largest tensor, 0.2 billion in all. */
const shape = { decoder: { ...half.decoder, layers: 10 }, vision: { ...half.vision, layers: 2 } };
const LARGEST = shape.decoder.vocab * shape.decoder.embed;
const MB = 1e6;

describe.runIf(process.platform === "linux")("while a model goes to a GPU, the host", () => {
  let script: string;
  beforeAll(async () => {
    script = await bundle(measures, "kernels");
    await makeCheckpoint(folder, { ...shape, dtype: "BF16" });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // What the kernels' compiler takes is in it: on SwiftShader that is a part of this process.
  test.each([
    ["stored", 2],
    ["int4", 5 / 8],
  ])("never holds more than 256 MB and the largest tensor: weights %s", async (weights, bytesEach) => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder, weights], { timeout: 240_000 });
    const { grown, buffers } = JSON.parse(stdout) as Measured;
    const told = `${weights}: grown by ${Math.round(grown / MB)} MB, of which ${Math.round(buffers / MB)} are the device's buffers`;
    console.log(told);
    // The model did go there.
    expect(buffers, told).toBeGreaterThan(5 * LARGEST * bytesEach);
    expect(grown - buffers, told).toBeLessThan(256 * MB + LARGEST * bytesEach);
  });
});

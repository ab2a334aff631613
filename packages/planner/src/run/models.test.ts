import { hostI32, type MemoryEstimate, memoryWeights, type Tensor, type WeightSource } from "@hulu/core";
import { pack, type Storage, unpack } from "@hulu/kernels";
import { framesOf, idsOf, modelOf, smallModel } from "@hulu/testing";
import { describe, expect, test } from "vitest";
import { hostBackend } from "../../test/host-backend.js";
import { HostDevice } from "../../test/host-device.js";
import { planProgram } from "../plan/program.js";
import { weightLayouts } from "./weight-layout.js";

const { programs, weights } = modelOf(smallModel);

/** The numbers that a storage holds of each weight that may lie in it, as a source of float32. */
async function rounded(storage: Storage): Promise<WeightSource> {
  const plans = Object.values(programs).map((graph) => planProgram(graph));
  const layouts = weightLayouts(
    plans,
    (path) => weights.info(path)!,
    () => storage,
  );
  const tensors = [...layouts.values()].map(async ({ path, storage: lies, rows, width, stored }) => {
    const data = await weights.floats(path);
    return [path, { shape: stored.shape, data: unpack(lies, pack(lies, data, rows, width), rows, width) }] as const;
  });
  expect([...layouts.values()].filter((w) => w.storage === storage).length).toBeGreaterThan(20);
  return memoryWeights(await Promise.all(tensors));
}

async function logitsOf(source: WeightSource, storage: Storage): Promise<ArrayLike<number>> {
  const device = new HostDevice();
  const executable = await hostBackend(device, () => storage).compile(programs, source);
  const { tokens } = await executable.run(
    "encodeVision",
    framesOf({ frames: 1, rows: 2, cols: 2, merge: 1 }, smallModel),
  );
  const flat = (tokens as Tensor).reshape([4, smallModel.vision.width]);
  const { visual } = await executable.run("project", { tokens: flat, keep: hostI32([0, 1, 2, 3]) });
  const index = hostI32([-1, 0, 1, 2, 3], [1, 5]);
  const { embeds } = await executable.run("embedVisual", { ids: idsOf(smallModel, 5), visual: visual!, index });
  const { logits } = await executable.run("step", { embeds: embeds!, pick: hostI32([0, 1, 2, 3, 4]) });
  const numbers = await logits!.read();
  executable.dispose();
  expect(device.bytes).toBe(0);
  return numbers;
}

test.each(["bf16", "f16", "i8", "i4"] as const)(
  "a model in %s computes with the numbers that it holds",
  async (storage) => {
    const [lying, plain] = [await logitsOf(weights, storage), await logitsOf(await rounded(storage), "f32")];
    expect(lying.length).toBe(5 * smallModel.decoder.vocab);
    for (let i = 0; i < lying.length; i++) expect(Math.abs(lying[i]! - plain[i]!)).toBeLessThan(1e-5);
    const exact = await logitsOf(weights, "f32");
    expect(Array.from(lying)).not.toEqual(Array.from(exact));
  },
);

describe("the estimate of a model", () => {
  const most = { past: 700, seq: 90, batch: 1, pick: 90, frame: 2, patch: 16, token: 4, window: 4, row: 8, kept: 8 };
  const total = ({ weights, session, work }: MemoryEstimate) => weights + session + work;

  test.each(["stored", "i8"] as const)("%s: what is held at most is what was said", async (storage) => {
    const device = new HostDevice();
    const backend = hostBackend(device, () => storage);
    const estimate = backend.estimate(programs, weights, most);
    const executable = await backend.compile(programs, weights, { max: most });
    const session = executable.createSession();
    const kept: Tensor[] = [];
    const run = async (name: string, feeds: Parameters<typeof executable.run>[1], withSession = false) => {
      const results = await executable.run(name, feeds, withSession ? { session } : {});
      kept.push(...Object.values(results));
      return Object.values(results)[0]!;
    };
    const frames = framesOf({ frames: 2, rows: 2, cols: 2, merge: 2 }, smallModel);
    const tokens = await run("encodeVision", frames);
    const zeros = (...shape: number[]) => ({
      dtype: "f32" as const,
      shape,
      data: new Float32Array(shape.reduce((n, d) => n * d, 1)),
    });
    expect(tokens.shape).toEqual([2, 4, smallModel.vision.width]);
    if ("frameDifference" in programs)
      await run("frameDifference", {
        tokens: zeros(2, 4, smallModel.vision.width),
        before: zeros(4, smallModel.vision.width),
      });
    await run("project", { tokens: zeros(8, smallModel.vision.width), keep: hostI32([0, 1, 2, 3, 4, 5, 6, 7]) });
    const shape = [1, 90];
    const index = hostI32(new Int32Array(90).fill(-1), shape);
    await run("embedVisual", { ids: idsOf(smallModel, 90), visual: zeros(8, smallModel.decoder.embed), index });
    await run("embed", { ids: idsOf(smallModel, 90) });
    const pick = hostI32(Array.from({ length: 90 }, (_, i) => i));
    while (session.length < 700) {
      const count = (700 - session.length) % 90 || 90;
      const results = await executable.run(
        "step",
        { embeds: zeros(1, count, smallModel.decoder.embed), pick: hostI32(pick.data.slice(0, count) as Int32Array) },
        { session },
      );
      if (session.length < 700) results.logits!.dispose();
      else kept.push(results.logits!);
    }
    expect(device.peak).toBeLessThanOrEqual(total(estimate));
    expect(device.peak).toBeGreaterThanOrEqual(total(estimate) * 0.98);
    for (const tensor of kept) tensor.dispose();
    executable.dispose();
    expect(device.bytes).toBe(0);
  });
});

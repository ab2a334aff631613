import { type AnyKernel, kernels, wgslOf } from "@hulu/kernels";
import { KernelMismatch, type Runner, testKernel } from "@hulu/kernels/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { testRunner } from "../device.js";
import { mutantsOf, sampled } from "./mutate.js";
import { HEADER, type Planted, plant, rowsOf } from "./plant.js";

describe("a fault in a kernel is caught by its test", () => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await testRunner();
  });

  const plain = (kernel: AnyKernel) => kernel.variants.find(({ features }) => features.length === 0)!;
  test.each([
    ["off by one row", "rms_norm", "row * params.width", "(row + 1) * params.width"],
    ["a barrier dropped", "rms_norm", "workgroupBarrier();", ""],
    ["the last row left out", "rms_norm", "row >= params.rows", "row + 1 >= params.rows"],
    ["the sign of a rotation", "rotate", "pair.x * turn.x - pair.y * turn.y", "pair.x * turn.x + pair.y * turn.y"],
    ["sine for cosine", "rotate", "vec2f(cos[at], sin[at])", "vec2f(sin[at], cos[at])"],
  ])("%s, in %s", async (_, name, find, replace) => {
    const kernel = kernels.find((k) => k.name === name)!;
    const source = wgslOf(plain(kernel));
    expect(source).toContain(find);
    const variant = { ...plain(kernel), wgsl: [source.replace(find, replace)] };
    const error = await testKernel({ ...kernel, variants: [variant] }, runner, { seed: 1 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KernelMismatch);
    expect((error as Error).message).toMatch(/it must be|it wrote/);
  });
});

test("faults are planted in functions that are called, one at a time, and each differs", () => {
  const source = "fn used(i: u32) -> u32 { return i + 1; } // + \nfn unused(i: u32) -> u32 { return i + 2; }";
  const mutants = mutantsOf(source, new Set(["used"]));
  expect(mutants.map(({ after }) => after)).toEqual([expect.stringContaining("return i - 1;")]);
  expect(mutants[0]).toMatchObject({ rule: "the sign", line: 1 });
  expect(mutants[0]!.source).toContain("return i + 2;");
  const many = Array.from({ length: 9 }, (_, i) => ({ rule: i < 3 ? "a" : "b" }));
  expect(sampled(many, 2, () => 0).map(({ rule }) => rule)).toEqual(["a", "a", "b", "b"]);
});

// `HULU_KERNELS=rms_norm,copy` takes these alone, `HULU_EACH=1000` all faults and not a choice of them.
const asked = process.env.HULU_KERNELS?.split(",");
/** Each fault of theirs is some seconds of compiling on a CPU: they are planted where they are asked for. */
const SLOW = ["attention", "matmul"];
test.runIf(process.env.HULU_FUZZ === "many")(
  "faults planted into all kernels",
  async () => {
    const some = kernels.filter(({ name }) => asked?.includes(name) ?? !SLOW.includes(name));
    const each = Number(process.env.HULU_EACH ?? 1);
    console.log(HEADER);
    const onKernel = (ours: readonly Planted[]) => console.log(rowsOf(ours));
    const planted = await plant(some, { features: ["subgroups"], each, onKernel });
    const real = planted.filter(({ end }) => end !== "refused");
    expect(real.length).toBeGreaterThan(some.length);
    for (const { name } of some) {
      const ours = real.filter(({ kernel }) => kernel === name);
      expect(ours.filter(({ end }) => end !== "survived").length, name).toBeGreaterThan(ours.length / 2);
    }
  },
  3_600_000,
);

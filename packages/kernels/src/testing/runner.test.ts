import { testKernel } from "@hulu/kernels/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { testRunner } from "../../test/device.js";
import { twice, twiceWgsl } from "../../test/twice.js";

let runner: Awaited<ReturnType<typeof testRunner>>;
beforeAll(async () => {
  runner = await testRunner();
});

const example = { sizes: { rows: 3, width: 5 }, seed: 1, exact: true };
const run = (last?: string) => {
  const kernel = twice({ variants: [{ name: "f32", features: [], wgsl: [twiceWgsl(last)] }] });
  return testKernel(kernel, runner, { example });
};

describe("what a kernel does with memory, on the device that is there", () => {
  test("that is its own passes, in grids of one dimension and two", async () => {
    expect(await run()).toBe(1);
    expect(await testKernel(twice(), runner)).toBe(1);
  });

  test.each([
    ["one number behind its output", "if (i <= 15) { y[i] = 2.0 * x[i % 15]; }", /1 words behind the end of y/],
    ["far behind its output", "if (i < 15) { y[i] = 2.0 * x[i]; } y[i + 1000] = 1;", /words behind the end of y/],
    ["before its output", "if (i < 15) { y[i] = 2.0 * x[i]; y[i - 1] = 3; }", /behind the end of y|y\[/],
    ["not all of its output", "if (i < 14) { y[i] = 2.0 * x[i]; }", /y\[2, 4\] was not written, .*, it must be/],
    [
      "of what is behind its input",
      "if (i < 15) { y[i] = 2.0 * x[i] + 1e-30 * select(0.0, x[i + 1], i == 14); }",
      /y\[2, 4\] (is NaN|was not written, or is made of)/,
    ],
    ["a copy of what is behind its input", "y[i] = 2.0 * x[i];", /words behind the end of y/],
    ["as much as is bound", "if (i < arrayLength(&y)) { y[i] = 2.0 * x[i]; }", /behind the end of y/],
    ["one row less", "if (i < params.rows * params.width - params.width) { y[i] = 2.0 * x[i]; }", /y\[2, 0\] was not/],
  ])("is seen: it writes %s", async (_, last, message) => {
    await expect(run(last)).rejects.toThrow(message);
  });

  test("two dimensions are asked for: a kernel that ignores the second is found", async () => {
    const wgsl = [twiceWgsl().replace("id.x + id.y * groups.x * THREADS", "id.x")];
    const kernel = twice({ variants: [{ name: "f32", features: [], wgsl }] });
    await expect(testKernel(kernel, runner)).rejects.toThrow(
      /limits {3}maxStorage.*maxComputeWorkgroupsPerDimension 20/,
    );
  });

  test("a source that does not compile is told with its line and column", async () => {
    await expect(run("y[i] = 2 * nothing;")).rejects.toThrow(/twice: twice, f32, 64 threads: 10:14 .*nothing/);
  });
});

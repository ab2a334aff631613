import { type AnyKernel, type Kernel, rmsNorm } from "@hulu/kernels";
import { type Example, formsOf, type KernelForm, KernelMismatch, type Runner, testKernel } from "@hulu/kernels/testing";
import { describe, expect, test } from "vitest";
import { twice } from "../../test/twice.js";

/** A runner of somebody's own, over plain numbers: what has no GPU is tested in the same way. */
const plain: Runner = {
  name: "plain",
  supports: () => true,
  run: async ({ kernel }, params, inputs) => kernel.reference(params, inputs),
};

/** The same, one output changed by what a wrong kernel would do. */
const broken = (change: (numbers: Float64Array) => ArrayLike<number> | undefined, output = "y"): Runner => ({
  ...plain,
  run: async ({ kernel }, params, inputs) => {
    const right = kernel.reference(params, inputs);
    return { ...right, [output]: change(Float64Array.from(right[output]!)) } as typeof right;
  },
});

const mismatch = async (runner: Runner, options = {}): Promise<KernelMismatch> => {
  const error = await testKernel(rmsNorm, runner, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(KernelMismatch);
  return error as KernelMismatch;
};

describe("a runner of somebody's own", () => {
  test("that gives what the reference gives passes, in every form that it supports", async () => {
    expect(await testKernel(rmsNorm, plain)).toBe(formsOf(rmsNorm as AnyKernel).length);
    expect(await testKernel(rmsNorm, { ...plain, supports: (_, __, { invocations }) => invocations < 100 })).toBe(2);
    expect(await testKernel(rmsNorm, { ...plain, supports: () => false })).toBe(0);
  });

  test("that is wrong in the last number is told the place, the numbers, the form and the sizes", async () => {
    const last = broken((y) => y.fill(7, y.length - 1));
    const { message, wrong, example } = await mismatch(last, {
      only: (f: KernelForm) => f.variant.name === "f32" && f.preset.name === "64 threads",
    });
    expect(wrong).toMatchObject({ output: "y", index: 0, got: 7 });
    expect(message).toContain(`y[0, 0] is 7, it must be ${wrong!.wanted} within `);
    expect(message).toContain("1 of the 1 numbers of y [1 1] are wrong");
    expect(message).toContain("variant f32, preset 64 threads, on plain");
    expect(message).toContain("rows 1, width 1, eps 0.5");
    // The message's own example fails in the same way, and alone.
    const again = JSON.parse(/example: (\{.*\}) \}/.exec(message)![1]!) as Example;
    expect(again).toEqual(example);
    expect((await mismatch(last, { example: again })).wrong).toEqual(wrong);
  });

  test.each([
    ["gives NaN", (y: Float64Array) => y.fill(Number.NaN, 0, 1), /y\[0, 0\] is NaN/],
    ["gives too few", (y: Float64Array) => y.subarray(1), /y has 0 numbers, it must have 1/],
    ["gives none", () => undefined, /y was not given back/],
    ["has the wrong sign", (y: Float64Array) => y.map((x) => -x), /off by/],
  ])("that %s is refused", async (_, change, message) => {
    expect((await mismatch(broken(change))).message).toMatch(message);
  });

  test("that throws is quoted, with the example", async () => {
    const cause = new Error("out of paper");
    const error = await mismatch({ ...plain, run: () => Promise.reject(cause) });
    expect(error.message).toMatch(/^rms_norm: out of paper\n.*\n {2}params {3}rows 1/);
    expect(error.cause).toBe(cause);
  });
});

test("what only random sizes show is shrunk to the smallest that shows it", async () => {
  // Wrong from 300 numbers a row on: none of the examples that the contract names.
  const wide: Runner = {
    ...plain,
    run: async ({ kernel }, params, inputs) => {
      const { y } = kernel.reference(params, inputs);
      return { y: params.width! < 300 ? y! : Float64Array.from(y!).fill(0) };
    },
  };
  const { example } = await mismatch(wide, { runs: 100, seed: 5 });
  expect(example.sizes).toEqual({ rows: 1, width: 300 });
});

describe("small limits", () => {
  /** What a plan was asked with, beside the limits of the device. */
  const cutsOf = async (kernel: Kernel<"rows" | "width", "x" | "y">) => {
    const seen = new Set<string>();
    await testKernel(kernel, plain, {
      onExample: (_, { limits = "device" }, launches) =>
        seen.add(`${limits} ${launches.length} ${launches[0]?.workgroups}`),
      runs: 0,
    });
    return [...seen];
  };

  test("make a grid of one dimension go along two", async () => {
    expect(await cutsOf(twice())).toEqual(["device 1 40,1,1", "workgroups 1 20,2,1"]);
  });

  test("make a kernel that can be cut by rows be cut, and refuse parts that are too large or begin nowhere", async () => {
    const byRows = (most: (limit: number) => number) =>
      twice({
        launches: ({ rows, width }, { limits }) => {
          const step = Math.max(1, most(Math.floor(limits.maxStorageBufferBindingSize / (4 * width))));
          const starts = Array.from({ length: Math.ceil(rows / step) }, (_, i) => i * step);
          return starts.map((from) => {
            const range = [from, Math.min(rows, from + step)] as const;
            return { entry: "main", workgroups: [1, 1, 1], rows: { x: range, y: range } };
          });
        },
      });
    expect(await cutsOf(byRows((n) => n))).toEqual(["device 1 1,1,1", "bindings 2 1,1,1"]);
    await expect(cutsOf(byRows((n) => n + 1))).rejects.toThrow(/binds 5376 bytes of x, where 5120 can be bound/);
  });

  test.each([
    [{ entry: "nowhere", workgroups: [1, 1, 1] }, /launch 0 of 1 has the entry nowhere; the source has main/],
    [{ entry: "main", workgroups: [1, 70_000, 1] }, /has 1 x 70000 x 1 workgroups, where a dimension may have 65535/],
    [{ entry: "main", workgroups: [1, 1, 1], rows: { x: [1, 2] } }, /binds x from byte 132, no multiple of 256/],
    [{ entry: "main", workgroups: [1, 1, 1], rows: { x: [0, 41] } }, /binds rows 0 to 41 of x, which has 40/],
    [{ entry: "main", workgroups: [1, 1, 1], rows: { z: [0, 1] } }, /binds rows of z, which is no buffer/],
    [{ entry: "main", workgroups: [1, 1, 1], params: { row0: 1 } }, /sets row0, which is none of the parameters/],
  ])("hold a plan to its contract: %j", async (launch, message) => {
    const kernel = twice({ launches: () => [launch as never] });
    const example = { sizes: { rows: 40, width: 33 }, seed: 1, exact: true };
    await expect(testKernel(kernel, plain, { example })).rejects.toThrow(message);
  });
});

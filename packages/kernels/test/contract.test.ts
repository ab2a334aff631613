import { readdirSync, readFileSync } from "node:fs";
import { anyKernel, kernels, Random, rmsNorm } from "@hulu/kernels";
import { formsOf } from "@hulu/kernels/testing";
import { expect, test } from "vitest";
import { launchesOf, tightLimits } from "../src/testing/limits.js";
import { contradictions } from "./contract.js";

// The layout that the host writes is held against what the source declares, in every variant; and the list of kernels
// against what there is of each.

const all = kernels.map((kernel) => [kernel.name, kernel] as const);
const here = new URL("../", import.meta.url);

test.each(all)("%s has the parameters, bindings, constants and entry points of its contract", (_, kernel) => {
  expect(kernel.variants.flatMap((variant) => contradictions(kernel, variant))).toEqual([]);
});

const [variant] = rmsNorm.variants;
const withSource = (find: string, replace: string) => {
  const wgsl = variant!.wgsl.join("\n");
  expect(wgsl).toContain(find);
  return contradictions(anyKernel(rmsNorm), { ...variant!, wgsl: [wgsl.replace(find, replace)] }).join("\n");
};
test.each([
  [
    "parameters in another order",
    "rows: u32,\n  width: u32,",
    "width: u32,\n  rows: u32,",
    /Params has width: u32 at 0, not rows: u32/,
  ],
  ["a parameter of another type", "eps: f32", "eps: u32", /Params has eps: u32 at 8, not eps: f32/],
  ["one parameter more", "eps: f32,", "eps: f32,\n  more: f32,", /Params goes on with more/],
  [
    "bindings the other way round",
    "@binding(1)",
    "@binding(4)",
    /binding 4, x, is not in the contract\n.*binding 1 must be x; there is none/,
  ],
  ["an output that is read alone", "var<storage, read_write> y", "var<storage, read> y", /y is read, not read_write/],
  ["whole numbers for floats", "weight: array<f32>", "weight: array<u32>", /weight has elements u32/],
  [
    "an override that no preset sets",
    "struct Params",
    "override MORE: u32 = 1;\nstruct Params",
    /sets THREADS; the source has MORE,THREADS/,
  ],
  [
    "larger workgroups than it says",
    "@workgroup_size(THREADS)",
    "@workgroup_size(THREADS, 2)",
    /says 256 threads; there are 512/,
  ],
  ["more memory than it says", "array<f32, THREADS>", "array<vec4<f32>, THREADS * 9>", /says \d+ bytes; there are \d+/],
  ["no entry point", "@compute", "", /there is no entry point/],
])("a source with %s is found", (_, find, replace, message) => {
  expect(withSource(find, replace)).toMatch(message);
});

test("no two kernels have one name, and each source belongs to one of them or to several as a piece", () => {
  expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
  const files = readdirSync(new URL("../../kernels/wgsl/", here)).filter((file) => file.endsWith(".wgsl"));
  const sources = kernels.flatMap((kernel) => kernel.variants.flatMap(({ wgsl }) => wgsl));
  const unused = files.filter(
    (file) => !sources.includes(readFileSync(new URL(`../../kernels/wgsl/${file}`, here), "utf8")),
  );
  expect(unused).toEqual([]);
});

test.each(all)("%s says what it is, and how it is tested and measured", (_, kernel) => {
  const { always, sizes, bench } = kernel.cases;
  expect(kernel.formula.length).toBeGreaterThan(5);
  expect(Object.keys(kernel.buffers).length).toBeLessThanOrEqual(8);
  expect(always.length).toBeGreaterThan(0);
  for (const named of [...always, ...Object.values(bench)])
    expect(Object.keys(named).filter((name) => !(name in sizes))).toEqual([]);
  expect(Object.keys(bench).length).toBeGreaterThan(0);
  for (const { about } of Object.values(kernel.params)) expect(about).toMatch(/\w/);
  // WebGPU guarantees 256 threads and 16 KiB.
  const last = kernel.presets.at(-1)!;
  expect(last.invocations).toBeLessThanOrEqual(256);
  expect(last.workgroupBytes).toBeLessThanOrEqual(16_384);
  // What needs a feature is never the only one of its storage.
  for (const { storage } of kernel.variants)
    expect(kernel.variants.some((v) => v.storage === storage && v.features.length === 0)).toBe(true);
});

test("every kernel is tested by a file beside it", () => {
  const folder = new URL("src/kernels/", here);
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
  const tested = files
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .filter((text) => text.includes("testKernel("));
  const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const missing = kernels.filter(({ name }) => !tested.some((text) => new RegExp(`\\b${camel(name)}\\b`).test(text)));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test.each(all.filter(([, { buffers }]) => Object.values(buffers).some(({ element }) => element === "weight")))(
  "%s is cut where its weight is over the limit of a binding, in examples that are always tried",
  (_, kernel) => {
    const storages = new Set(kernel.variants.map(({ storage }) => storage));
    const cut = formsOf(kernel).filter((form) =>
      kernel.cases.always.some((sizes) => {
        const { params } = kernel.cases.make(sizes, new Random(1, true));
        const limits = tightLimits(form, params, "bindings");
        const launches = limits === undefined ? [] : launchesOf(form, params, limits);
        return launches.some(({ rows }) => rows?.weight !== undefined);
      }),
    );
    expect(new Set(cut.map(({ variant }) => variant.storage))).toEqual(storages);
  },
);

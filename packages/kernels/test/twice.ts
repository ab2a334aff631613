import { defineKernel, grid, type Kernel } from "@hulu/kernels";

type Twice = Kernel<"rows" | "width", "x" | "y">;

/** WGSL that doubles numbers, one thread an element, but for its last line. */
export const twiceWgsl = (last = "if (i < params.rows * params.width) { y[i] = 2.0 * x[i]; }") => `
struct Params { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override THREADS: u32 = 64;
@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * THREADS;
  ${last}
}`;

/** The smallest kernel there is, for tests of the tests: y = 2 x. */
export const twice = (change: Partial<Twice> = {}): Twice =>
  defineKernel<"rows" | "width", "x" | "y">({
    name: "twice",
    formula: "y = 2 x",
    params: { rows: { type: "u32", about: "rows" }, width: { type: "u32", about: "numbers in a row" } },
    buffers: {
      x: { role: "input", element: "f32", shape: ({ rows, width }) => [rows, width] },
      y: { role: "output", element: "f32", shape: ({ rows, width }) => [rows, width] },
    },
    variants: [{ name: "f32", features: [], wgsl: [twiceWgsl()] }],
    presets: [{ name: "64 threads", constants: { THREADS: 64 }, invocations: 64, workgroupBytes: 0 }],
    launches: ({ rows, width }, { limits }) => [
      { entry: "main", workgroups: grid(rows * width, 64, limits.maxComputeWorkgroupsPerDimension) },
    ],
    reference: (_, { x = [] }) => ({ y: Float64Array.from(x, (n) => 2 * n) }),
    tolerance: () => ({ abs: 0, rel: 0, why: "doubling is exact" }),
    work: ({ rows, width }) => ({ bytes: 8 * rows * width, flops: rows * width }),
    cases: {
      sizes: { rows: [0, 40], width: [1, 100] },
      always: [{ rows: 40, width: 64 }],
      exact: true,
      make: ({ rows = 1, width = 1 }, random) => ({
        params: { rows, width },
        inputs: { x: random.numbers(rows * width) },
      }),
      bench: {},
    },
    ...change,
  });

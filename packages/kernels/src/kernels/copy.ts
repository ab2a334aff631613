import wgsl from "../../../../kernels/wgsl/copy.wgsl";
import { threadPresets } from "../elementwise.js";
import { defineKernel, type ParamSpec, type Params } from "../kernel.js";
import { copyCases } from "./copy/cases.js";
import { type Axis, axesOf, type CopyParam, copyLaunches, count, lastRead } from "./copy/launches.js";

const sixfold = (about: string): ParamSpec => ({ type: "u32", about });
const size = sixfold("places along this axis, the last of the six the fastest; 1 where there are fewer axes");
const read = sixfold("elements from one place to the next in x; 0 repeats");
const written = sixfold("elements from one place to the next in y; no two places may be one");

/** Numbers to other places, whatever their four bytes mean: rearrange, repeat, take a part, put a part. */
export const copy = defineKernel({
  name: "copy",
  formula: "y[to + sum of place * t] = x[from + sum of place * s], for all places of d0 x ... x d5",
  params: {
    count: { type: "u32", about: "the product of the six sizes" },
    ...{ d0: size, d1: size, d2: size, d3: size, d4: size, d5: size },
    ...{ s0: read, s1: read, s2: read, s3: read, s4: read, s5: read },
    ...{ t0: written, t1: written, t2: written, t3: written, t4: written, t5: written },
    from: { type: "u32", about: "where in x the first place is" },
    to: { type: "u32", about: "where in y the first place is" },
    size: { type: "u32", about: "elements of y" },
  },
  buffers: {
    x: { role: "input", element: "u32", shape: (params) => [lastRead(params)] },
    y: { role: "inout", element: "u32", shape: (params) => [params.size] },
  },
  variants: [{ name: "words", features: [], wgsl: [wgsl] }],
  presets: threadPresets,
  launches: copyLaunches,
  reference(params, { x = [], y = [] }) {
    const out = Float64Array.from(y);
    // In float64 any four bytes are exact, be they whole numbers or not.
    if (params.count > 0) walk(axesOf(params), params.from, params.to, (from, to) => (out[to] = x[from]!));
    return { y: out };
  },
  tolerance: () => ({ abs: 0, rel: 0, why: "numbers are moved" }),
  work: (params: Params<CopyParam>) => ({ bytes: 8 * count(axesOf(params)), flops: 0 }),
  cases: copyCases,
});

function walk(axes: readonly Axis[], from: number, to: number, visit: (from: number, to: number) => void): void {
  const [axis, ...rest] = axes;
  if (axis === undefined) visit(from, to);
  else for (let i = 0; i < axis.size; i++) walk(rest, from + i * axis.from, to + i * axis.to, visit);
}

import {
  type Axis,
  addSizes,
  type Env,
  evaluate,
  FeedError,
  type Graph,
  type HostTensor,
  ops,
  printSize,
  rootsOf,
  type Size,
  topological,
} from "@hulu/core";
import { axisIndex } from "./emission.js";
import { type IndexCheck, indexCheck } from "./emit/gather.js";

/** What is checked before ONNX Runtime sees a run: it would stop in words of its own, or read something else. */
export interface Checks {
  readonly indices: readonly IndexCheck[];
  /** Sizes that could come out below zero. */
  readonly sizes: readonly Size[];
  /** Ends of slices, which may not lie beyond their axis. */
  readonly slices: readonly { readonly end: Size; readonly full: Size; readonly axis: string }[];
}

export function checksOf(graph: Graph): Checks {
  const nodes = topological(rootsOf(graph));
  const indices = unique(nodes.flatMap((v) => (v.op === ops.gatherOp ? (indexCheck(v) ?? []) : [])));
  const slices = nodes.flatMap((v) => {
    if (v.op !== ops.sliceOp) return [];
    const { start, to, axis } = v.attrs as { start: Size; to: Axis; axis: string };
    const x = v.inputs[0]!;
    return [{ end: addSizes(start, to.size), full: x.dims[axisIndex(x, axis)]!.size, axis }];
  });
  const starts = nodes.flatMap((v) => (v.op === ops.sliceOp ? [v.attrs.start as Size] : []));
  const sizes = unique([...starts, ...nodes.flatMap((v) => v.dims.map((d) => d.size))].filter(mayBeNegative));
  return {
    indices,
    sizes,
    slices: unique(slices.filter((s) => typeof s.end !== "number" || typeof s.full !== "number")),
  };
}

const mayBeNegative = (size: Size): boolean =>
  typeof size === "number" ? size < 0 : Object.values(size.terms).some((factor) => factor < 0);

const unique = <T>(list: readonly T[]): T[] => [...new Map(list.map((x) => [JSON.stringify(x), x])).values()];

/** @throws FeedError that names the input or the size */
export function runChecks(name: string, checks: Checks, fed: ReadonlyMap<string, HostTensor>, env: Env): void {
  for (const size of checks.sizes)
    if (evaluate(size, env) < 0)
      throw new FeedError(`${name}: the size ${printSize(size)} would be ${evaluate(size, env)}`);
  for (const { end, full, axis } of checks.slices)
    if (evaluate(end, env) > evaluate(full, env))
      throw new FeedError(
        `${name}: ${evaluate(end, env)} is past the end of ${axis}, which has ${evaluate(full, env)}`,
      );
  for (const { input, floor, rows, axis } of checks.indices) {
    const most = evaluate(rows, env);
    for (const fedIndex of fed.get(input)!.data) {
      const index = Math.max(fedIndex, floor);
      if (index < 0 || index >= most)
        throw new FeedError(`${name}: the index ${index} in ${input} is outside ${axis}, which has ${most} rows`);
    }
  }
}

import { reference } from "@hulu/backend-reference";
import {
  type Axis,
  type Backend,
  type Env,
  emit,
  type Graph,
  type HostTensor,
  hostF32,
  hostI32,
  memoryWeights,
  ops,
  paramsOf,
  type Value,
  verify,
  type WeightSource,
} from "@hulu/core";
import { expect } from "vitest";
import { onnx } from "../src/index.js";

/** Numbers in [-1, 1) from a seed: the same in every run. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
}

const count = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

export function floats(shape: readonly number[], seed: number): HostTensor {
  const next = random(seed);
  return hostF32(Float32Array.from({ length: count(shape) }, next), shape);
}
export const ints = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor =>
  hostI32(values, shape);

/** A parameter of a program, outside any module. */
export const parameter = (path: string, ...dims: readonly Axis[]): Value<string> =>
  emit<string>(ops.paramOp, [], { path, dims, dtype: "f32" });

/** `linear` of values whose axes the compiler does not know. */
export const linear = (x: Value, weight: Value, bias?: Value): Value<string> =>
  emit<string>(ops.linearOp, bias === undefined ? [x, weight] : [x, weight, bias]);

/** Random weights for the parameters of a program, of a size that keeps sums near one. */
export function weightsFor(...graphs: readonly Graph[]): WeightSource {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const graph of graphs)
    for (const [path, node] of paramsOf(graph)) {
      const shape = node.dims.map((d) => d.size as number);
      const scale = shape.length > 1 ? 1 / Math.sqrt(count(shape.slice(1))) : 1;
      const { data } = floats(shape, tensors.size + 1);
      tensors.set(path, { shape, data: Float32Array.from(data, (x) => x * scale) });
    }
  return memoryWeights(tensors);
}

export type Inputs = Readonly<Record<string, HostTensor>>;

async function results(
  backend: Backend,
  graph: Graph,
  runs: readonly Inputs[],
  weights: WeightSource,
  session: boolean,
  max: Env | undefined,
): Promise<{ readonly shape: readonly number[]; readonly data: ArrayLike<number> }[]> {
  using executable = await backend.compile({ [graph.name]: graph }, weights, max === undefined ? {} : { max });
  const held = session ? executable.createSession() : undefined;
  const all = [];
  for (const inputs of runs)
    for (const tensor of Object.values(
      await executable.run(graph.name, inputs, held === undefined ? {} : { session: held }),
    ))
      all.push({ shape: tensor.shape, data: await tensor.read() });
  return all;
}

export interface ParityOptions {
  /** The most that a number may differ by, and that again for each unit of its size. */
  readonly bound?: number;
  /** Run all inputs in one session, one after another. */
  readonly session?: boolean;
  readonly weights?: WeightSource;
  readonly max?: Env;
}

/** Run a program on both backends, and hold ONNX Runtime to the reference. */
export async function parity(
  graph: Graph,
  runs: readonly Inputs[],
  { bound = 2e-6, session = false, weights = weightsFor(graph), max }: ParityOptions = {},
): Promise<void> {
  verify(graph);
  const wanted = await results(reference, graph, runs, weights, session, max);
  const found = await results(onnx, graph, runs, weights, session, max);
  expect(found.map((t) => t.shape)).toEqual(wanted.map((t) => t.shape));
  for (const [i, { data }] of found.entries())
    for (let j = 0; j < data.length; j++) {
      const [a, b] = [data[j]!, wanted[i]!.data[j]!];
      if (!(Object.is(a, b) || Math.abs(a - b) <= bound * (1 + Math.abs(b))))
        expect.fail(`${graph.name}: result ${i}, number ${j}: ${a}, the reference has ${b}`);
    }
}

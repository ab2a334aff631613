import { bindSizes, type Graph, type HostTensor, hostF32, hostI32 } from "@hulu/core";
import { framesOf, modelOf, Random, smallModel } from "@hulu/testing";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { closure } from "./closure.js";
import { layoutsOf, prepare } from "./graph.js";
import type { TfTensor } from "./runtime.js";

/** In Node, TensorFlow.js does not register its gradients: they are in a file that only a bundler can import. */
const GRADIENTS = "@tensorflow/tfjs-core/dist/register_all_gradients.js";

beforeAll(async () => {
  await import(GRADIENTS);
  await import("@tensorflow/tfjs-backend-cpu");
  await tf.setBackend("cpu");
}, 60_000);

const { programs, weights } = modelOf({ ...smallModel, seed: 5 });
const random = new Random(11);
const floats = (...shape: number[]): HostTensor =>
  hostF32(
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.float(-1, 1)),
    shape,
  );
const { embed } = smallModel.decoder;

/** The weighted sum of everything that a program gives, as a function of its weights. */
async function lossOf(graph: Graph, feeds: Readonly<Record<string, HostTensor>>) {
  const prepared = prepare(graph);
  const run = closure(prepared);
  const paths = [...new Set([...layoutsOf([prepared]).values()].map((l) => l.path))];
  const env = bindSizes(graph, new Map(Object.entries(feeds).map(([name, t]) => [name, t.shape])), { past: 0 });
  const inputs = new Map(
    Object.entries(feeds).map(([name, t]) => [
      name,
      tf.tensor(t.data, [...t.shape], t.dtype === "f32" ? "float32" : "int32"),
    ]),
  );
  const loss = (...held: TfTensor[]): TfTensor => {
    const leaves = {
      input: (name: string) => inputs.get(name)!,
      state: () => tf.zeros([1, 0, smallModel.decoder.kvHeads, smallModel.decoder.headDim]),
      weight: ({ path, transposed }: { path: string; transposed: number | undefined }) => {
        const stored = held[paths.indexOf(path)]!;
        return transposed === undefined ? stored : tf.transpose(tf.reshape(stored, [transposed, -1]));
      },
    };
    const results = [...run({ tf, reserve: () => {} }, leaves, env).values()];
    const each = results.map((y) => tf.sum(tf.mul(y, tf.cos(tf.reshape(tf.range(0, y.size), y.shape)))));
    return tf.addN(each);
  };
  const start = await Promise.all(
    paths.map(async (path) => tf.tensor(await weights.floats(path), [...weights.info(path)!.shape])),
  );
  return { paths, start, loss };
}

const step = (seq: number) => ({ embeds: floats(1, seq, embed), pick: hostI32([seq - 1, 0]) });

describe("gradients can be taken through a closure, and agree with differences", () => {
  test.each([
    ["encodeVision", framesOf({ frames: 2, rows: 2, cols: 4, merge: 2 }, smallModel)],
    ["project", { tokens: floats(3, smallModel.vision.width), keep: hostI32([2, 0]) }],
    ["embed", { ids: hostI32([3, 1, 3], [1, 3]) }],
    // Of few rows and of many, which attention computes in two ways.
    ["step", step(3)],
    ["step", step(9)],
  ] as const)("%s", async (name, feeds) => {
    const { paths, start, loss } = await lossOf(programs[name], feeds as Readonly<Record<string, HostTensor>>);
    const gradients = tf.grads(loss as (...args: TfTensor[]) => TfTensor)(start);
    for (const [i, path] of paths.entries()) {
      const along = tf.tensor(floats(...start[i]!.shape).data, start[i]!.shape);
      const at = (by: number) =>
        loss(...start.map((w, j) => (j === i ? tf.add(w, tf.mul(along, by)) : w))).dataSync()[0]!;
      const h = 2 ** -9;
      const wanted = (at(h) - at(-h)) / (2 * h);
      const found = tf.sum(tf.mul(gradients[i]!, along)).dataSync()[0]!;
      // The error of the difference itself, of order h^2, and what rounding leaves of it after a division by h.
      expect(Math.abs(found - wanted), path).toBeLessThan(3e-3 * Math.max(1, Math.abs(wanted)));
    }
  });
});

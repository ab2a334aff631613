import {
  type Backend,
  type Compiled,
  compile,
  hostF32,
  hostI32,
  memoryWeights,
  type Session,
  type StoredTensor,
  vlmFromCheckpoint,
  vlmPrograms,
  type WeightSource,
} from "@hulu/core";
import { pack, unpack } from "@hulu/kernels";
import { type StorageOf, weightLayouts } from "@hulu/planner";
import { embedPicture, type GoldenCase, openGoldens, pictureInputs } from "@hulu/testing";
import { plansOf } from "../src/compile.js";

type Model = Compiled<ReturnType<typeof vlmPrograms>>;
export type Golden = Awaited<ReturnType<typeof openGolden>>;

/** A model of the goldens, and its picture. */
export async function openGolden(variant: string) {
  const golden = await openGoldens(`test/data/goldens/${variant}`);
  const { config, model, weights } = vlmFromCheckpoint(golden.config, golden.weights);
  const picture: GoldenCase = await golden.case("case-image-array");
  return { config, programs: vlmPrograms(model), weights, picture };
}

/** Everything that the case of one picture goes through, on a backend. */
export async function runPicture(
  backend: Backend,
  { config, programs, weights, picture }: Golden,
  given: { readonly weights?: WeightSource; readonly tokens?: readonly number[] } = {},
) {
  const compiled = await compile(backend, programs, given.weights ?? weights);
  try {
    const { embed: width, vocab } = config.decoder;
    const inputs = pictureInputs(picture);
    const { tokens, visual, embeds: spliced } = await embedPicture(compiled, config, inputs);
    const embeds = (await spliced.read()) as Float32Array;
    using session = compiled.createSession();
    const step = async (rows: Float32Array, pick: readonly number[]) => {
      const feed = { embeds: hostF32(rows, [1, rows.length / width, width]), pick: hostI32(pick) };
      const { logits } = await compiled.run("step", feed, { session });
      return (await logits.read()) as Float32Array;
    };
    const logits = await step(
      embeds,
      inputs.ids.map((_, i) => i),
    );
    const decoded = await decode(compiled, step, logits.subarray(-vocab), given.tokens);
    const pieces = await inPieces(compiled, embeds, width);
    return { merged: await tokens.read(), projected: await visual.read(), embeds, logits, pieces, ...decoded };
  } finally {
    compiled.dispose();
  }
}

/** Twelve tokens one by one: the likeliest, or those that are given. */
async function decode(
  compiled: Model,
  step: (rows: Float32Array, pick: readonly number[]) => Promise<Float32Array>,
  first: Float32Array,
  given?: readonly number[],
) {
  let last = first;
  const tokens: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < 12; i++) {
    steps.push(...last);
    tokens.push(last.indexOf(Math.max(...last)));
    const id = given?.[i] ?? tokens.at(-1)!;
    const next = await compiled.run("embed", { ids: hostI32([id], [1, 1]) });
    last = await step((await next.embeds.read()) as Float32Array, [0]);
  }
  return { tokens, steps };
}

/** The logits of a prompt that goes through the decoder in pieces. */
async function inPieces(compiled: Model, embeds: Float32Array, width: number): Promise<number[]> {
  using session: Session = compiled.createSession();
  const logits: number[] = [];
  for (let at = 0, turn = 0; at < embeds.length / width; turn++) {
    const count = Math.min([7, 1, 20, 2][turn % 4]!, embeds.length / width - at);
    const rows = embeds.slice(at * width, (at + count) * width);
    const result = await compiled.run(
      "step",
      { embeds: hostF32(rows, [1, count, width]), pick: hostI32(Array.from({ length: count }, (_, i) => i)) },
      { session },
    );
    logits.push(...(await result.logits.read()));
    at += count;
  }
  return logits;
}

/** The weights as a device holds them, in plain numbers: what a storage cannot hold is rounded as it rounds. */
export async function asHeld({ programs, weights }: Golden, storageOf: StorageOf): Promise<WeightSource> {
  const layouts = weightLayouts(
    plansOf(programs, {}).values(),
    (path) => weights.info(path) as StoredTensor,
    storageOf,
  );
  const tensors = [...layouts.values()].map(async ({ path, storage, rows, width, stored }) => {
    const data = await weights.floats(path);
    return [
      path,
      { shape: stored.shape, data: unpack(storage, pack(storage, data, rows, width), rows, width) },
    ] as const;
  });
  return memoryWeights(await Promise.all(tensors));
}

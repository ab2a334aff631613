import { readFileSync } from "node:fs";
import {
  type Compiled,
  compile,
  hostF32,
  hostI32,
  memoryWeights,
  type Session,
  vlmFromCheckpoint,
  vlmPrograms,
} from "@hulu/core";
import { embedPicture, maxAbs } from "@hulu/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldens, readTensors } from "../test/golden.js";
import { onnx } from "./index.js";

type Model = Compiled<ReturnType<typeof vlmPrograms>>;

// What the released code gave, run in PyTorch; the bounds are those of the goldens' README.
describe.each(["q3-p16", "q2-p14"])("%s", (variant) => {
  const dir = goldens(variant);
  const golden = readTensors(`${dir}case-image-array.safetensors`);
  const get = (name: string) => golden.get(name)!.data;
  const checkpoint = vlmFromCheckpoint(
    JSON.parse(readFileSync(`${dir}config.json`, "utf8")),
    memoryWeights(readTensors(`${dir}model.safetensors`)),
  );
  const { config, model, weights } = checkpoint;
  const ids = [...get("in.input_ids")];
  let compiled: Model;
  let embeds: Float32Array;
  beforeAll(async () => {
    compiled = await compile(onnx, vlmPrograms(model), weights);
  });
  afterAll(() => compiled?.dispose());

  const vocab = config.decoder.vocab;
  const width = config.decoder.embed;
  const step = async (session: Session, rows: Float32Array, pick: readonly number[]) => {
    const positions = rows.length / width;
    const feed = { embeds: hostF32(rows, [1, positions, width]), pick: hostI32(pick) };
    const { logits } = await compiled.run("step", feed, { session });
    return (await logits.read()) as Float32Array;
  };

  test("a picture becomes rows of the decoder's width", async () => {
    const grid = [...get("in.grid_sizes")] as [number, number, number];
    const picture = await embedPicture(compiled, config, { pixels: get("in.pixel_values"), grid, ids });
    expect(maxAbs(await picture.tokens.read(), get("out.merged"))).toBeLessThan(5e-5);
    expect(maxAbs(await picture.visual.read(), get("out.projected"))).toBeLessThan(5e-5);
    embeds = (await picture.embeds.read()) as Float32Array;
    expect(maxAbs(embeds, get("out.inputs_embeds"))).toBeLessThan(1e-4);
  });

  test("the prompt's logits, then twelve tokens one by one", async () => {
    using session = compiled.createSession();
    const logits = await step(
      session,
      embeds,
      ids.map((_, i) => i),
    );
    expect(maxAbs(logits, get("out.logits"))).toBeLessThan(2e-4);
    let last: Float32Array = logits.subarray(-vocab);
    const tokens: number[] = [];
    const steps: number[] = [];
    for (let i = 0; i < 12; i++) {
      steps.push(...last);
      tokens.push(last.indexOf(Math.max(...last)));
      const next = await compiled.run("embed", { ids: hostI32([tokens.at(-1)!], [1, 1]) });
      last = await step(session, (await next.embeds.read()) as Float32Array, [0]);
    }
    expect(tokens).toEqual([...get("out.generated")]);
    expect(maxAbs(steps, get("out.step_logits"))).toBeLessThan(2e-4);
    expect(session.length).toBe(ids.length + 12);
  });

  test("a prompt in pieces gives what it gives in one", async () => {
    using session = compiled.createSession();
    const logits: number[] = [];
    for (let at = 0, turn = 0; at < ids.length; turn++) {
      const count = Math.min([7, 1, 20, 2][turn % 4]!, ids.length - at);
      const rows = embeds.slice(at * width, (at + count) * width);
      const picked = Array.from({ length: count }, (_, i) => i);
      logits.push(...(await step(session, rows, picked)));
      at += count;
    }
    expect(maxAbs(logits, get("out.logits"))).toBeLessThan(2e-4);
  });
});

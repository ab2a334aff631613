import { type Compiled, compile, hostI32, type Session, type Tensor, vlmFromCheckpoint, vlmPrograms } from "@hulu/core";
import { differs, embedPicture, type GoldenCase, openGoldens, pictureInputs } from "@hulu/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostBackend } from "../../test/host-backend.js";
import { HostDevice } from "../../test/host-device.js";

type Model = Compiled<ReturnType<typeof vlmPrograms>>;

// What the released code gave, run in PyTorch; the bounds are those of the goldens' README.
describe.each(["q3-p16", "q2-p14"])("%s, every value staying on the device", (variant) => {
  const device = new HostDevice();
  let compiled: Model;
  let image: GoldenCase;
  let config: ReturnType<typeof vlmFromCheckpoint>["config"];
  beforeAll(async () => {
    const goldens = await openGoldens(new URL(`../../../../test/data/goldens/${variant}/`, import.meta.url));
    image = await goldens.case("case-image-array");
    const checkpoint = vlmFromCheckpoint(goldens.config, goldens.weights);
    config = checkpoint.config;
    compiled = await compile(hostBackend(device), vlmPrograms(checkpoint.model), checkpoint.weights);
  });
  afterAll(() => {
    compiled?.dispose();
    expect(device.bytes).toBe(0);
  });

  const golden = (name: string) => image.tensor(name).data;
  const expectGolden = (numbers: ArrayLike<number>, name: string, abs: number) =>
    expect(
      differs(
        { shape: [numbers.length], data: numbers },
        { shape: [golden(name).length], data: golden(name) },
        { abs, rel: 0 },
      ),
    ).toBeUndefined();

  async function embedded(): Promise<Tensor> {
    const { tokens, visual, embeds } = await embedPicture(compiled, config, pictureInputs(image));
    tokens.dispose();
    expect(device.reads).toBe(0);
    expectGolden(await visual.read(), "out.projected", 5e-5);
    visual.dispose();
    return embeds;
  }
  const step = async (session: Session, embeds: Tensor, pick: readonly number[]): Promise<Float32Array> => {
    using logits = (await compiled.run("step", { embeds, pick: hostI32(pick) }, { session })).logits;
    embeds.dispose();
    return (await logits.read()) as Float32Array;
  };

  test("a picture and a question, then twelve tokens one by one", async () => {
    using session = compiled.createSession();
    const embeds = await embedded();
    expectGolden(await embeds.read(), "out.inputs_embeds", 1e-4);
    const positions = embeds.shape[1] as number;
    const logits = await step(
      session,
      embeds,
      Array.from({ length: positions }, (_, i) => i),
    );
    expectGolden(logits, "out.logits", 2e-4);
    let last: Float32Array = logits.subarray(-config.decoder.vocab);
    const tokens: number[] = [];
    const steps: number[] = [];
    let before = device.counts;
    for (let i = 0; i < 12; i++) {
      steps.push(...last);
      tokens.push(last.indexOf(Math.max(...last)));
      const next = await compiled.run("embed", { ids: hostI32([tokens.at(-1)!], [1, 1]) });
      last = await step(session, next.embeds, [0]);
      if (i === 0) before = device.counts;
    }
    expect(tokens).toEqual(image.tensor("out.generated").ints());
    expectGolden(steps, "out.step_logits", 2e-4);
    expect(session.length).toBe(positions + 12);
    // A token takes launches and one reading, and nothing else.
    const { launches, reads, ...held } = device.counts;
    expect(reads - before.reads).toBe(11);
    expect({ ...held, launches: before.launches, reads: before.reads }).toEqual(before);
    expect(launches).toBeGreaterThan(before.launches);
  });
});

import { maxAbs, openGoldens, pictureInputs } from "@hulu/testing";
import { beforeAll, expect, test } from "vitest";
import type { App } from "./app/app.js";
import { browsing, type Opened } from "./browser.js";
import { putApp } from "./bundles.js";

declare const hulu: App;
const { site, open } = browsing();
let opened: Opened;

beforeAll(async () => {
  await putApp(site);
  opened = await open('<script type="module" src="/app/app.js"></script>');
  await opened.page.waitForFunction(() => "hulu" in globalThis);
});

// What the released code gave, run in PyTorch; the bounds are those of the goldens' README.
const bounds = { merged: 5e-5, projected: 5e-5, inputs_embeds: 1e-4, logits: 2e-4, step_logits: 2e-4 } as const;

test("each stage of a picture, a prompt and twelve tokens on WebGPU, as the published code gives them", async () => {
  const golden = await (await openGoldens("test/data/goldens/q3-p16")).case("case-image-array");
  const generated = golden.tensor("out.generated").ints();
  const inputs = pictureInputs(golden);
  const given = {
    ...inputs,
    pixels: [...inputs.pixels],
    steps: generated.slice(0, -1),
  };
  const got = await opened.page.evaluate(async (given) => {
    const checkpoint = await hulu.engine.openModel(await hulu.files());
    if (!("vision" in checkpoint.config)) throw new Error("the checkpoint has no vision");
    return hulu.golden.runPicture(hulu.backends.webgpu, checkpoint as never, given);
  }, given);
  for (const [stage, bound] of Object.entries(bounds)) {
    const want = golden.tensor(`out.${stage}`).data;
    const found = got[stage as keyof typeof bounds];
    expect(found, stage).toHaveLength(want.length);
    expect(maxAbs(found, want), stage).toBeLessThan(bound);
  }
  const vocab = got.step_logits.length / generated.length;
  const likeliest = generated.map((_, i) => {
    const row = got.step_logits.slice(i * vocab, (i + 1) * vocab);
    return row.indexOf(Math.max(...row));
  });
  expect(likeliest).toEqual(generated);
  expect(opened.errors).toEqual([]);
});

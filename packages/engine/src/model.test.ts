import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { reference } from "@hulu/backend-reference";
import { open } from "@hulu/safetensors";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HuluModel, load, type Message } from "./index.js";

const folder = "test/data/goldens/q3-p16";
const golden = (name: string) => ({
  json: JSON.parse(readFileSync(`${folder}/case-${name}.json`, "utf8")),
  tensors: open(`${folder}/case-${name}.safetensors`),
});
const upTo = (ids: readonly number[], end: number) => (ids.includes(end) ? ids.slice(0, ids.indexOf(end) + 1) : ids);
async function generated(name: string): Promise<number[]> {
  return upTo([...(await (await golden(name).tensors).floats("out.generated"))], 502);
}
async function picture(name: string, key: string) {
  const source = await golden(name).tensors;
  const [height = 0, width = 0] = source.info(key)!.shape;
  return { data: await source.read(key), width, height };
}

let model: HuluModel;
beforeAll(async () => {
  model = await load(folder, { backend: reference });
});
afterAll(() => model.dispose());

const asks = (name: string, change: (messages: any[]) => void = () => {}): Message[] => {
  const messages = golden(name).json.conversation;
  change(messages);
  return messages;
};

test("text: the ids of the published code", async () => {
  const result = await model.ask(asks("text"), { maxTokens: 12 }).result();
  expect(result.tokenIds).toEqual(await generated("text"));
  expect(result.promptTokens).toBe(48);
});

test("a picture: the ids of the published code", async () => {
  const image = await picture("image-array", "raw.image0");
  const result = await model
    .ask(
      asks("image-array", (m) => {
        m[0].content.find((p: any) => p.type === "image").image = image;
      }),
      { maxTokens: 12 },
    )
    .result();
  expect(result.tokenIds).toEqual(await generated("image-array"));
});

test("a volume: the ids of the published code, with its quirk", async () => {
  const volume = await readFile(`${folder}/volume.nii.gz`);
  const messages = asks("volume", (m) => {
    m[0].content[0] = { type: "volume", volume, rule: "repository", numSlices: 8 };
  });
  const result = await model.ask(messages, { maxTokens: 12, aspect: "transposed" }).result();
  expect(result.tokenIds).toEqual(await generated("volume"));
  expect(result.visualTokens).toEqual({ all: 72, kept: 30 });
});

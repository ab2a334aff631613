import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Message } from "@hulu/engine";
import { open } from "@hulu/safetensors";
import { root } from "../../scripts/tools.mjs";

const folder = "test/data/goldens/q3-p16";
const END = 502;

/** What the released code answers: the tokens of a golden, up to its end. */
export async function published(name: string): Promise<number[]> {
  const ids = [...(await (await open(`${folder}/${name}.safetensors`)).floats("out.generated"))];
  return ids.includes(END) ? ids.slice(0, ids.indexOf(END) + 1) : ids;
}

export const conversation = (name: string): Message[] =>
  JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")).conversation;

/** A golden's picture as the bytes of a PNG file. */
export async function picture(name: string): Promise<Uint8Array> {
  const file = await open(`${folder}/${name}.safetensors`);
  const [height = 0, width = 0] = file.info("raw.image0")!.shape;
  const sharp = createRequire(join(root, "packages/cli/package.json"))("sharp");
  return sharp(await file.read("raw.image0"), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

import { readFileSync } from "node:fs";
import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { load, type Part } from "@hulu/engine";
import { describe, expect, test } from "vitest";

interface Asked {
  readonly text: string;
  readonly image?: string;
  readonly volume?: string;
  readonly volumeIndex?: number;
  readonly slices?: number;
  readonly tokenIds: readonly number[];
  readonly keptTokens?: number;
  readonly visualTokens?: number;
}
const { checkpoint, maxTokens, asked } = JSON.parse(readFileSync("examples/ask-node/expected.json", "utf8")) as {
  checkpoint: string;
  maxTokens: number;
  asked: readonly Asked[];
};
const bytes = (name: string) => new Uint8Array(readFileSync(`test/data/samples/${name}`));

function visual({ image, volume, volumeIndex, slices }: Asked): Part[] {
  if (image !== undefined) return [{ type: "image", image: bytes(image) }];
  if (volume === undefined) return [];
  return [{ type: "volume", volume: bytes(volume), volumeIndex: volumeIndex!, numSlices: slices! }];
}

describe.each([
  ["onnx", onnx],
  ["reference", reference],
] as const)("real files on %s give the tokens of transformers' PyTorch class", (_, backend) => {
  test("a text, a picture and a volume", async () => {
    const model = await load(`test/data/goldens/${checkpoint}`, { backend });
    for (const one of asked) {
      const content: Part[] = [...visual(one), { type: "text", text: one.text }];
      const result = await model.ask([{ role: "user", content }], { maxTokens }).result();
      expect(result.tokenIds).toEqual(one.tokenIds);
      if (one.visualTokens !== undefined)
        expect(result.visualTokens).toEqual({ all: one.visualTokens, kept: one.keptTokens });
    }
    expect(asked.map((a) => Boolean(a.image ?? a.volume))).toEqual([false, true, true]);
    await model.dispose();
  });
});

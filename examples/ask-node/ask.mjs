import { readFile } from "node:fs/promises";
import { onnx } from "@hulu/backend-onnx";
import { load } from "@hulu/engine";

const [folder, picture, text = "Describe this picture."] = process.argv.slice(2);
if (!folder || !picture) throw new Error("usage: node ask.mjs CHECKPOINT PICTURE [QUESTION]");

const model = await load(folder, { backend: onnx });
const image = await readFile(picture);
const answer = model.ask(
  [
    {
      role: "user",
      content: [
        { type: "image", image },
        { type: "text", text },
      ],
    },
  ],
  { maxTokens: 64 },
);

for await (const piece of answer) process.stdout.write(piece);
const { promptTokens, tokenIds } = await answer.result();
console.error(`\n${promptTokens} tokens in, ${tokenIds.length} out`);
await model.dispose();

// What `npm start` shows: a text, a real picture and a real volume through a small checkpoint, in ONNX Runtime, and whether
// the tokens are those that PyTorch gave for the same files (test/python/demo_expected.py made expected.json).
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { onnx } from "@hulu/backend-onnx";
import { load } from "@hulu/engine";

const data = new URL("../../test/data/", import.meta.url);
const { checkpoint, by, maxTokens, asked } = JSON.parse(
  await readFile(new URL("expected.json", import.meta.url), "utf8"),
);

console.log("A checkpoint in Hulu-Med's format, with small random weights: its words mean nothing, its numbers do.");
console.log(`Expected ids: ${by}.`);
console.log("Research use only, not for clinical use.\n");

const model = await load(fileURLToPath(new URL(`goldens/${checkpoint}`, data)), { backend: onnx });
let different = 0;
for (const { text, tokenIds, ...files } of asked) {
  const content = [...(await parts(files)), { type: "text", text }];
  const began = performance.now();
  const result = await model.ask([{ role: "user", content }], { maxTokens }).result();
  const equal = String(result.tokenIds) === String(tokenIds);
  if (!equal) different++;
  report({ text, files, tokenIds, result, equal, milliseconds: performance.now() - began });
}
await model.dispose();
console.log(
  different === 0 ? "All token ids equal PyTorch's." : `${different} of ${asked.length} answers differ from PyTorch's.`,
);
process.exitCode = different === 0 ? 0 : 1;

async function parts({ image, volume, volumeIndex, slices }) {
  if (image) return [{ type: "image", image: await readFile(new URL(`samples/${image}`, data)) }];
  if (!volume) return [];
  return [
    { type: "volume", volume: await readFile(new URL(`samples/${volume}`, data)), volumeIndex, numSlices: slices },
  ];
}

function report({ text, files, tokenIds, result, equal, milliseconds }) {
  const { visualTokens, promptTokens } = result;
  const kept = visualTokens.all > 0 ? `, ${visualTokens.kept} of ${visualTokens.all} visual tokens kept` : "";
  console.log(`> ${files.image ?? files.volume ?? "text"}: ${text}`);
  console.log(`  ${JSON.stringify(result.text)}`);
  console.log(`  ids      ${result.tokenIds.join(" ")}`);
  console.log(`  PyTorch  ${tokenIds.join(" ")}  ${equal ? "equal" : "DIFFERENT"}`);
  console.log(`  ${promptTokens} prompt tokens${kept}, ${Math.round(milliseconds)} ms\n`);
}

// Nearest neighbours among pictures, by what the vision encoder makes of them. Each picture is cut into quarters; the upper
// left one asks, and the others of all pictures are what it may find: it should find one of its own picture.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { onnx } from "@hulu/backend-onnx";
import { load } from "@hulu/engine";
import { decodeImage, readNifti, volumeFrames } from "@hulu/processor";

const data = new URL("../../test/data/", import.meta.url);
const small = fileURLToPath(new URL("goldens/q3-p16", data));
const [folder = small, ...files] = process.argv.slice(2);
const pictures = files.length > 0 ? await Promise.all(files.map(open)) : await samples();

const model = await load(folder, { backend: onnx });
const quarters = [];
for (const { name, image } of pictures)
  for (const [i, corner] of ["upper left", "upper right", "lower left", "lower right"].entries())
    quarters.push({ name, corner, embedding: await embed(quarter(image, i % 2, i >> 1)) });

await model.dispose();

const all = centered(quarters);
const asking = all.filter((q) => q.corner === "upper left");
const known = all.filter((q) => q.corner !== "upper left");
let right = 0;
for (const { name, embedding } of asking) {
  const ranked = known.map((k) => ({ ...k, cosine: dot(embedding, k.embedding) })).sort((a, b) => b.cosine - a.cosine);
  const [best] = ranked;
  if (best.name === name) right++;
  console.log(`${name}\n  nearest: ${best.name}, ${best.corner} (cosine ${best.cosine.toFixed(3)})`);
}
console.log(`${right} of ${asking.length} found a quarter of their own picture.`);
process.exitCode = right > asking.length / 2 ? 0 : 1;

/** The mean of a picture's tokens, `[vision]`. */
async function embed(image) {
  const { data: tokens, shape } = await model.encodeVision(image);
  const [count, width] = shape;
  return Float64Array.from({ length: width }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += tokens[i * width + j];
    return sum / count;
  });
}

/** Each embedding less the mean of all, at length 1: what they have in common tells none from another. */
function centered(entries) {
  const width = entries[0].embedding.length;
  const mean = Array.from(
    { length: width },
    (_, j) => entries.reduce((n, e) => n + e.embedding[j], 0) / entries.length,
  );
  return entries.map((entry) => {
    const moved = entry.embedding.map((x, j) => x - mean[j]);
    const length = Math.sqrt(dot(moved, moved));
    return { ...entry, embedding: moved.map((x) => x / length) };
  });
}

function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

function quarter({ data: pixels, width, height }, right, lower) {
  const [w, h] = [width >> 1, height >> 1];
  const cut = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    const from = ((y + lower * h) * width + right * w) * 3;
    cut.set(pixels.subarray(from, from + w * 3), y * w * 3);
  }
  return { data: cut, width: w, height: h };
}

async function open(file) {
  return { name: file, image: await decodeImage(await readFile(file)) };
}

/** The photographs of the samples, and a slice through the middle of a scan. */
async function samples() {
  const names = ["ihc.png", "microaneurysms.png", "retina.jpg"];
  const photographs = names.map(async (name) => ({ ...(await open(new URL(`samples/2d/${name}`, data))), name }));
  const scan = await readNifti(await readFile(new URL("samples/3d/anatomical_be.nii", data)));
  const slices = volumeFrames(scan, { axis: "axial", rule: "hf", numSlices: 3 });
  return [...(await Promise.all(photographs)), { name: "anatomical_be.nii", image: slices[1] }];
}

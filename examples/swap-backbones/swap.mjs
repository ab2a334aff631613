// Another decoder behind the same eyes, LoRA around its projections, and what a wrong width says.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { onnx } from "@hulu/backend-onnx";
import {
  compile,
  composeVlm,
  encodeItem,
  gemma3,
  hostI32,
  memoryWeights,
  nn,
  overlayWeights,
  projector,
  reportWeights,
  spliceVisual,
  vlmFromCheckpoint,
  vlmPrograms,
} from "@hulu/core";
import { openCheckpoint } from "@hulu/safetensors";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../test/data/goldens/q3-p16", import.meta.url));
const stored = await openCheckpoint(folder);
const json = JSON.parse(await readFile(`${folder}/config.json`, "utf8"));
const { config, model, weights } = vlmFromCheckpoint(json, stored);
const base = await look(model, weights);
console.log(`${config.decoder.family}, ${config.decoder.layers} layers: ${shown(base)}`);

// LoRA in the decoder. `q_proj.weight` keeps its name; `q_proj.lora_A.weight` and `lora_B.weight` are new, and the report asks for them.
const tuned = {
  ...model,
  root: nn.replaceAll(model.root, /^model\.layers\.\d+\.self_attn\.[qv]_proj$/, (old) =>
    nn.lora(old, { rank: 4, alpha: 8 }),
  ),
};
console.log(`\nLoRA asks for ${reportWeights(tuned.root, weights).missing.length} weights more:`);
const fresh = await look(tuned, overlayWeights(weights, made(tuned.root, /lora_A/, /lora_B/)));
console.log(`  B = 0:    ${shown(fresh)}, ${apart(fresh.logits, base.logits)} from the base`);
const trained = await look(tuned, overlayWeights(weights, made(tuned.root, /lora_/)));
console.log(`  B random: ${shown(trained)}, ${apart(trained.logits, base.logits)} from the base`);

// Another decoder. The encoder and the projector stay, and with them their weights.
const gemma = { queryScalar: config.decoder.headDim, window: 4, globalEvery: 3, localTheta: 1e4, ropeFactor: 8 };
const swapped = composeVlm({ ...model, decoder: gemma3({ ...config.decoder, ...gemma, qkNorm: true }) });
const { missing, unexpected } = reportWeights(swapped.root, weights);
console.log(`\nGemma 3 in its place: ${missing.length} weights missing, ${unexpected.length} no longer used`);
const other = await look(swapped, overlayWeights(weights, made(swapped.root, /model\.(layers|norm|embed_tokens)/)));
console.log(`  ${shown(other)}, visual tokens ${apart(other.visual, base.visual)} from the base`);

// A projector that does not fit. With widths known at compile time, TypeScript says the same.
const { vision, decoder } = model;
const narrow = projector("linear", vision.width.size, decoder.width.size / 2);
const refused = refusal(() => composeVlm({ vision, projector: narrow, decoder }));
console.log(`\nA projector of half the width: ${refused}`);

await stored.close();
const right =
  apart(fresh.logits, base.logits) === 0 &&
  apart(trained.logits, base.logits) > 0 &&
  apart(other.visual, base.visual) === 0 &&
  [base, trained, other].every(({ logits }) => logits.every(Number.isFinite)) &&
  refused.includes("is not assignable to type");
process.exitCode = right ? 0 : 1;

/** A picture of 4 x 6 patches, a grey ramp, between a few tokens: its visual tokens and the logits behind the prompt. */
async function look(vlm, source) {
  const compiled = await compile(onnx, vlmPrograms(vlm), source);
  const size = vlm.vision.pixel.size;
  const item = {
    pixels: Float32Array.from({ length: 24 * size }, (_, i) => i / 12 / size - 1),
    grid: [1, 4, 6],
    merge: 2,
  };
  const { visual, keep } = await encodeItem(compiled, item);
  const prompt = [1, 2, ...Array.from(keep, () => config.imageToken), 3, 4, 5];
  const { ids, index } = spliceVisual(prompt, config.imageToken, keep);
  const shape = [1, ids.length];
  const { embeds } = await compiled.run("embedVisual", {
    ids: hostI32(ids, shape),
    visual,
    index: hostI32(index, shape),
  });
  const session = compiled.createSession();
  const { logits } = await compiled.run("step", { embeds, pick: hostI32([ids.length - 1]) }, { session });
  return { visual: await visual[0].read(), logits: await logits.read(), shape: logits.shape };
}

/** Weights for the paths that match: random ones of a size that keeps what goes through them, or zeros. */
function made(root, random, zeros = /^$/) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const tensors = [...nn.paths(root)].map(([path, { dims }]) => {
    const shape = dims.map((d) => d.size);
    const scale = zeros.test(path) ? 0 : Math.sqrt(3 / shape.at(-1));
    return [path, { shape, data: new Float32Array(shape.reduce((n, d) => n * d, 1)).map(() => next() * scale) }];
  });
  return memoryWeights(tensors.filter(([path]) => random.test(path) || zeros.test(path)));
}

function shown({ visual, logits, shape }) {
  return `${visual.length} visual numbers, logits [${shape}], best token ${logits.indexOf(Math.max(...logits))}`;
}

function refusal(attempt) {
  try {
    return `not refused: ${attempt()}`;
  } catch (error) {
    return error.message;
  }
}

/** The largest difference between two results. */
function apart(a, b) {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

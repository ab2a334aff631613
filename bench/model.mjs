// Tokens a second of a whole model on WebGPU: HULU_MODEL=FOLDER npm run bench model. HULU_WEIGHTS is stored (as it lies in the
// checkpoint, the default), f16, int8 or int4. Needs a GPU and a build; on an adapter that computes on the CPU nothing is timed.
import { webgpuBackend } from "../packages/backend-webgpu/dist/index.js";
import { load } from "../packages/engine/dist/index.js";
import { adapterName, isSoftware } from "../packages/kernels/dist/index.js";
import { nodeGpu } from "../packages/kernels/dist/node.js";

const { HULU_MODEL: folder, HULU_WEIGHTS: weights = "stored" } = process.env;
const ROUNDS = 5;
const MAX_TOKENS = 64;

const gpu = await nodeGpu();
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (adapter === null) console.log("no GPU was found: nothing to measure");
else if (isSoftware(adapter.info)) console.log(`${adapterName(adapter.info)} computes on the CPU: nothing to measure`);
else if (folder === undefined) console.log("HULU_MODEL=FOLDER says which model to measure");
else await measure(adapter);

async function measure({ info }) {
  const model = await load(folder, { backend: webgpuBackend({ gpu, weights }), worker: false });
  const text = "Describe what a radiologist looks for in a chest X-ray. ".repeat(20);
  const rates = [];
  // The first compiles what is compiled when it is wanted, and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const answer = model.ask([{ role: "user", content: text }], { maxTokens: MAX_TOKENS });
    const { promptTokens, tokenIds, timings } = await answer.result();
    const rate = { prompt: promptTokens, prefill: (1000 * promptTokens) / timings.prefill };
    if (round > 0) rates.push({ ...rate, decode: (1000 * tokenIds.length) / timings.decode });
  }
  const median = (name) => rates.map((rate) => rate[name]).toSorted((a, b) => a - b)[rates.length >> 1];
  console.log(`${adapterName(info)}; weights ${weights}; medians of ${ROUNDS}`);
  console.log(`prefill of ${median("prompt")} tokens  ${median("prefill").toFixed(1)} tokens/s`);
  console.log(`decode                 ${median("decode").toFixed(1)} tokens/s`);
  await model.dispose();
}

// A page that runs a model and measures the kernels on the reader's own GPU. Nothing leaves it.
import { webgpuBackend } from "@hulu/backend-webgpu";
import { load } from "@hulu/engine";
import { adapterName, isSoftware, kernels } from "@hulu/kernels";
import { benchKernels, describeFigure, describeLimits } from "@hulu/kernels/bench";

const at = (id) => document.getElementById(id);
const say = (id, text) => {
  at(id).textContent = text;
};
const add = (id, text) => {
  at(id).textContent += text;
};
/** What goes wrong is shown where it was asked for. */
const showing = (id, body) => () => body().catch((error) => say(id, `${error.name}: ${error.message}`));

// The adapter whose name stands beside the figures is the one that gives them.
const powerPreference = "high-performance";
const adapter = await navigator.gpu?.requestAdapter({ powerPreference });
if (adapter) {
  const software = isSoftware(adapter.info);
  say("adapter", `${adapterName(adapter.info)}${software ? ": computes on the CPU, its speed is not told" : ""}`);
  at("ask").disabled = false;
  at("measure").disabled = software;
  at("ask").onclick = showing("answer", () => ask(software));
  at("measure").onclick = showing("figures", measure);
} else say("adapter", "This browser offers no WebGPU adapter.");

async function ask(software) {
  // By their names below the folder that was chosen.
  const files = new Map([...at("folder").files].map((file) => [file.webkitRelativePath.replace(/^[^/]*\//, ""), file]));
  if (files.size === 0) throw new RangeError("choose the folder of a checkpoint first");
  const [picture] = at("picture").files;
  say("answer", "");
  say("speed", "");
  const backend = webgpuBackend({ weights: at("weights").value, powerPreference });
  await using model = await load(files, {
    backend,
    onProgress: ({ done, total }) => say("speed", `${done} of ${total}`),
  });
  const image = picture && { type: "image", image: new Uint8Array(await picture.arrayBuffer()) };
  const text = { type: "text", text: at("question").value };
  const answer = model.ask([{ role: "user", content: image ? [image, text] : [text] }], { maxTokens: 200 });
  for await (const piece of answer) add("answer", piece);
  const { promptTokens, tokenIds, timings } = await answer.result();
  const rate = (tokens, ms) => `${((1000 * tokens) / ms).toFixed(1)} tokens/s`;
  const speed = `prefill ${rate(promptTokens, timings.prefill)}, decode ${rate(tokenIds.length, timings.decode)}`;
  say("speed", software ? `${tokenIds.length} tokens` : `${speed}, on ${adapterName(adapter.info)}`);
}

async function measure() {
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: ["shader-f16", "subgroups", "timestamp-query"].filter((name) => adapter.features.has(name)),
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  say("figures", `${adapterName(adapter.info)}\n`);
  await benchKernels(device, kernels, {
    onLimits: (limits) => add("figures", `${describeLimits(limits)}\n`),
    onFigure: (figure) => add("figures", `${describeFigure(figure)}\n`),
    onRefused: (kernel, place, why) => add("figures", `${kernel}, ${place}: not measured, ${why}\n`),
  });
  device.destroy();
}

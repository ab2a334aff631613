// An app as a bundler gets it. What it imports is put where the tests call it from.
import { reference } from "@hulu/backend-reference";
import { tfjsBackend } from "@hulu/backend-tfjs";
import { webgpu } from "@hulu/backend-webgpu";
import * as core from "@hulu/core";
import * as engine from "@hulu/engine";
import * as processor from "@hulu/processor";
import * as facts from "./facts.js";
import * as golden from "./golden.js";

const wasmPaths = new URL("/tfjs/", location.href).href;

/** The checkpoint's files as a user would pick them. */
async function files(): Promise<Map<string, Blob>> {
  const names = ["config", "tokenizer", "tokenizer_config", "preprocessor_config"].map((name) => `${name}.json`);
  const all = [...names, "model.safetensors"].map(async (name) => [name, await bytesOf(`/model/${name}`)] as const);
  return new Map(await Promise.all(all));
}
const bytesOf = async (path: string): Promise<Blob> => (await fetch(path)).blob();

const backends = {
  reference,
  wasm: tfjsBackend({ wasmPaths }),
  cpu: tfjsBackend({ engine: "cpu" }),
  webgpu,
};
const workers = {
  reference: () => new Worker(new URL("./reference.worker.js", import.meta.url), { type: "module" }),
  wasm: () => new Worker(new URL("./wasm.worker.js", import.meta.url), { type: "module" }),
  cpu: () => new Worker(new URL("./cpu.worker.js", import.meta.url), { type: "module" }),
  webgpu: () => new Worker(new URL("./webgpu.worker.js", import.meta.url), { type: "module" }),
};

const hulu = { engine, core, processor, facts, golden, backends, workers, files, bytesOf };
export type App = typeof hulu & { models: Map<string, engine.HuluModel> };
Object.assign(globalThis, { hulu: { ...hulu, models: new Map() } });

// As an app may do: its file is then one that exports a backend.
export { reference };

// Whoever runs this is counted.
void fetch("/ran");

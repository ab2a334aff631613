import { modelPrograms, nn, print } from "@hulu/core";
import { type LoadedCheckpoint, memoryOf, openModel } from "@hulu/engine";
import { backendOption, chosenBackend } from "./backends.js";
import type { Command } from "./command.js";
import { UsageError } from "./errors.js";
import { askedSizes, describedMemory, sizeOptions } from "./memory.js";
import type { Options, Parsed } from "./options.js";
import { downloadOptions, modelOption, sourceOptions } from "./source.js";

const options: Options = {
  model: modelOption,
  graph: {
    type: "string",
    value: "PROGRAM",
    help: "print a program: encodeVision, frameDifference, project, embed, embedVisual, step",
  },
  params: { type: "boolean", help: "print every parameter: path, axes, stored type" },
  backend: backendOption,
  ...sizeOptions,
  json: { type: "boolean", help: "one JSON object" },
  ...downloadOptions,
};

export const inspect: Command = {
  name: "inspect",
  usage: "hulu inspect [--model] SOURCE [--graph PROGRAM] [--params] [--json]",
  about:
    "Show what a checkpoint is: its configuration, its parameters, its programs, the\nmemory it takes. No weight is read, nor fetched: of a checkpoint elsewhere only the headers are read.",
  options,
  run: async (parsed, io) => {
    const folders = [...(parsed.text("model") === undefined ? [] : [parsed.text("model")]), ...parsed.positionals];
    const [folder] = folders;
    if (folder === undefined)
      throw new UsageError("inspect needs --model SOURCE: the folder of a checkpoint, hf:OWNER/NAME, or https://...");
    if (folders.length > 1) throw new UsageError(`one checkpoint is inspected, not ${folders.length}`);
    // By ranges, of which the headers are few; nothing is kept.
    const options = { ...sourceOptions(parsed, io), ranges: true, signal: io.signal };
    const checkpoint = await openModel(folder, options);
    try {
      io.out(told(checkpoint, parsed));
    } finally {
      await checkpoint.stored.close();
    }
    return 0;
  },
};

function told(checkpoint: LoadedCheckpoint, parsed: Parsed): string {
  const { config, layout, model, weights, imageToken, generation, preprocessor, report } = checkpoint;
  const graph = parsed.text("graph");
  if (graph !== undefined) return printed(model, graph);
  const rows = [...nn.paths(model.root)].map(([path, param]) => row(path, param, weights.info(path)?.dtype ?? "?"));
  const memory = memoryOf(checkpoint, chosenBackend(parsed), { ...askedSizes(parsed), onDisk: true });
  if (parsed.flag("json"))
    return `${JSON.stringify({ layout, config, preprocessor, generation, imageToken, unused: report.unused, memory, parameters: rows })}\n`;
  const fields = {
    layout,
    ...config,
    ...(imageToken && { imageToken: `${imageToken.text} (${imageToken.id})` }),
    stopTokens: generation.stopTokens,
    ...(preprocessor && { preprocessor }),
    memory: describedMemory(memory),
  };
  return [...described(fields, rows, parsed.flag("params"))].map((line) => `${line}\n`).join("");
}

function printed(model: LoadedCheckpoint["model"], name: string): string {
  const programs = new Map(Object.entries(modelPrograms(model)));
  const program = programs.get(name);
  if (program === undefined)
    throw new UsageError(`there is no program ${name}; there are ${[...programs.keys()].join(", ")}`);
  return print(program);
}

const row = (path: string, param: nn.Param, dtype: string) => {
  const shape = param.dims.map((d) => d.size as number);
  return { path, axes: param.axes, shape, dtype, count: shape.reduce((n, d) => n * d, 1) };
};

function* described(
  config: Readonly<Record<string, unknown>>,
  rows: readonly ReturnType<typeof row>[],
  all: boolean,
): Generator<string> {
  for (const [key, value] of Object.entries(config))
    yield `${key.padEnd(18)}${typeof value === "object" ? JSON.stringify(value) : String(value ?? "none")}`;
  const total = rows.reduce((n, r) => n + r.count, 0);
  yield `${"parameters".padEnd(18)}${total.toLocaleString("en-US")} in ${rows.length} tensors`;
  if (!all) return;
  const width = Math.max(...rows.map((r) => r.path.length)) + 2;
  for (const r of rows) yield `${r.path.padEnd(width)}${r.dtype.padEnd(6)}[${r.shape.join(" ")}]  ${r.axes}`;
}

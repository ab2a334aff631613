import { modelPrograms, nn, print } from "@hulu/core";
import { type LoadedCheckpoint, memoryOf } from "@hulu/engine";
import { backendOption, estimatingBackend, weightsOption } from "./backends.js";
import { UsageError } from "./errors.js";
import { askedSizes, describedMemory, sizeOptions } from "./memory.js";
import type { Options, Parsed } from "./options.js";

/** What is shown of a checkpoint only. */
export const modelOptions: Options = {
  graph: {
    type: "string",
    value: "PROGRAM",
    help: "print a program: encodeVision, frameDifference, project, embed, embedVisual, step",
  },
  params: { type: "boolean", help: "print every parameter: path, axes, stored type" },
  backend: backendOption,
  weights: weightsOption,
  ...sizeOptions,
};

/** What a checkpoint is, as the command prints it. */
export function describedModel(checkpoint: LoadedCheckpoint, parsed: Parsed): string {
  const { config, layout, model, weights, imageToken, generation, preprocessor, report } = checkpoint;
  const graph = parsed.text("graph");
  if (graph !== undefined) return printed(model, graph);
  const rows = [...nn.paths(model.root)].map(([path, param]) => row(path, param, weights.info(path)?.dtype ?? "?"));
  const memory = memoryOf(checkpoint, estimatingBackend(parsed), { ...askedSizes(parsed), onDisk: true });
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

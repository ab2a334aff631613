import { nn, print, vlmPrograms } from "@hulu/core";
import { openModel } from "@hulu/engine";
import type { Command, Io } from "./command.js";
import { UsageError } from "./errors.js";
import type { Options } from "./options.js";

const options: Options = {
  model: { type: "string", value: "SOURCE", help: "the checkpoint's folder" },
  graph: {
    type: "string",
    value: "PROGRAM",
    help: "print a program: encodeVision, frameDifference, project, embed, embedVisual, step",
  },
  params: { type: "boolean", help: "print every parameter: path, axes, stored type" },
  json: { type: "boolean", help: "one JSON object" },
};

export const inspect: Command = {
  name: "inspect",
  usage: "hulu inspect --model SOURCE [--graph PROGRAM] [--params] [--json]",
  about: "Show what a checkpoint is: its configuration, its parameters, its programs. No weight is read.",
  options,
  run: async (parsed, io) => {
    const folder = parsed.text("model") ?? parsed.positionals[0];
    if (folder === undefined) throw new UsageError("inspect needs --model SOURCE, the folder of a checkpoint");
    const checkpoint = await openModel(folder, io.signal);
    const { config, layout, model, weights, imageToken, generation, preprocessor, report } = checkpoint;
    const rows = [...nn.paths(model.root)].map(([path, param]) => row(path, param, weights.info(path)?.dtype ?? "?"));
    const graph = parsed.text("graph");
    if (graph !== undefined) {
      const programs = vlmPrograms(model);
      if (!Object.hasOwn(programs, graph))
        throw new UsageError(`there is no program ${graph}; there are ${Object.keys(programs).join(", ")}`);
      io.out(print(programs[graph as keyof typeof programs]));
    } else if (parsed.flag("json"))
      io.out(
        `${JSON.stringify({ layout, config, preprocessor, generation, imageToken, unused: report.unused, parameters: rows })}\n`,
      );
    else
      describe(
        io,
        {
          layout,
          ...config,
          imageToken: `${imageToken.text} (${imageToken.id})`,
          stopTokens: generation.stopTokens,
          preprocessor,
        },
        rows,
        parsed.flag("params"),
      );
    await checkpoint.stored.close();
    return 0;
  },
};

const row = (path: string, param: nn.Param, dtype: string) => {
  const shape = param.dims.map((d) => d.size as number);
  return { path, axes: param.axes, shape, dtype, count: shape.reduce((n, d) => n * d, 1) };
};

function describe(
  { out }: Io,
  config: Readonly<Record<string, unknown>>,
  rows: readonly ReturnType<typeof row>[],
  all: boolean,
): void {
  for (const [key, value] of Object.entries(config))
    out(`${key.padEnd(18)}${typeof value === "object" ? JSON.stringify(value) : String(value)}\n`);
  const total = rows.reduce((n, r) => n + r.count, 0);
  out(`${"parameters".padEnd(18)}${total.toLocaleString("en-US")} in ${rows.length} tensors\n`);
  if (!all) return;
  const width = Math.max(...rows.map((r) => r.path.length)) + 2;
  for (const r of rows) out(`${r.path.padEnd(width)}${r.dtype.padEnd(6)}[${r.shape.join(" ")}]  ${r.axes}\n`);
}

import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { tfjs } from "@hulu/backend-tfjs";
import { type WebgpuOptions, type WeightFormat, webgpuBackend } from "@hulu/backend-webgpu";
import type { Backend } from "@hulu/core";
import type { Io } from "./command.js";
import { UsageError } from "./errors.js";
import { openGpu, powerPreference } from "./gpu.js";
import type { Option, Parsed } from "./options.js";

const onHost = { onnx, reference, tfjs } as const satisfies Readonly<Record<string, Backend>>;
const names = [...(Object.keys(onHost) as (keyof typeof onHost)[]), "webgpu"] as const;
const formats = ["stored", "f32", "f16", "int8", "int4"] as const satisfies readonly WeightFormat[];

export const backendOption: Option = {
  type: "string",
  value: "NAME",
  help: `what runs the model: ${names.join(", ")} (default onnx)`,
};

export const weightsOption: Option = {
  type: "string",
  value: "FORMAT",
  help: `how webgpu holds matrices: ${formats.join(", ")} (default stored: as the checkpoint has them)`,
};

/**
 * The backend that was asked for, ready to run; of `webgpu`, the adapter is told on stderr.
 * @throws UsageError for a name that is none of them
 */
export async function chosenBackend(parsed: Parsed, io: Pick<Io, "note">): Promise<Backend> {
  const name = backendName(parsed);
  const weights = weightsOf(parsed, name);
  return name === "webgpu" ? webgpuBackend({ ...weights, powerPreference, gpu: await openGpu(io.note) }) : onHost[name];
}

/** The same to ask for estimates alone, which needs no GPU. */
export function estimatingBackend(parsed: Parsed): Backend {
  const name = backendName(parsed);
  const weights = weightsOf(parsed, name);
  return name === "webgpu" ? webgpuBackend(weights) : onHost[name];
}

const backendName = (parsed: Parsed) => parsed.oneOf("backend", names) ?? "onnx";

function weightsOf(parsed: Parsed, backend: string): Pick<WebgpuOptions, "weights"> {
  const weights = parsed.oneOf("weights", formats);
  if (weights === undefined) return {};
  if (backend === "webgpu") return { weights };
  throw new UsageError(`--weights is of --backend webgpu; ${backend} has no choice of it`);
}

import { onnx } from "@hulu/backend-onnx";
import { reference } from "@hulu/backend-reference";
import { tfjs } from "@hulu/backend-tfjs";
import type { Backend } from "@hulu/core";
import type { Option, Parsed } from "./options.js";

const backends = { onnx, reference, tfjs } as const satisfies Readonly<Record<string, Backend>>;
const names = Object.keys(backends) as (keyof typeof backends)[];

export const backendOption: Option = {
  type: "string",
  value: "NAME",
  help: `what runs the model: ${names.join(", ")} (default onnx)`,
};

/** @throws UsageError for a name that is none of them */
export const chosenBackend = (parsed: Parsed): Backend => backends[parsed.oneOf("backend", names) ?? "onnx"];

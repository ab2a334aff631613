import type { InferenceSession, Tensor } from "onnxruntime-node";
import { OnnxRuntimeError, OnnxRuntimeMissingError } from "./errors.js";
import type { OnnxOptions } from "./options.js";

type Runtime = typeof import("onnxruntime-node");
/** A model that ONNX Runtime has loaded. */
export type LoadedModel = InferenceSession;
export type OrtTensor = Tensor;

let runtime: Promise<Runtime> | undefined;

/**
 * onnxruntime-node, loaded when it is first needed: it is an optional peer dependency with a native part. From 1.30 on it
 * reports its use to Microsoft, and leaves a log in the temporary folder: medical software does not do that unasked.
 * @throws OnnxRuntimeMissingError when it is not installed, or not for this platform
 */
export function loadRuntime(): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  runtime ??= import("onnxruntime-node").catch((cause: unknown) => {
    runtime = undefined;
    throw new OnnxRuntimeMissingError(cause);
  });
  return runtime;
}

/** @throws OnnxRuntimeError with what ONNX Runtime said */
export async function loadModel(
  name: string,
  model: Uint8Array,
  folder: string | undefined,
  { threads }: OnnxOptions,
): Promise<LoadedModel> {
  const { InferenceSession } = await loadRuntime();
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads ?? (await physicalCores()),
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // Its errors are thrown; on stderr they would be said twice.
    logSeverityLevel: 4,
    // A model that comes as bytes has no folder of its own; without this one, locations are looked for in the working one.
    ...(folder !== undefined && { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
  };
  try {
    return await InferenceSession.create(model, options);
  } catch (cause) {
    throw new OnnxRuntimeError(name, "load", cause);
  }
}

/** Cores with a floating-point unit of their own, as far as the system tells; else what Node calls available. */
async function physicalCores(): Promise<number> {
  const [os, fs] = await Promise.all([import("node:os"), import("node:fs/promises")]);
  const logical = os.availableParallelism();
  const siblings = await Promise.all(
    os
      .cpus()
      .map((_, i) =>
        fs.readFile(`/sys/devices/system/cpu/cpu${i}/topology/thread_siblings_list`, "utf8").catch(() => `${i}`),
      ),
  );
  return Math.max(1, Math.min(logical, new Set(siblings).size));
}

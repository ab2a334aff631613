import type { Backend } from "@hulu/core";
import type { CheckpointSource } from "./files.js";
import type { HuluModel } from "./hulu-model.js";
import { type LocalModel, type LocalOptions, loadHere } from "./model.js";
import { checkLoad } from "./validate.js";
import type { WorkerLike } from "./worker/port.js";
import { loadRemote } from "./worker/remote-model.js";
import { startWorker, unavailable } from "./worker/start.js";

/** How to load a model, and where it runs. */
export type LoadOptions = LocalOptions &
  (
    | {
        readonly backend: Backend;
        /**
         * `true`: in a worker, so that the thread stays free; `false`: in this thread. Unless given, in a worker where one
         * can be started by itself: in Node, or in a page that imports these packages as they are published.
         */
        readonly worker?: boolean | undefined;
        /** Milliseconds that a checkpoint's tokenizer or template may take over one text before the worker is ended; 20,000. */
        readonly textTimeLimit?: number | undefined;
      }
    | {
        /** The worker's own file has the backend: `serve({ backend })`. */
        readonly backend?: undefined;
        /** Starts a worker whose file calls `serve` of `@hulu/engine/worker`. The model owns it, and ends it. */
        readonly worker: () => WorkerLike;
        readonly textTimeLimit?: number | undefined;
      }
  );

/**
 * Load a checkpoint and make it ready to answer.
 * @param source the checkpoint's folder, `hf:owner/name[@revision]`, an https address, or its files by name
 * @throws SourceError where it cannot be had; EngineError, ConfigError, WeightError, SafetensorsError or ProcessorError for files that are missing or wrong;
 *   UnsupportedError when the backend cannot run the model
 */
export async function load(
  source: CheckpointSource,
  options: LoadOptions & { readonly worker: false },
): Promise<LocalModel>;
export async function load(source: CheckpointSource, options: LoadOptions): Promise<HuluModel>;
export async function load(source: CheckpointSource, options: LoadOptions): Promise<HuluModel> {
  checkLoad(source, options);
  const { worker, backend, textTimeLimit, ...rest } = options;
  if (typeof worker === "function")
    return loadRemote(source, { worker: worker(), origin: undefined, module: undefined }, { ...rest, textTimeLimit });
  const started = worker === false ? undefined : await startWorker(backend as Backend);
  if (started) return loadRemote(source, started, { ...rest, textTimeLimit });
  if (worker === true) throw unavailable();
  return loadHere(source, { ...rest, backend: backend as Backend });
}

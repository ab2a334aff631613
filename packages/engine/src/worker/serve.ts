import { Host, type HostOptions } from "./host.js";
import { ownPort } from "./port.js";

/**
 * What a worker's own file says, so that the model runs there and not in the page: two lines, which a bundler understands.
 * ```ts
 * import { serve } from "@hulu/engine/worker";
 * import { tfjs } from "@hulu/backend-tfjs";
 * serve({ backend: tfjs });
 * ```
 * The page then calls
 * `load(source, { worker: () => new Worker(new URL("./model.worker.js", import.meta.url), { type: "module" }) })`.
 */
export async function serve(options: HostOptions = {}): Promise<void> {
  new Host(await ownPort(), options);
}

import { ConfigError } from "../models/fields.js";
import { overlayWeights, renamed, type WeightSource } from "./source.js";

/** What PEFT writes before the name of the module that it wrapped. */
const PREFIX = "base_model.model.";

/**
 * A checkpoint with a LoRA adapter laid over it, under the names that `lora` gives its weights. A PEFT adapter file calls
 * them `base_model.model.<path>.lora_A.weight`; what stands before the path is dropped, and nothing else is changed. A
 * tensor that both have is the adapter's (PEFT's `modules_to_save`). What the model does not know, such as DoRA's
 * magnitudes, stays for the strict report to name.
 * @throws ConfigError when a tensor of the adapter does not have PEFT's prefix
 */
export function adapterWeights(base: WeightSource, adapter: WeightSource): WeightSource {
  const names = new Map<string, string>();
  for (const key of adapter.keys()) {
    if (!key.startsWith(PREFIX))
      throw new ConfigError(
        `the adapter has a tensor ${key.slice(0, 120)}; in a PEFT adapter all names begin with ${PREFIX}`,
      );
    names.set(key.slice(PREFIX.length), key);
  }
  return overlayWeights(base, renamed(adapter, names));
}

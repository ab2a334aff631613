import type { Compiled, TextPrograms, VlmPrograms } from "@hulu/core";
import { noVision } from "./check-messages.js";
import type { LoadedCheckpoint, LoadedVlm } from "./checkpoint.js";
import type { TextWatch } from "./text-watch.js";

/** What the conversations of a model have in common. */
export interface Loaded {
  readonly checkpoint: LoadedCheckpoint;
  /** A language model has fewer programs; `eyeOf` gives all. */
  readonly compiled: Compiled<TextPrograms | VlmPrograms>;
  /** The most positions of a conversation. */
  readonly contextLength: number;
  /** Told of work on texts that a stranger wrote. */
  readonly watch: TextWatch;
  /** @throws EngineError `disposed` once the model is */
  alive(): void;
}

/** A model that takes pictures. @throws EngineError `no-vision` for a language model */
export function eyeOf({ checkpoint, compiled }: Loaded): {
  readonly checkpoint: LoadedVlm;
  readonly compiled: Compiled<VlmPrograms>;
} {
  if (checkpoint.imageToken === undefined) throw noVision();
  return { checkpoint, compiled: compiled as Compiled<VlmPrograms> };
}

import type { Axis } from "../graph/axis.js";
import type { Value } from "../graph/value.js";
import type { Embedding, Linear, Module, Norm } from "../nn/index.js";
import type { Past } from "../ops/append.js";

// What a vision-language model is put together from: whatever fits here can take the place of what a checkpoint has.

/**
 * What gives the visual tokens. `module` takes the patches of a batch of frames of one size, each patch's row and column,
 * and the weights of the merge window (their number is the window's size: one program serves every merge size).
 */
export interface VisionBackbone<V extends number = number> {
  readonly width: Axis<"vision", V>;
  readonly frame: Axis<"frame">;
  readonly patch: Axis<"token*window">;
  readonly pixel: Axis<"channel*py*px">;
  readonly module: Module<
    (
      pixels: Value<"frame token*window channel*py*px">,
      row: Value<"token*window">,
      col: Value<"token*window">,
      window: Value<"window">,
    ) => Value<"frame token vision">
  >;
}

/**
 * What gives the logits: the parts that stand in a checkpoint's root, and how the layers learn of positions. A definition
 * says what `positions` gives and what its layers take, one type of its own (`DecoderParts<E, Mine, Mine>`); to what
 * composes parts it is unknown.
 */
export interface DecoderParts<E extends number = number, Takes = never, Gives = unknown> {
  readonly width: Axis<"embed", E>;
  readonly embed_tokens: Module<Embedding<"vocab", "embed">>;
  readonly layers: readonly Module<(x: Value<"batch seq embed">, context: Takes) => Value<"batch seq embed">>[];
  readonly norm: Module<Norm<"embed">>;
  /** Absent where the head is tied to the embedding. */
  readonly lm_head: Module<Linear<"embed", "vocab">> | undefined;
  /** What becomes of the head's scores; nothing unless given. */
  readonly logits?: (scores: Value<"batch pick vocab">) => Value<"batch pick vocab">;
  /** What every layer is told of the positions of this run, which stand behind `past` when that is given. */
  readonly positions: (past?: Past) => Gives;
}

import { type BoundChildren, type Module, module } from "../nn/module.js";
import type { DecoderParts } from "./parts.js";
import { textPrograms, type Vlm, vlmPrograms } from "./vlm.js";

/** A model of text alone. `model.vision === undefined` tells it from a `Vlm`. */
export interface LanguageModel<E extends number = number> {
  readonly root: Module<
    BoundChildren<{
      readonly model: Module<BoundChildren<Pick<DecoderParts, "embed_tokens" | "layers" | "norm">>>;
      readonly lm_head: DecoderParts["lm_head"];
    }>
  >;
  readonly vision: undefined;
  readonly decoder: DecoderParts<E>;
}

/**
 * A language model without an encoder, from a decoder's parts. Its root mirrors the checkpoint: `model.embed_tokens`,
 * `model.layers.0...`, `model.norm`, `lm_head`.
 */
export function composeText<const E extends number>({
  decoder,
}: {
  readonly decoder: DecoderParts<E>;
}): LanguageModel<E> {
  const { embed_tokens, layers, norm, lm_head } = decoder;
  const root = module({ model: module({ embed_tokens, layers, norm }, (m) => m), lm_head }, (m) => m);
  return Object.freeze({ root, vision: undefined, decoder });
}

export type VlmPrograms = ReturnType<typeof vlmPrograms>;
export type TextPrograms = ReturnType<typeof textPrograms>;

/**
 * The programs of a model: `textPrograms` of a language model, `vlmPrograms` of one that sees. The former are among the
 * latter, so what only generates text need not ask which it is.
 */
export function modelPrograms(model: Vlm): VlmPrograms;
export function modelPrograms(model: LanguageModel): TextPrograms;
export function modelPrograms(model: Vlm | LanguageModel): VlmPrograms | TextPrograms;
export function modelPrograms(model: Vlm | LanguageModel): VlmPrograms | TextPrograms {
  return model.vision === undefined ? textPrograms(model) : vlmPrograms(model);
}

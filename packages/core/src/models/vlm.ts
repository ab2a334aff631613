import { type Axis, axis } from "../graph/axis.js";
import { f32, i32, program } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import { GraphError } from "../graph/value.js";
import { bind, module } from "../nn/module.js";
import { past } from "../ops/append.js";
import { gather } from "../ops/gather.js";
import { frameDifference, splice } from "../ops/visual.js";
import type { DecoderParts, VisionBackbone } from "./parts.js";
import type { Projector } from "./projector.js";
import type { LanguageModel } from "./text.js";

export interface VlmParts<V extends number, E extends number> {
  readonly vision: VisionBackbone<V>;
  readonly projector: Projector<NoInfer<V>, NoInfer<E>>;
  readonly decoder: DecoderParts<E>;
}

/**
 * Put a vision-language model together. Its root mirrors the checkpoint, `model.vision_encoder...`, `model.layers.0...`,
 * `lm_head`. Widths that are known at compile time are checked there; the others here, with the same words.
 * @throws GraphError when the projector does not fit on either side
 */
export function composeVlm<const V extends number, const E extends number>({
  vision,
  projector,
  decoder,
}: VlmParts<V, E>) {
  fits("the projector's input", projector.from.size, "the vision width", vision.width.size);
  fits("the projector's output", projector.to.size, "the decoder's width", decoder.width.size);
  const { embed_tokens, layers, norm, lm_head } = decoder;
  const root = module(
    {
      model: module(
        { vision_encoder: vision.module, mm_projector: projector.module, embed_tokens, layers, norm },
        (m) => m,
      ),
      lm_head,
    },
    (m) => m,
  );
  return Object.freeze({ root, vision, projector, decoder });
}
export type Vlm = ReturnType<typeof composeVlm<number, number>>;

function fits(a: string, has: number, b: string, needs: number): void {
  if (has !== needs)
    throw new GraphError(`Type '${has}' is not assignable to type '${needs}': ${a} is ${has}, ${b} is ${needs}`);
}

const batch = axis("batch", symbol("batch"));
const seq = axis("seq", symbol("seq"));
const pick = axis("pick", symbol("pick"));
const kept = axis("kept", symbol("kept"));

/**
 * The programs of a vision-language model, each traced once from the one definition. They are compiled together, since
 * they share weights and sessions.
 */
export const vlmPrograms = (vlm: Vlm) => ({ ...visionPrograms(vlm), ...textPrograms(vlm) });

/** `encodeVision`, `frameDifference` and `project`: from patches to rows of the decoder's width. */
export function visionPrograms({ root, vision, projector }: Vlm) {
  const { frame, patch, pixel, width } = vision;
  const [token, window] = patch.parts as readonly [Axis<"token">, Axis<"window">];
  const grid = { row: i32(patch), col: i32(patch), window: f32(window) };
  return {
    encodeVision: program(
      "encodeVision",
      { pixels: f32(frame, patch, pixel), ...grid },
      ({ pixels, row, col, window }) => ({
        tokens: bind(root).model.vision_encoder(pixels, row, col, window),
      }),
    ),
    frameDifference: program(
      "frameDifference",
      { tokens: f32(frame, token, width), before: f32(token, width) },
      ({ tokens, before }) => ({
        distance: frameDifference(tokens, before),
      }),
    ),
    project: program(
      "project",
      { tokens: f32(axis("row", symbol("row")), projector.from), keep: i32(kept) },
      ({ tokens, keep }) => ({
        visual: bind(root).model.mm_projector(gather<"kept vision">(tokens, keep, "row")),
      }),
    ),
  };
}

/** `embed`, `embedVisual` and `step`: from token ids and visual rows to logits. */
export function textPrograms({ root, decoder }: Pick<LanguageModel, "root" | "decoder">) {
  const ids = i32(batch, seq);
  const visual = f32(axis("row", symbol("row")), decoder.width);
  return {
    embed: program("embed", { ids }, ({ ids }) => ({ embeds: bind(root).model.embed_tokens.lookup(ids) })),
    embedVisual: program("embedVisual", { ids, visual, index: i32(batch, seq) }, ({ ids, visual, index }) => ({
      embeds: splice<"batch seq", "embed", "row">(bind(root).model.embed_tokens.lookup(ids), visual, index),
    })),
    /** Prefill and decode: any number of new positions behind those of the session; logits for the picked ones. */
    step: program("step", { embeds: f32(batch, seq, decoder.width), pick: i32(pick) }, ({ embeds, pick }) => {
      const { model, lm_head } = bind(root);
      // Of the type that the layers take: both are parts of one decoder.
      const context = decoder.positions(past) as never;
      const hidden = model.layers.reduce((h, layer) => layer(h, context), embeds);
      const rows = model.norm(gather<"batch pick embed">(hidden, pick, "seq"));
      const scores = lm_head ? lm_head<"batch pick">(rows) : model.embed_tokens.scores<"batch pick">(rows);
      return { logits: decoder.logits?.(scores) ?? scores };
    }),
  };
}

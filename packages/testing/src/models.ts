import {
  composeVlm,
  type DecoderConfig,
  decoder,
  type Gemma3Config,
  gemma3,
  type HostTensor,
  hostF32,
  hostI32,
  type ProjectorKind,
  projector,
  type VitConfig,
  type Vlm,
  vit,
  vlmPrograms,
  type WeightSource,
} from "@hulu/core";
import fc from "fast-check";
import { Random, seedOf } from "./random.js";
import { randomWeights } from "./weights.js";

/** What a random model is made from; small enough to print. */
export interface ModelDraw {
  readonly decoder: DecoderConfig;
  /** What makes it a decoder of Gemma's kind in the same sizes; undefined for one of Qwen's or Llama's. */
  readonly gemma?: GemmaDraw | undefined;
  readonly vision: VitConfig;
  readonly projector: ProjectorKind;
  readonly seed: number;
}

type GemmaDraw = Omit<Gemma3Config, keyof DecoderConfig>;

/** Windows shorter and longer than the texts of the tests, with softcaps that ordinary scores reach and without. */
const gemmas: fc.Arbitrary<GemmaDraw> = fc
  .record({
    window: fc.integer({ min: 1, max: 8 }),
    globalEvery: fc.integer({ min: 1, max: 3 }),
    queryScalar: fc.constantFrom(4, 11),
    localTheta: fc.constantFrom(10, 10_000),
    ropeFactor: fc.constantFrom(1, 8),
    caps: fc.constantFrom({}, { softcap: 0.75, finalSoftcap: 2 }),
  })
  .map(({ caps, ...c }) => ({ ...c, ...caps }));

/** Decoders of the three families, with head widths and numbers of heads that fast paths like to get wrong. */
export const decoderConfigs: fc.Arbitrary<DecoderConfig> = fc
  .record({
    family: fc.constantFrom("qwen2", "qwen3", "llama"),
    vocab: fc.integer({ min: 3, max: 23 }),
    embed: fc.integer({ min: 2, max: 24 }),
    layers: fc.integer({ min: 1, max: 3 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: fc.constantFrom(2, 4, 8, 16, 20, 6),
    hidden: fc.integer({ min: 1, max: 20 }),
    ropeTheta: fc.constantFrom(10, 10_000, 1e6),
    eps: fc.constantFrom(1e-6, 1e-5),
    bias: fc.boolean(),
    tied: fc.boolean(),
  })
  .map(({ group, bias, family, ...c }) => ({
    ...c,
    family,
    heads: c.kvHeads * group,
    qkvBias: family === "qwen2" || (family === "llama" && bias),
    outBias: family === "llama" && bias,
    qkNorm: family === "qwen3",
  }));

/** Vision encoders whose heads are no power of two as often as they are. */
export const vitConfigs: fc.Arbitrary<VitConfig> = fc
  .record({
    heads: fc.integer({ min: 1, max: 3 }),
    headDim: fc.constantFrom(4, 8, 12, 20),
    layers: fc.integer({ min: 1, max: 2 }),
    hidden: fc.integer({ min: 1, max: 20 }),
    patch: fc.integer({ min: 2, max: 3 }),
    pairing: fc.constantFrom("half" as const, "interleaved" as const),
  })
  .map(({ headDim, ...c }) => ({ ...c, width: c.heads * headDim, channels: 3, eps: 1e-6, ropeTheta: 10_000 }));

export const projectorKinds: fc.Arbitrary<ProjectorKind> = fc.constantFrom(
  "linear",
  "identity",
  "mlp1x_gelu",
  "mlp2x_gelu",
  "mlp3x_gelu",
);

export const models: fc.Arbitrary<ModelDraw> = fc
  .record({
    decoder: decoderConfigs,
    gemma: fc.option(gemmas, { nil: undefined, freq: 1 }),
    vision: vitConfigs,
    projector: projectorKinds,
    seed: fc.noShrink(fc.nat()),
  })
  // An identity needs equal widths.
  .map((m) => (m.projector === "identity" ? { ...m, decoder: { ...m.decoder, embed: m.vision.width } } : m));

export interface RandomModel {
  readonly model: Vlm;
  readonly programs: ReturnType<typeof vlmPrograms>;
  readonly weights: WeightSource;
}

export function modelOf(draw: ModelDraw): RandomModel {
  const model = composeVlm({
    vision: vit(draw.vision),
    projector: projector(draw.projector, draw.vision.width, draw.decoder.embed),
    decoder: draw.gemma ? gemma3({ ...draw.decoder, ...draw.gemma }) : decoder(draw.decoder),
  });
  return { model, programs: vlmPrograms(model), weights: randomWeights(model.root, draw.seed) };
}

/** One small model of the Qwen3 kind, for tests that are about sessions and feeds and not about sizes. */
export const smallModel: ModelDraw = {
  decoder: {
    family: "qwen3",
    vocab: 11,
    embed: 12,
    layers: 2,
    heads: 6,
    kvHeads: 3,
    headDim: 4,
    hidden: 10,
    ropeTheta: 10_000,
    eps: 1e-6,
    qkvBias: false,
    outBias: false,
    qkNorm: true,
    tied: true,
  },
  vision: {
    width: 8,
    layers: 1,
    heads: 2,
    hidden: 9,
    channels: 3,
    patch: 2,
    eps: 1e-6,
    ropeTheta: 10_000,
    pairing: "half",
  },
  projector: "mlp2x_gelu",
  seed: 7,
};

/** Frames of one size, cut into patches in merge-block order. */
export interface FramesDraw {
  readonly frames: number;
  /** Of the merged grid. */
  readonly rows: number;
  readonly cols: number;
  readonly merge: number;
}
export const framesDraws: fc.Arbitrary<FramesDraw> = fc.record({
  frames: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 2 }),
  cols: fc.integer({ min: 1, max: 3 }),
  merge: fc.integer({ min: 1, max: 3 }),
});

/** What `encodeVision` is fed: pixels of a seed, each patch's place, and the weights of a bilinear resize to 1/merge. */
export function framesOf({ frames, rows, cols, merge }: FramesDraw, { vision, seed }: ModelDraw) {
  const row: number[] = [];
  const col: number[] = [];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++)
      for (let i = 0; i < merge * merge; i++) {
        row.push(r * merge + Math.floor(i / merge));
        col.push(c * merge + (i % merge));
      }
  const random = new Random(seedOf("pixels", seed));
  const shape = [frames, row.length, vision.channels * vision.patch ** 2];
  const count = shape.reduce((n, d) => n * d, 1);
  return {
    pixels: hostF32(
      Float32Array.from({ length: count }, () => random.float(-2, 2)),
      shape,
    ),
    row: hostI32(row),
    col: hostI32(col),
    window: hostF32(bilinear(merge), [merge * merge]),
  } satisfies Record<string, HostTensor>;
}

/**
 * The weights with which a window of m x m takes part in a bilinear resize to one pixel (align_corners = false, no
 * antialias): the sample lies at the window's centre, m/2 - 1/2, between the nearest pixels.
 */
export function bilinear(m: number): number[] {
  const centre = m / 2 - 0.5;
  const along = Array.from({ length: m }, (_, i) => Math.max(0, 1 - Math.abs(i - centre)));
  return along.flatMap((r) => along.map((c) => r * c));
}

/** Random token ids: `[batch seq]`. */
export function idsOf(draw: ModelDraw, seq: number, batch = 1): HostTensor {
  const random = new Random(seedOf("ids", draw.seed));
  return hostI32(
    Array.from({ length: batch * seq }, () => random.int(0, draw.decoder.vocab - 1)),
    [batch, seq],
  );
}

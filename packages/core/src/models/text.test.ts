import { describe, expect, test } from "vitest";
import { paramsOf } from "../graph/graph.js";
import { verify } from "../graph/verify.js";
import { paths } from "../nn/module.js";
import { memoryWeights, type WeightSource } from "../weights/source.js";
import { modelFromCheckpoint, modelFromConfig, sees, vlmFromCheckpoint } from "./checkpoint.js";
import { parseConfig } from "./config.js";
import { composeText, modelPrograms } from "./text.js";

const json = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 11,
  hidden_size: 12,
  intermediate_size: 5,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  num_key_value_heads: 1,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
  rope_scaling: null,
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
  max_position_embeddings: 8192,
};
const empty = memoryWeights([]);
const zeros = (model: { readonly root: Parameters<typeof paths>[0] }, extra: readonly string[] = []): WeightSource =>
  memoryWeights(
    [...[...paths(model.root)].map(([path, p]) => [path, p.dims.map((d) => d.size as number)] as const)]
      .concat(extra.map((path) => [path, [1]] as const))
      .map(([path, shape]) => [path, { shape, data: new Float32Array(shape.reduce((n, d) => n * d, 1)) }]),
  );

describe("a config without an encoder", () => {
  test("is a language model's", () => {
    expect(parseConfig(json, empty)).toEqual({
      decoder: {
        family: "llama",
        vocab: 11,
        embed: 12,
        layers: 2,
        heads: 3,
        kvHeads: 1,
        headDim: 4,
        hidden: 5,
        ropeTheta: 100_000,
        eps: 1e-5,
        qkvBias: false,
        outBias: false,
        qkNorm: false,
        tied: true,
      },
      eosTokens: [2],
      maxPositions: 8192,
      vision: undefined,
    });
    for (const model_type of ["qwen2", "qwen3"])
      expect(parseConfig({ ...json, model_type }, empty)).toMatchObject({
        vision: undefined,
        decoder: { family: model_type },
      });
  });

  test("is still a vision-language model's where anything says so", () => {
    const asked = "put vision_encoder_config into config.json";
    expect(() => parseConfig({ ...json, model_type: "hulumed_qwen3" }, empty)).toThrow(asked);
    expect(() => parseConfig({ ...json, mm_projector_type: "linear" }, empty)).toThrow(asked);
    expect(() => parseConfig({ ...json, vision_encoder: "./navit" }, empty)).toThrow(asked);
    for (const path of ["model.vision_encoder.post_layernorm.bias", "model.mm_projector.readout.0.weight"])
      expect(() => parseConfig(json, memoryWeights([[path, { shape: [1], data: new Float32Array(1) }]]))).toThrow(
        asked,
      );
    expect(() => parseConfig(json, empty, {})).toThrow("the vision encoder's config.json: hidden_size is missing");
  });
});

describe("a language model", () => {
  const model = modelFromConfig({ ...parseConfig(json, empty), vision: undefined });

  test("has the names of transformers' own class", () => {
    const layer = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
    const rest = ["post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
    const layers = [0, 1].flatMap((i) => [...layer, ...rest].map((name) => `model.layers.${i}.${name}.weight`));
    expect([...paths(model.root).keys()]).toEqual(["model.embed_tokens.weight", ...layers, "model.norm.weight"]);
  });

  test("has sound programs for text and none for pictures, and they read every weight", () => {
    const programs = modelPrograms(model);
    expect(Object.keys(programs)).toEqual(["embed", "embedVisual", "step"]);
    for (const p of Object.values(programs)) verify(p);
    const read = new Set(Object.values(programs).flatMap((p) => [...paramsOf(p).keys()]));
    expect([...read].sort()).toEqual([...paths(model.root).keys()].sort());
    expect(composeText({ decoder: model.decoder }).vision).toBeUndefined();
  });

  test("comes from a checkpoint, held to it strictly", () => {
    const checkpoint = modelFromCheckpoint(json, zeros(model, ["lm_head.weight"]));
    expect(sees(checkpoint)).toBe(false);
    expect(checkpoint.report.unused).toEqual(["lm_head.weight"]);
    expect(() => modelFromCheckpoint({ ...json, tie_word_embeddings: false }, zeros(model))).toThrow(
      "missing (1):\n    lm_head.weight [vocab=11 embed=12]",
    );
    expect(() => modelFromCheckpoint(json, zeros(model, ["model.layers.0.mlp.down_proj.bias"]))).toThrow(
      "unexpected (1)",
    );
    expect(() => vlmFromCheckpoint(json, zeros(model))).toThrow("a language model, which takes no pictures");
  });
});

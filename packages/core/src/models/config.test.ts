import { describe, expect, test } from "vitest";
import type { WeightSource } from "../weights/source.js";
import { parseConfig as parse, type VlmConfig } from "./config.js";
import { ConfigError } from "./fields.js";

const parseConfig = (...args: Parameters<typeof parse>) => parse(...args) as VlmConfig;

/** Headers of tensors, without a number in them. */
function headers(shapes: Readonly<Record<string, readonly number[]>>): WeightSource {
  const no = () => Promise.reject(new Error("a config is parsed from headers alone"));
  return {
    keys: () => Object.keys(shapes),
    info: (path) => (Object.hasOwn(shapes, path) ? { dtype: "BF16", shape: shapes[path]! } : undefined),
    read: no,
    floats: no,
  };
}
const attention = "model.layers.0.self_attn";
const qwen3 = headers({ [`${attention}.q_norm.weight`]: [32] });
const qwen2 = headers({ [`${attention}.q_proj.bias`]: [64] });

const vision = {
  hidden_size: 96,
  intermediate_size: 136,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_channels: 3,
  patch_size: 14,
  hidden_act: "gelu_pytorch_tanh",
  layer_norm_eps: 1e-5,
};
const base = {
  model_type: "hulumed_qwen3",
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 112,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  hidden_act: "silu",
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  tie_word_embeddings: true,
  eos_token_id: 502,
  image_token_index: 500,
  mm_projector_type: "mlp2x_gelu",
  use_token_compression: false,
  vision_encoder_config: vision,
};
const without = (...keys: string[]) => Object.fromEntries(Object.entries(base).filter(([k]) => !keys.includes(k)));

describe("the Transformers layout", () => {
  test("every field has its place", () => {
    expect(parseConfig(base, qwen3)).toEqual({
      decoder: {
        family: "qwen3",
        vocab: 512,
        embed: 64,
        layers: 3,
        heads: 4,
        kvHeads: 2,
        headDim: 32,
        hidden: 112,
        ropeTheta: 1e6,
        eps: 1e-6,
        qkvBias: false,
        outBias: false,
        qkNorm: true,
        tied: true,
      },
      vision: {
        width: 96,
        layers: 3,
        heads: 4,
        hidden: 136,
        channels: 3,
        patch: 14,
        eps: 1e-5,
        ropeTheta: 10_000,
        pairing: "half",
      },
      projector: "mlp2x_gelu",
      imageToken: 500,
      eosTokens: [502],
      tokenCompression: false,
      maxPositions: 4096,
    });
  });
  test("what is left out has the class's own value", () => {
    const least = parseConfig(
      {
        ...without(
          "num_key_value_heads",
          "head_dim",
          "rope_theta",
          "rms_norm_eps",
          "tie_word_embeddings",
          "eos_token_id",
          "image_token_index",
          "mm_projector_type",
          "use_token_compression",
          "hidden_act",
          "max_position_embeddings",
        ),
        vision_encoder_config: {
          hidden_size: 96,
          intermediate_size: 136,
          num_hidden_layers: 3,
          num_attention_heads: 4,
        },
      },
      qwen3,
    );
    expect(least.decoder).toMatchObject({ kvHeads: 4, headDim: 16, ropeTheta: 10_000, eps: 1e-6, tied: false });
    expect(least.vision).toMatchObject({ channels: 3, patch: 16, eps: 1e-6 });
    expect(least).toMatchObject({
      projector: "mlp2x_gelu",
      imageToken: undefined,
      eosTokens: [],
      tokenCompression: true,
      maxPositions: 32_768,
    });
  });
  test("null is as good as absent", () => {
    expect(
      parseConfig({ ...base, rope_scaling: null, head_dim: null, vision_encoder: null }, qwen3).decoder.headDim,
    ).toBe(16);
  });
  test("several end tokens, and a placeholder that is not there", () => {
    expect(parseConfig({ ...base, eos_token_id: [1, 2] }, qwen3).eosTokens).toEqual([1, 2]);
    expect(parseConfig({ ...base, image_token_index: -1 }, qwen3).imageToken).toBeUndefined();
    expect(parseConfig({ ...without("image_token_index"), image_token_id: 7 }, qwen3).imageToken).toBe(7);
    expect(parseConfig({ ...base, image_token_index: 0 }, qwen3).imageToken).toBe(0);
  });
});

describe("which decoder it is stands in the tensors", () => {
  test.each([
    ["hulumed_qwen2", qwen3, "qwen3", true, false],
    ["hulumed_qwen3", qwen2, "qwen2", false, true],
    ["llama", headers({}), "llama", false, false],
    ["llama", headers({ [`${attention}.q_norm.weight`]: [32] }), "qwen3", true, false],
    ["qwen2", headers({}), "qwen2", false, true],
  ] as const)("%s", (model_type, weights, family, qkNorm, qkvBias) => {
    expect(parseConfig({ ...base, model_type }, weights).decoder).toMatchObject({ family, qkNorm, qkvBias });
  });
  test("a norm or a bias that some layer lacks is expected in all of them", () => {
    const some = (name: string) => headers({ [`model.layers.2.self_attn.${name}`]: [32] });
    expect(parseConfig({ ...base, model_type: "hulumed_qwen2" }, some("k_norm.weight")).decoder.qkNorm).toBe(true);
    expect(parseConfig({ ...base, model_type: "hulumed_qwen3" }, headers({})).decoder).toMatchObject({
      family: "qwen3",
      qkNorm: true,
      qkvBias: false,
    });
    expect(parseConfig({ ...base, model_type: "llama" }, some("v_proj.bias")).decoder.qkvBias).toBe(true);
    expect(parseConfig({ ...base, model_type: "llama", attention_bias: true }, headers({})).decoder).toMatchObject({
      qkvBias: true,
      outBias: true,
    });
    expect(parseConfig({ ...base, model_type: "qwen2", attention_bias: false }, headers({})).decoder).toMatchObject({
      qkvBias: true,
      outBias: false,
    });
    expect(
      parseConfig(
        { ...base, model_type: "hulumed_qwen2" },
        headers({ "model.vision_encoder.self_attn.q_norm.weight": [4] }),
      ).decoder.qkNorm,
    ).toBe(false);
  });
  test("a bias on the output projection", () => {
    const weights = headers({ [`${attention}.o_proj.bias`]: [64], [`${attention}.q_proj.bias`]: [64] });
    expect(parseConfig({ ...base, model_type: "llama" }, weights).decoder).toMatchObject({
      outBias: true,
      qkvBias: true,
    });
  });
});

describe("the layout of transformers' own class", () => {
  const { vision_encoder_config, mm_projector_type, image_token_index, model_type, tie_word_embeddings, ...text } =
    base;
  void [vision_encoder_config, mm_projector_type, image_token_index, model_type, tie_word_embeddings];
  const native = {
    model_type: "video_llama_3",
    image_token_id: 500,
    text_config: {
      ...text,
      model_type: "qwen3",
      rope_theta: undefined,
      rope_parameters: { rope_type: "default", rope_theta: 5e5 },
    },
    vision_config: { ...vision, rope_parameters: { rope_theta: 9000, rope_type: "axial" } },
  };
  test("nests text and vision", () => {
    const parsed = parseConfig(native, qwen3);
    expect(parsed.decoder).toMatchObject({ embed: 64, ropeTheta: 5e5, tied: false });
    expect(parsed.vision).toMatchObject({ width: 96, ropeTheta: 9000 });
    const bare = { ...native, vision_config: { ...vision, rope_parameters: { rope_type: "axial" } } };
    expect(parseConfig(bare, qwen3).vision).toMatchObject({ ropeTheta: 10_000 });
    expect(parsed).toMatchObject({ imageToken: 500, projector: "mlp2x_gelu", eosTokens: [502] });
  });
  test("ties by either object, the inner one first", () => {
    const tied = (outer: unknown, inner: unknown) =>
      parseConfig(
        { ...native, tie_word_embeddings: outer, text_config: { ...native.text_config, tie_word_embeddings: inner } },
        qwen3,
      ).decoder.tied;
    expect(tied(true, undefined)).toBe(true);
    expect(tied(true, false)).toBe(false);
    expect(tied(false, true)).toBe(true);
  });
  test("errors name the object", () => {
    expect(() => parseConfig({ ...native, text_config: { ...native.text_config, hidden_size: 0 } }, qwen3)).toThrow(
      "config.json text_config: hidden_size is 0; it must be a whole number from 1 to 16777216",
    );
  });
});

describe("rotary positions of Llama 3.1", () => {
  const llama3 = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  };
  const ropeScaling = { factor: 8, lowFrequency: 1, highFrequency: 4, positions: 64 };
  test("stand in rope_scaling, or in rope_parameters with theta", () => {
    expect(parseConfig({ ...base, rope_scaling: llama3 }, qwen3).decoder).toMatchObject({
      ropeTheta: 1e6,
      ropeScaling,
    });
    const parameters = { ...llama3, rope_theta: 5e5 };
    const parsed = parseConfig({ ...base, rope_parameters: parameters }, qwen3).decoder;
    expect(parsed).toMatchObject({ ropeTheta: 5e5, ropeScaling });
    expect(parseConfig(base, qwen3).decoder).not.toHaveProperty("ropeScaling");
  });
  test("are of the model's own length unless another is told", () => {
    const { original_max_position_embeddings: _, ...rest } = llama3;
    expect(parseConfig({ ...base, rope_scaling: rest }, qwen3).decoder.ropeScaling?.positions).toBe(4096);
  });
});

test("an encoder with a table of learned positions", () => {
  const learned = { ...vision, model_type: "siglip_vision_model", num_attention_heads: 32, image_size: 100 };
  expect(parseConfig({ ...base, vision_encoder_config: learned }, qwen3).vision).toEqual({
    width: 96,
    layers: 3,
    heads: 32,
    hidden: 136,
    channels: 3,
    patch: 14,
    side: 7,
    eps: 1e-5,
  });
  expect(
    parseConfig({ ...base, vision_encoder_config: { ...learned, image_size: undefined } }, qwen3).vision,
  ).toMatchObject({ side: 16 });
});

describe("the original layout, whose encoder has a folder of its own", () => {
  const original = { ...without("vision_encoder_config"), vision_encoder: "./navit" };
  test("the folder's config.json is read", () => {
    expect(parseConfig(original, qwen3, { ...vision, patch_size: 8 }).vision.patch).toBe(8);
    expect(() => parseConfig(original, qwen3, { ...vision, num_hidden_layers: "3" })).toThrow(
      `the vision encoder's config.json: num_hidden_layers is "3"; it must be a whole number from 1 to 1000`,
    );
    expect(() => parseConfig(original, qwen3, [])).toThrow("the vision encoder's config.json must be a JSON object");
  });
  test("without it the tensors tell the sizes", () => {
    const e = "model.vision_encoder";
    const weights = headers({
      [`${attention}.q_norm.weight`]: [32],
      [`${e}.embeddings.patch_embedding.weight`]: [144, 3, 14, 14],
      [`${e}.encoder.layers.0.mlp.fc1.weight`]: [200, 144],
      [`${e}.encoder.layers.0.layer_norm1.weight`]: [144],
      [`${e}.encoder.layers.1.layer_norm1.weight`]: [144],
      [`${e}.encoder.layers.11.layer_norm1.weight`]: [144],
      "model.layers.7.input_layernorm.weight": [64],
    });
    expect(parseConfig(original, weights).vision).toMatchObject({
      width: 144,
      heads: 2,
      layers: 3,
      hidden: 200,
      patch: 14,
      channels: 3,
    });
  });
  test.each([
    ["no tensors", {}],
    [
      "a width that no number of heads of 72 gives",
      { "model.vision_encoder.embeddings.patch_embedding.weight": [96, 3, 14, 14] },
    ],
  ])("and with %s it says what to do", (_, shapes) => {
    expect(() => parseConfig(original, headers(shapes))).toThrow(
      "config.json says nothing about the vision encoder, its folder is not there, and its tensors do not tell the number of heads: put vision_encoder_config into config.json",
    );
  });
  test("tensors that lack a part are an error too", () => {
    const weights = headers({ "model.vision_encoder.embeddings.patch_embedding.weight": [144, 3, 14, 14] });
    expect(() => parseConfig(original, weights)).toThrow(
      "the vision encoder's tensors: num_hidden_layers is 0; it must be",
    );
  });
});

describe("what is wrong is a ConfigError that names the field and what would be right", () => {
  const count = (most: number) => `it must be a whole number from 1 to ${most}`;
  const inVision = (change: object) => ({ vision_encoder_config: { ...vision, ...change } });
  test.each<[unknown, string]>([
    [null, "config.json must be a JSON object"],
    [[], "config.json must be a JSON object"],
    ["{}", "config.json must be a JSON object"],
    [{}, 'config.json: model_type "" is not known; these are: hulumed_qwen2, '],
    [{ model_type: "gpt2" }, 'config.json: model_type "gpt2" is not known'],
    [{ model_type: "x".repeat(1000) }, `model_type "${"x".repeat(60)}" is not known`],
    [{ model_type: 3 }, "config.json: model_type is 3; it must be a string"],
    [{ ...base, text_config: [] }, "config.json text_config must be a JSON object"],
    [{ ...base, vision_encoder_config: "navit" }, "config.json vision_encoder_config must be a JSON object"],
    [{ ...base, num_attention_heads: 0 }, `config.json: num_attention_heads is 0; ${count(4096)}`],
    [{ ...base, num_attention_heads: 4097 }, `num_attention_heads is 4097; ${count(4096)}`],
    [{ ...base, num_key_value_heads: 0 }, `num_key_value_heads is 0; ${count(4096)}`],
    [{ ...base, num_key_value_heads: 3 }, "config.json: 4 attention heads do not share 3 key/value heads evenly"],
    [{ ...base, hidden_size: -64 }, `hidden_size is -64; ${count(16777216)}`],
    [{ ...base, hidden_size: 64.5 }, `hidden_size is 64.5; ${count(16777216)}`],
    [{ ...base, hidden_size: "64" }, `hidden_size is "64"; ${count(16777216)}`],
    [{ ...base, hidden_size: true }, `hidden_size is true; ${count(16777216)}`],
    [without("hidden_size"), `hidden_size is missing; ${count(16777216)}`],
    [without("vocab_size"), `vocab_size is missing; ${count(16777216)}`],
    [{ ...base, vocab_size: 2 ** 24 + 1 }, `vocab_size is 16777217; ${count(16777216)}`],
    [{ ...base, num_hidden_layers: 1001 }, `num_hidden_layers is 1001; ${count(1000)}`],
    [{ ...base, num_hidden_layers: 1e9 }, `num_hidden_layers is 1000000000; ${count(1000)}`],
    [{ ...base, intermediate_size: {} }, `intermediate_size is {}; ${count(16777216)}`],
    [{ ...base, head_dim: 4098 }, `head_dim is 4098; ${count(4096)}`],
    [{ ...base, num_key_value_heads: 4097 }, `num_key_value_heads is 4097; ${count(4096)}`],
    [{ ...base, max_position_embeddings: 2 ** 30 + 1 }, "max_position_embeddings is 1073741825; it must be"],
    [{ ...base, ...inVision({ num_attention_heads: 4097 }) }, `num_attention_heads is 4097; ${count(4096)}`],
    [{ ...base, ...inVision({ num_hidden_layers: 1001 }) }, `num_hidden_layers is 1001; ${count(1000)}`],
    [{ ...base, head_dim: 31 }, "config.json: head_dim is 31; rotary positions need an even number"],
    [{ ...without("head_dim"), hidden_size: 62 }, "head_dim is missing, and hidden_size 62 does not divide by 4 heads"],
    [
      JSON.parse(JSON.stringify(base).replace('"rms_norm_eps":0.000001', '"rms_norm_eps":1e999')),
      "rms_norm_eps is Infinity; it must be a finite number above 0",
    ],
    [{ ...base, rms_norm_eps: Number.NaN }, "rms_norm_eps is NaN; it must be a finite number above 0"],
    [{ ...base, rms_norm_eps: 0 }, "rms_norm_eps is 0; it must be a finite number above 0"],
    [{ ...base, rms_norm_eps: -1e-6 }, "rms_norm_eps is -0.000001; it must be a finite number above 0"],
    [{ ...base, rope_theta: "1e6" }, 'rope_theta is "1e6"; it must be a finite number above 0'],
    [
      { ...base, rope_scaling: { type: "yarn", factor: 4 } },
      'rotary positions of type "yarn" are not supported; "default" and "llama3" are',
    ],
    [
      { ...base, rope_scaling: { rope_type: "llama3" } },
      "config.json rope_scaling: low_freq_factor is missing; it must be a finite number above 0",
    ],
    [
      { ...base, rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      "config.json rope_scaling: high_freq_factor 4 must be above low_freq_factor 4",
    ],
    [{ ...base, partial_rotary_factor: 0.5 }, "config.json: partial_rotary_factor must be 1"],
    [
      { ...base, rope_parameters: { rope_type: "default", partial_rotary_factor: 0.25 } },
      "config.json rope_parameters: partial_rotary_factor must be 1",
    ],
    [
      { ...base, ...inVision({ model_type: "siglip_vision_model", num_attention_heads: 5 }) },
      "hidden_size 96 over 5 heads gives 19.2; a head needs a whole number",
    ],
    [
      { ...base, ...inVision({ model_type: "siglip_vision_model", image_size: 13 }) },
      "image_size 13 is less than a patch of 14",
    ],
    [
      { ...base, ...inVision({ model_type: "siglip_vision_model", image_size: [224, 224] }) },
      "config.json vision_encoder_config: image_size is [224,224]; it must be a whole number from 1 to 16384",
    ],
    [{ ...base, rope_parameters: { rope_type: "dynamic" } }, 'rotary positions of type "dynamic" are not supported'],
    [{ ...base, hidden_act: "gelu" }, 'hidden_act "gelu" is not supported; "silu" is'],
    [{ ...base, use_sliding_window: true }, "use_sliding_window is true; sliding-window attention is not supported"],
    [{ ...base, mlp_bias: true }, "mlp_bias is true; a bias in the MLP is not supported"],
    [{ ...base, tie_word_embeddings: "yes" }, 'tie_word_embeddings is "yes"; it must be true or false'],
    [{ ...base, use_token_compression: 1 }, "use_token_compression is 1; it must be true or false"],
    [{ ...base, eos_token_id: "502" }, 'eos_token_id is "502"; it must be a token id or a list of them'],
    [{ ...base, eos_token_id: [1, 2.5] }, "eos_token_id is [1,2.5]; it must be a token id or a list of them"],
    [{ ...base, eos_token_id: 1e300 }, "eos_token_id is 1e+300; it must be a token id"],
    [{ ...base, eos_token_id: Array(1025).fill(1) }, "it must be a token id or a list of them"],
    [{ ...base, image_token_index: {} }, "image_token_index is {}; it must be a token id"],
    [
      { ...base, max_position_embeddings: 0 },
      "max_position_embeddings is 0; it must be a whole number from 1 to 1073741824",
    ],
    [
      { ...base, mm_projector_type: "resampler" },
      'mm_projector_type "resampler" is not known; it must be mlpNx_gelu, linear or identity',
    ],
    [{ ...base, mm_projector_type: "mlp0x_gelu" }, 'mm_projector_type "mlp0x_gelu" is not known'],
    [{ ...base, mm_projector_type: "mlp100x_gelu" }, 'mm_projector_type "mlp100x_gelu" is not known'],
    [{ ...base, mm_projector_type: "linear\nidentity" }, "is not known"],
    [
      { ...base, ...inVision({ hidden_act: "gelu" }) },
      'config.json vision_encoder_config: hidden_act "gelu" is not supported; "gelu_pytorch_tanh" is',
    ],
    [
      { ...base, ...inVision({ num_attention_heads: 5 }) },
      "hidden_size 96 over 5 heads gives 19.2; 2D rotary positions need a multiple of 4",
    ],
    [
      { ...base, ...inVision({ num_attention_heads: 16 }) },
      "hidden_size 96 over 16 heads gives 6; 2D rotary positions need a multiple of 4",
    ],
    [{ ...base, ...inVision({ num_channels: 1 }) }, "num_channels is 1; it must be a whole number from 3 to 3"],
    [{ ...base, ...inVision({ patch_size: 257 }) }, "patch_size is 257; it must be a whole number from 1 to 256"],
    [
      { ...base, ...inVision({ layer_norm_eps: Number.POSITIVE_INFINITY }) },
      "layer_norm_eps is Infinity; it must be a finite number above 0",
    ],
    [
      { ...base, ...inVision({ num_hidden_layers: 0 }) },
      "num_hidden_layers is 0; it must be a whole number from 1 to 1000",
    ],
    [
      { ...base, ...inVision({ rope_parameters: { rope_theta: 0 } }) },
      "vision_encoder_config rope_parameters: rope_theta is 0; it must be a finite number above 0",
    ],
  ])("%#: %j", (json, says) => {
    expect(() => parseConfig(json, qwen3)).toThrow(ConfigError);
    expect(() => parseConfig(json, qwen3)).toThrow(says);
  });

  test.each([
    { ...base, model_type: "qwen3_vl_moe" },
    { ...base, text_config: { ...base, model_type: "qwen3_vl_moe_text" } },
    { ...base, architectures: ["Qwen3VLMoeForConditionalGeneration"] },
  ])("the mixture of experts is refused by its name: %#", (json) => {
    expect(() => parseConfig(json, qwen3)).toThrow("qwen3_vl_moe (Hulu-Med-30A3) is another architecture");
  });

  test("keys of every object are only keys", () => {
    const json = JSON.parse(
      `{"__proto__": {"hidden_size": 64}, "constructor": 1, ${JSON.stringify(without("hidden_size")).slice(1)}`,
    );
    expect(() => parseConfig(json, qwen3)).toThrow("hidden_size is missing");
    const inherited = Object.assign(Object.create({ hidden_size: 64 }), without("hidden_size"));
    expect(() => parseConfig(inherited, qwen3)).toThrow("hidden_size is missing");
    expect(({} as { hidden_size?: number }).hidden_size).toBeUndefined();
  });
});

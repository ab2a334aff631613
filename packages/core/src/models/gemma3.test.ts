import { describe, expect, test } from "vitest";
import { verify } from "../graph/verify.js";
import { paths } from "../nn/module.js";
import { ConfigError } from "./fields.js";
import { type Gemma3Config, gemma3 } from "./gemma3.js";
import { parseGemma3Config } from "./gemma3-config.js";
import { composeText } from "./text.js";
import { textPrograms } from "./vlm.js";

const numbers = (config: Gemma3Config, chosen: (path: string) => boolean) =>
  [...paths(composeText({ decoder: gemma3(config) }).root)].reduce(
    (n, [path, { dims }]) => (chosen(path) ? n + dims.reduce((m, d) => m * (d.size as number), 1) : n),
    0,
  );
const gemma2Json = {
  model_type: "gemma2",
  vocab_size: 256128,
  hidden_size: 2304,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  intermediate_size: 9216,
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
  attn_logit_softcapping: 50,
  final_logit_softcapping: 30,
};
/** As google/gemma-3-4b's text_config, with what transformers takes for granted written out. */
const gemma3Json = {
  model_type: "gemma3_text",
  vocab_size: 262208,
  hidden_size: 2560,
  num_hidden_layers: 34,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  intermediate_size: 10240,
  query_pre_attn_scalar: 256,
  sliding_window: 1024,
  rope_theta: 1e6,
  rope_local_base_freq: 1e4,
  rope_scaling: { rope_type: "linear", factor: 8 },
};

describe("the published numbers of parameters", () => {
  const embedding = (path: string) => path === "model.embed_tokens.weight";
  const rest = (path: string) => !embedding(path);
  // Gemma 2, 2024, table 2.
  test.each([
    ["2B", {}, 590_118_912, 2_024_517_888],
    [
      "9B",
      {
        hidden_size: 3584,
        num_hidden_layers: 42,
        num_attention_heads: 16,
        num_key_value_heads: 8,
        intermediate_size: 14336,
      },
      917_962_752,
      8_324_201_984,
    ],
  ])("Gemma 2 %s", (_, sizes, table, others) => {
    const config = parseGemma3Config({ ...gemma2Json, ...sizes });
    expect(numbers(config, embedding)).toBe(table);
    expect(numbers(config, rest)).toBe(others);
  });
  // Gemma 3, 2025, table 1, in millions.
  test("Gemma 3 4B", () => {
    expect(Math.floor(numbers(parseGemma3Config(gemma3Json), rest) / 1e6)).toBe(3209);
  });
});

describe("its step", () => {
  const config = { ...parseGemma3Config(gemma3Json), layers: 12 };
  const { step } = textPrograms(composeText({ decoder: gemma3(config) }));
  const attention = (i: number) => step.results.get(`model.layers.${i}.self_attn`)!;
  const rules = Array.from({ length: 12 }, (_, i) => {
    let value = attention(i);
    while (value.op.name !== "attention") value = value.inputs[0]!;
    return value.attrs;
  });
  test("sees a window in five layers of six, and everything in the sixth", () => {
    expect(rules.map((r) => r.window)).toEqual(
      [5, 11].reduce((all, i) => all.with(i, undefined), Array(12).fill(1024)),
    );
    expect(rules.every((r) => r.scale === 1 / 16 && r.softcap === undefined)).toBe(true);
  });
  test("is sound, and keeps keys and values of every layer", () => {
    verify(step);
    expect(step.states).toHaveLength(24);
  });
});

describe("its config.json", () => {
  test("of transformers 4", () => {
    expect(parseGemma3Config(gemma3Json)).toEqual({
      vocab: 262208,
      embed: 2560,
      layers: 34,
      heads: 8,
      kvHeads: 4,
      headDim: 256,
      hidden: 10240,
      eps: 1e-6,
      queryScalar: 256,
      window: 1024,
      globalEvery: 6,
      ropeTheta: 1e6,
      localTheta: 1e4,
      ropeFactor: 8,
      qkNorm: true,
    });
  });
  test("of transformers 5 says the same", () => {
    const { rope_theta: _, rope_local_base_freq: __, rope_scaling: ___, ...rest } = gemma3Json;
    const rope_parameters = {
      full_attention: { rope_type: "linear", factor: 8, rope_theta: 1e6 },
      sliding_attention: { rope_type: "default", rope_theta: 1e4 },
    };
    const layer_types = Array.from({ length: 34 }, (_, i) => (i % 6 === 5 ? "full_attention" : "sliding_attention"));
    expect(parseGemma3Config({ ...rest, rope_parameters, layer_types })).toEqual(parseGemma3Config(gemma3Json));
  });
  test("of Gemma 2: one theta, softcaps, no norm on heads", () => {
    expect(parseGemma3Config({ ...gemma2Json, rope_theta: 500 })).toMatchObject({
      softcap: 50,
      finalSoftcap: 30,
      qkNorm: false,
      globalEvery: 2,
      window: 4096,
      ropeTheta: 500,
      localTheta: 500,
      ropeFactor: 1,
    });
    const parameters = { rope_type: "default", rope_theta: 700 };
    expect(parseGemma3Config({ ...gemma2Json, rope_parameters: parameters }).localTheta).toBe(700);
  });
  test("says how many layers apart the global ones are", () => {
    const every = (change: object) => parseGemma3Config({ ...gemma3Json, num_hidden_layers: 4, ...change }).globalEvery;
    expect(every({})).toBe(6);
    expect(every({ sliding_window_pattern: 3 })).toBe(3);
    expect(every({ sliding_window_pattern: 3, _sliding_window_pattern: 2 })).toBe(2);
    const [s, f] = ["sliding_attention", "full_attention"];
    expect(every({ layer_types: [s, f, s, f] })).toBe(2);
    expect(every({ layer_types: [f, f, f, f] })).toBe(1);
    // None among these four: the next might be.
    expect(every({ layer_types: [s, s, s, s] })).toBe(5);
    expect(() => every({ layer_types: [s, f, f, s] })).toThrow('layer_types[2] is "full_attention"; every n-th layer');
    expect(() => every({ layer_types: [s, f, s, "chunked"] })).toThrow('layer_types[3] is "chunked"');
    expect(() => every({ layer_types: [s] })).toThrow("layer_types must be a list of 4");
    expect(() => every({ layer_types: s })).toThrow("layer_types must be a list of 4");
  });
  test.each<[string, object]>([
    ['model_type "gemma3" is no Gemma decoder; these are: gemma3_text, gemma2', { model_type: "gemma3" }],
    ['model_type "" is no Gemma decoder', { model_type: null }],
    ['hidden_activation "silu" is not supported', { hidden_activation: "silu" }],
    ["attention_bias is true", { attention_bias: true }],
    ["use_bidirectional_attention is true", { use_bidirectional_attention: true }],
    ["tie_word_embeddings is false", { tie_word_embeddings: false }],
    ["8 attention heads do not share 3 key/value heads evenly", { num_key_value_heads: 3 }],
    ["head_dim is 7; rotary positions need an even number", { head_dim: 7 }],
    ["head_dim is missing", { head_dim: null }],
    ["num_hidden_layers is 1000000000; it must be a whole number from 1 to 1000", { num_hidden_layers: 1e9 }],
    ["sliding_window is 0", { sliding_window: 0 }],
    ["attn_logit_softcapping is 0; it must be a finite number above 0", { attn_logit_softcapping: 0 }],
    ["final_logit_softcapping is -1", { final_logit_softcapping: -1 }],
    ['config.json rope_scaling: rotary positions of type "yarn" are not supported', { rope_scaling: { type: "yarn" } }],
    ["config.json rope_scaling: factor is missing", { rope_scaling: { type: "linear" } }],
    [
      'config.json rope_parameters sliding_attention: rope_type must be "default" on sliding layers',
      { rope_parameters: { sliding_attention: { rope_type: "linear", factor: 2 } } },
    ],
  ])("is refused: %s", (says, change) => {
    expect(() => parseGemma3Config({ ...gemma3Json, ...change })).toThrow(ConfigError);
    expect(() => parseGemma3Config({ ...gemma3Json, ...change })).toThrow(says);
  });
  test("scaled positions are refused in Gemma 2", () => {
    const rope_scaling = { rope_type: "linear", factor: 2 };
    expect(() => parseGemma3Config({ ...gemma2Json, rope_scaling })).toThrow(
      "scaled rotary positions are not supported",
    );
    expect(() => parseGemma3Config("x")).toThrow("config.json must be a JSON object");
  });
});

test("a decoder without global layers, or of a broken distance, is refused", () => {
  const config = parseGemma3Config(gemma3Json);
  for (const globalEvery of [0, -1, 1.5, Number.NaN])
    expect(() => gemma3({ ...config, globalEvery })).toThrow(
      `globalEvery is a whole number of layers from 1, not ${globalEvery}`,
    );
});

import { describe, expect, test } from "vitest";
import { axis } from "../graph/axis.js";
import { f32, paramsOf, program } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import { verify } from "../graph/verify.js";
import { bind, paths } from "../nn/module.js";
import { memoryWeights, type WeightSource } from "../weights/source.js";
import { modelFromCheckpoint, modelFromConfig } from "./checkpoint.js";
import { type DecoderConfig, decoder } from "./decoder.js";
import { ConfigError } from "./fields.js";
import { decoderPresets, visionPreset } from "./presets.js";
import { type ProjectorKind, projector } from "./projector.js";
import { vit } from "./vit.js";
import { composeVlm, vlmPrograms } from "./vlm.js";

const numbersIn = (root: Parameters<typeof paths>[0], at = "") =>
  [...paths(root)].reduce(
    (n, [path, { dims }]) => (path.startsWith(at) ? n + dims.reduce((m, d) => m * (d.size as number), 1) : n),
    0,
  );
const preset = (config: DecoderConfig) =>
  composeVlm({
    vision: vit(visionPreset),
    projector: projector("mlp2x_gelu", 1152, config.embed),
    decoder: decoder(config),
  }).root;

describe("presets have the published numbers of parameters", () => {
  test("the vision encoder", () => {
    // The measured 412,147,440 have patches of 14; the paper's are 16, which adds 3 (16^2 - 14^2) numbers to each of 1152 rows.
    expect(numbersIn(vit({ ...visionPreset, patch: 14 }).module)).toBe(412_147_440);
    expect(numbersIn(vit(visionPreset).module)).toBe(412_147_440 + 1152 * 3 * 60);
  });
  // Of the language models as their own cards give them: Qwen3-4B, Qwen2.5-7B-Instruct, Qwen3-14B, Qwen2.5-32B-Instruct.
  test.each([
    ["4B", 4_022_468_096],
    ["7B", 7_615_616_512],
    ["14B", 14_768_307_200],
    ["32B", 32_763_876_352],
  ] as const)("%s", (name, published) => {
    const root = preset(decoderPresets[name]);
    const total = numbersIn(root);
    const embed = decoderPresets[name].embed;
    expect(numbersIn(root, "model.vision_encoder.")).toBe(numbersIn(vit(visionPreset).module));
    expect(numbersIn(root, "model.mm_projector.")).toBe(1152 * embed + embed + embed * embed + embed);
    expect(total - numbersIn(root, "model.vision_encoder.") - numbersIn(root, "model.mm_projector.")).toBe(published);
  });
});

test("presets have the rest of the published numbers", () => {
  expect({ vision: visionPreset, ...decoderPresets }).toMatchSnapshot();
});

const small = {
  family: "qwen2",
  vocab: 11,
  embed: 6,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  hidden: 5,
  ropeTheta: 1e4,
  eps: 1e-6,
  qkvBias: true,
  outBias: false,
  qkNorm: false,
  tied: false,
} as const satisfies DecoderConfig;
const eye = { ...visionPreset, width: 8, layers: 2, heads: 2, hidden: 5, patch: 2 } as const;
const compose = (config: DecoderConfig, kind: ProjectorKind = "linear") =>
  composeVlm({
    vision: vit(eye as never),
    projector: projector<number, number>(kind, 8, config.embed),
    decoder: decoder(config),
  });

describe("the names of a model's weights", () => {
  test("are the checkpoint's", () => {
    expect(
      [...paths(compose(small, "mlp2x_gelu").root)].map(([k, p]) => `${k} ${p.dims.map((d) => d.size).join("x")}`),
    ).toMatchSnapshot();
  });
  const names = (change: Partial<DecoderConfig>) => [...paths(compose({ ...small, ...change }).root).keys()];
  test("follow the options of the family", () => {
    const attention = "model.layers.1.self_attn";
    expect(names({ tied: true })).not.toContain("lm_head.weight");
    expect(names({ tied: false })).toContain("lm_head.weight");
    expect(names({ qkvBias: false })).not.toContain(`${attention}.k_proj.bias`);
    expect(names({ outBias: true })).toContain(`${attention}.o_proj.bias`);
    expect(names({})).not.toContain(`${attention}.o_proj.bias`);
    expect(names({ qkNorm: true })).toEqual(
      expect.arrayContaining([`${attention}.q_norm.weight`, `${attention}.k_norm.weight`]),
    );
    expect(names({})).not.toContain(`${attention}.q_norm.weight`);
  });
  test.each([
    ["linear", ["weight", "bias"]],
    ["identity", []],
    ["mlp1x_gelu", ["readout.0.weight", "readout.0.bias"]],
    ["mlp3x_gelu", [0, 2, 4].flatMap((i) => [`readout.${i}.weight`, `readout.${i}.bias`])],
    [
      "mlp12x_gelu",
      Array.from({ length: 12 }, (_, i) => 2 * i).flatMap((i) => [`readout.${i}.weight`, `readout.${i}.bias`]),
    ],
  ] as const)("of a projector %s", (kind, wanted) => {
    const to = kind === "identity" ? 8 : 6;
    expect([...paths(projector(kind, 8, to).module).keys()]).toEqual(wanted);
  });
});

describe("a projector", () => {
  test("puts a GELU between its linears and nowhere else", () => {
    const p = program("p", { x: f32(axis("kept", symbol("kept")), axis("vision", 8)) }, ({ x }) => ({
      y: bind(projector("mlp3x_gelu", 8, 6).module)(x),
    }));
    const chain: string[] = [];
    for (let v = p.outputs.y as import("../graph/value.js").Value | undefined; v; v = v.inputs[0])
      chain.unshift(v.op.name);
    expect(chain).toEqual(["input", "linear", "gelu", "linear", "relabel", "gelu", "linear", "relabel"]);
  });
  test.each(["mlp0x_gelu", "mlp100x_gelu", "mlpx_gelu", "conv", "mlp2x_relu", " linear"])(
    "is not called %j",
    (kind) => {
      expect(() => projector(kind as ProjectorKind, 8, 6)).toThrow(
        new ConfigError(`a projector is mlpNx_gelu, linear or identity, not "${kind}"`),
      );
    },
  );
  test("that changes nothing changes no width", () => {
    expect(() => projector("identity", 8, 6)).toThrow(
      "an identity projector needs equal widths; the vision width is 8, the decoder's 6",
    );
  });
});

describe("composing", () => {
  test("parts that do not fit are refused on either side, in the compiler's own words", () => {
    const parts = { vision: vit(eye), projector: projector<number, number>("linear", 9, 6), decoder: decoder(small) };
    expect(() => composeVlm(parts as never)).toThrow(
      "Type '9' is not assignable to type '8': the projector's input is 9, the vision width is 8",
    );
    expect(() => composeVlm({ ...parts, projector: projector("linear", 8, 7) } as never)).toThrow(
      "Type '7' is not assignable to type '6': the projector's output is 7, the decoder's width is 6",
    );
  });
  test("every program is sound, and together they read every weight", () => {
    for (const config of [small, { ...small, tied: true, qkNorm: true, outBias: true }]) {
      const model = compose(config, "mlp2x_gelu");
      const programs = Object.values(vlmPrograms(model));
      for (const p of programs) verify(p);
      const read = new Set(programs.flatMap((p) => [...paramsOf(p).keys()]));
      expect([...read].sort()).toEqual([...paths(model.root).keys()].sort());
    }
  });
  test("a decoder keeps keys and values of each layer, a vision encoder nothing", () => {
    const programs = vlmPrograms(compose(small));
    expect(programs.step.states.map((s) => s.name)).toEqual(
      [0, 1].flatMap((i) => [`model.layers.${i}.self_attn.keys`, `model.layers.${i}.self_attn.values`]),
    );
    for (const name of ["encodeVision", "project", "embed", "embedVisual", "frameDifference"] as const)
      expect(programs[name].states).toEqual([]);
  });
  test("sizes that make no head are refused when the model is made", () => {
    expect(() => vit({ ...eye, heads: 3 })).toThrow(/axis dim needs a size/);
  });
});

describe("from a checkpoint", () => {
  const json = {
    model_type: "hulumed_qwen2",
    vocab_size: 11,
    hidden_size: 6,
    intermediate_size: 5,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    tie_word_embeddings: true,
    mm_projector_type: "linear",
    vision_encoder_config: {
      hidden_size: 8,
      intermediate_size: 5,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      patch_size: 2,
    },
  };
  const stored = (extra: readonly string[] = [], rename = (k: string) => k): WeightSource => {
    const model = compose({ ...small, tied: true });
    return memoryWeights(
      [...paths(model.root), ...extra.map((k) => [k, { dims: [axis("x", 1)] }] as const)].map(([path, { dims }]) => {
        const shape = dims.map((d) => d.size as number);
        return [rename(path), { shape, data: new Float32Array(shape.reduce((n, d) => n * d, 1)) }];
      }),
    );
  };
  test("config, model, weights and report fit together", () => {
    const { config, model, layout, report } = modelFromCheckpoint(json, stored());
    expect(layout).toBe("transformers");
    expect(report).toEqual({ missing: [], misshaped: [], unexpected: [], unused: [] });
    expect([...paths(modelFromConfig(config).root).keys()]).toEqual([...paths(model.root).keys()]);
  });
  test("a head stored beside a tied one is unused, and so are tables of angles", () => {
    const extra = [
      "lm_head.weight",
      "model.layers.0.self_attn.rotary_emb.inv_freq",
      "model.vision_encoder.rotary_pos_emb.inv_freq",
    ];
    expect(modelFromCheckpoint(json, stored(extra)).report.unused).toEqual(extra);
    expect(() => modelFromCheckpoint(json, stored(["model.extra"]))).toThrow("unexpected (1):\n    model.extra [1]");
  });
  test("under the names of another layout", () => {
    const doubled = stored([], (k) => k.replace("model.vision_encoder.", "model.vision_encoder.vision_encoder."));
    const { layout, weights } = modelFromCheckpoint(json, doubled);
    expect(layout).toBe("original");
    expect(weights.info("model.vision_encoder.post_layernorm.bias")?.shape).toEqual([8]);
  });
});

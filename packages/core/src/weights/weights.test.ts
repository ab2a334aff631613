import { describe, expect, test } from "vitest";
import { axis } from "../graph/axis.js";
import { ConfigError } from "../models/fields.js";
import { linear } from "../nn/linear.js";
import { module, param } from "../nn/module.js";
import { canonicalWeights, harmless, layoutOf } from "./layout.js";
import { checkWeights, reportWeights, WeightError } from "./report.js";
import { memoryWeights, renamed, type WeightSource } from "./source.js";

const tensor = (...shape: number[]) => {
  const count = shape.reduce((n, d) => n * d, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => i) };
};
const named = (...names: string[]) => memoryWeights(names.map((name, i) => [name, tensor(i + 1)]));

describe("weights in memory", () => {
  const weights = memoryWeights([
    ["a", tensor(3, 2)],
    ["b", tensor()],
  ]);
  test("by name, whole or by rows, as bytes and as numbers", async () => {
    expect([...weights.keys()]).toEqual(["a", "b"]);
    expect(weights.info("a")).toEqual({ dtype: "F32", shape: [3, 2] });
    expect(weights.info("c")).toBeUndefined();
    expect([...(await weights.floats("a"))]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(await weights.floats("a", { rows: [1, 3] }))]).toEqual([2, 3, 4, 5]);
    const bytes = await weights.read("a", { rows: [1, 2] });
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual([2, 3]);
    expect([...(await weights.floats("b", { rows: [0, 1] }))]).toEqual([0]);
  });
  test("an unknown name", async () => {
    await expect(weights.floats("c")).rejects.toThrow(new RangeError("there is no tensor c"));
    await expect(weights.read("c")).rejects.toThrow(RangeError);
  });
});

describe("renamed", () => {
  test("asks the source under its own names, and for nothing else", async () => {
    const source = { ...named("old", "other"), locate: (path: string) => ({ file: `/${path}`, offset: 1, length: 2 }) };
    const weights = renamed(source, new Map([["new", "old"]]));
    expect([...weights.keys()]).toEqual(["new"]);
    expect(weights.info("new")?.shape).toEqual([1]);
    expect(weights.info("old")).toBeUndefined();
    expect([...(await weights.floats("new"))]).toEqual([0]);
    expect((await weights.read("new")).length).toBe(4);
    expect(weights.locate?.("new")?.file).toBe("/old");
    expect(renamed(named("old"), new Map()).locate).toBeUndefined();
  });
});

describe("three layouts", () => {
  test.each([
    [
      "transformers",
      ["model.vision_encoder.post_layernorm.bias", "model.layers.0.mlp.up_proj.weight", "lm_head.weight"],
      undefined,
    ],
    [
      "original",
      [
        "lm_head.weight",
        "model.vision_encoder.vision_encoder.post_layernorm.bias",
        "model.mm_projector.readout.0.bias",
      ],
      ["lm_head.weight", "model.vision_encoder.post_layernorm.bias", "model.mm_projector.readout.0.bias"],
    ],
    [
      "video_llama_3",
      [
        "lm_head.weight",
        "model.vision_model.post_layernorm.bias",
        "model.projector.readout.0.bias",
        "model.language_model.norm.weight",
      ],
      [
        "lm_head.weight",
        "model.vision_encoder.post_layernorm.bias",
        "model.mm_projector.readout.0.bias",
        "model.norm.weight",
      ],
    ],
  ] as const)("%s", async (layout, stored, wanted) => {
    const source = named(...stored);
    expect(layoutOf(source)).toBe(layout);
    const canonical = canonicalWeights(source);
    expect(canonical.layout).toBe(layout);
    expect([...canonical.weights.keys()]).toEqual(wanted ?? stored);
    // The second tensor has two numbers, whatever it is called.
    expect((await canonical.weights.floats((wanted ?? stored)[1]!)).length).toBe(2);
    if (wanted === undefined) expect(canonical.weights).toBe(source);
  });
  test("one tensor of the vision model alone tells", () => {
    for (const key of ["model.vision_model.x", "model.projector.x", "model.language_model.x"])
      expect(layoutOf(named(key))).toBe("video_llama_3");
    expect(layoutOf(named("model.projector2.x", "model.visions"))).toBe("transformers");
  });
  test("two tensors of one name are refused", () => {
    const both = named("model.vision_encoder.vision_encoder.x", "model.vision_encoder.x");
    expect(() => canonicalWeights(both)).toThrow(ConfigError);
    expect(() => canonicalWeights(both)).toThrow(
      "the checkpoint has model.vision_encoder.x twice: as model.vision_encoder.vision_encoder.x and as model.vision_encoder.x",
    );
  });
  test("what may lie there unread", () => {
    expect(harmless(true)("lm_head.weight")).toBe(true);
    expect(harmless(false)("lm_head.weight")).toBe(false);
    expect(harmless(true)("lm_head.bias")).toBe(false);
    for (const path of ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.vision_encoder.rotary_pos_emb.inv_freq"])
      expect(harmless(false)(path)).toBe(true);
    expect(harmless(true)("model.rotary_emb.inv_freq.weight")).toBe(false);
  });
});

describe("the report", () => {
  const root = module({ fc: linear(axis("in", 3), axis("out", 2)), scale: param(axis("out", 2)) }, () => 0);
  const stored = (tensors: Record<string, number[]>): WeightSource =>
    memoryWeights(Object.entries(tensors).map(([k, shape]) => [k, tensor(...shape)]));
  const good = { "fc.weight": [2, 3], "fc.bias": [2], scale: [2] };
  test("of a checkpoint that fits is empty", () => {
    expect(checkWeights(root, stored(good))).toEqual({ missing: [], misshaped: [], unexpected: [], unused: [] });
  });
  test("names all that differs, with both shapes", () => {
    const { "fc.bias": _, ...rest } = good;
    const weights = stored({ ...rest, "fc.weight": [3, 2], more: [4, 5], table: [1] });
    const allowed = (path: string) => path === "table";
    expect(reportWeights(root, weights, allowed)).toEqual({
      missing: ["fc.bias"],
      misshaped: [{ path: "fc.weight", found: [3, 2], wanted: [2, 3] }],
      unexpected: ["more"],
      unused: ["table"],
    });
    const error = (() => {
      try {
        checkWeights(root, weights, allowed);
      } catch (e) {
        return e as WeightError;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(WeightError);
    expect(error!.name).toBe("WeightError");
    expect(error!.report.missing).toEqual(["fc.bias"]);
    expect(error!.message).toBe(
      [
        "the checkpoint does not fit the model:",
        "  missing (1):",
        "    fc.bias [out=2]",
        "  mis-shaped (1):",
        "    fc.weight  checkpoint [3, 2], model [out=2 in=3]",
        "  unexpected (1):",
        "    more [4, 5]",
      ].join("\n"),
    );
  });
  test("a stranger's name is shown short, and without what a terminal would obey", () => {
    const error = (name: string) => {
      try {
        checkWeights(root, stored({ ...good, [name]: [1] }));
      } catch (e) {
        return (e as WeightError).message;
      }
      return undefined;
    };
    expect(error("a\u001b[31m\u0000\u202eb")).toContain("\n    a\\u{1b}[31m\\u{0}\\u{202e}b [1]");
    expect(error("x".repeat(5_000_000))).toBe(
      `the checkpoint does not fit the model:\n  unexpected (1):\n    ${"x".repeat(200)}... (5000000 characters) [1]`,
    );
  });
  test("a shape of another number of axes is another shape", () => {
    expect(reportWeights(root, stored({ ...good, scale: [2, 1] })).misshaped).toEqual([
      { path: "scale", found: [2, 1], wanted: [2] },
    ]);
    expect(reportWeights(root, stored({ ...good, scale: [] })).misshaped).toHaveLength(1);
  });
  test("a long list is cut, and says how long it is", () => {
    const many = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`extra.${i}`, [1]]));
    const check = () => checkWeights(root, stored({ ...good, ...many }));
    expect(check).toThrow(/unexpected \(15\):\n( {4}extra\.\d+ \[1\]\n){12} {4}\.\.\. and 3 more$/);
    const twelve = Object.fromEntries(Object.entries(many).slice(0, 12));
    expect(() => checkWeights(root, stored({ ...good, ...twelve }))).toThrow(/extra\.11 \[1\]$/);
  });
});

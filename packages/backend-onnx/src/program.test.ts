import { axis, f32, type Graph, hostF32, lower, memoryWeights, paramsOf, program, symbol } from "@hulu/core";
import { describe, expect, test } from "vitest";
import { weightsFor } from "../test/parity.js";
import { textOf } from "../test/text.js";
import { tinyPrograms } from "../test/tiny.js";
import { onnx } from "./index.js";
import { emitProgram } from "./program.js";
import { supports } from "./supports.js";
import { Placer } from "./weights.js";

async function emitted(graph: Graph) {
  const lowered = lower(graph, supports);
  const placements = await new Placer(weightsFor(graph), undefined).place(paramsOf(lowered).keys(), () => {});
  return emitProgram(lowered, placements).onnx;
}

describe("the names of the emitted graphs", () => {
  const programs = tinyPrograms();
  test.each(["step", "encodeVision", "embed", "project"] as const)("%s", async (name) => {
    expect(textOf(await emitted(programs[name]))).toMatchSnapshot();
  });

  test("what design.md fixes", async () => {
    const { inputs, outputs, initializers } = await emitted(programs.step);
    const past = ["keys", "values"].map((k) => `past:model.layers.0.self_attn.${k}`);
    const sizes = ["batch", "seq", "past"].map((symbol) => `size:${symbol}`);
    const lengths = ["seqlens_k", "total_sequence_length", "decoding"];
    expect(inputs.map((v) => v.name).sort()).toEqual(["embeds", "pick", ...sizes, ...past, ...lengths].sort());
    expect(inputs.find((v) => v.name === past[0])!.shape).toEqual(["past_batch", 2, "capacity", 8]);
    expect(outputs.map((v) => v.name)).toEqual([
      "logits",
      ...["keys", "values"].map((k) => `rows:model.layers.0.self_attn.${k}`),
    ]);
    expect(outputs[1]!.shape).toEqual(["batch", "seq", 16]);
    expect(initializers.map((t) => t.name)).toContain("model.layers.0.self_attn.q_proj.weight");
  });

  test("no cache is joined, and no weight is transposed", async () => {
    const ops = (await emitted(programs.step)).nodes.map((n) => n.op);
    expect(ops.filter((op) => op === "Transpose")).toEqual([]);
    expect(ops.filter((op) => op === "If")).toHaveLength(1);
    expect((await emitted(programs.encodeVision)).nodes.map((n) => n.op)).toContain("MultiHeadAttention");
  });
});

test("an output that is called like an input", async () => {
  const x = axis("x", symbol("x"));
  const graph = program("same", { x: f32(x), y: f32(x) }, ({ x, y }) => ({ x: y, y: x, z: x }));
  using executable = await onnx.compile({ same: graph }, memoryWeights([]));
  const { x: a, y: b, z } = await executable.run("same", { x: hostF32([1, 2], [2]), y: hostF32([3, 4], [2]) });
  expect([await a!.read(), await b!.read(), await z!.read()].map((n) => [...n])).toEqual([
    [3, 4],
    [1, 2],
    [1, 2],
  ]);
});

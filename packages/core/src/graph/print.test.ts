import { expect, test } from "vitest";
import { decoder } from "../models/decoder.js";
import { projector } from "../models/projector.js";
import { vit } from "../models/vit.js";
import { composeVlm, vlmPrograms } from "../models/vlm.js";
import { constant } from "../ops/leaves.js";
import { axis } from "./axis.js";
import { program } from "./graph.js";
import { print } from "./print.js";
import { emit } from "./value.js";

const model = composeVlm({
  vision: vit({
    width: 8,
    layers: 1,
    heads: 2,
    hidden: 5,
    channels: 3,
    patch: 2,
    eps: 1e-6,
    ropeTheta: 10_000,
    pairing: "half",
  }),
  projector: projector("mlp2x_gelu", 8, 6),
  decoder: decoder({
    family: "qwen2",
    vocab: 11,
    embed: 6,
    layers: 2,
    heads: 6,
    kvHeads: 3,
    headDim: 4,
    hidden: 5,
    ropeTheta: 1e6,
    eps: 1e-6,
    qkvBias: true,
    outBias: false,
    qkNorm: false,
    tied: false,
  }),
});

// A refactoring must not move these; a change of the models does, and is then looked at line by line.
test.each(Object.entries(vlmPrograms(model)))("%s", async (name, graph) => {
  await expect(print(graph)).toMatchFileSnapshot(`__snapshots__/${name}.txt`);
});

test("attributes: numbers as they are, long lists cut, nothing for what is left out", () => {
  const c = constant([1, Number.NaN, Number.NEGATIVE_INFINITY, 0.5, 6], [axis("five", 5)]);
  const odd = { name: "odd", infer: () => ({ dims: [], dtype: "f32" as const }) };
  const graph = program("p", {}, () => ({ c, y: emit(odd, [c], { none: undefined, yes: true, text: "a b" }) }));
  expect(print(graph)).toBe(
    [
      "p() {",
      "  # 0 parameters",
      '  %0 = constant(values: [1, NaN, -Infinity, 0.5, ... 5], dims: [five=5], dtype: "f32"): f32[five=5]',
      '  %1 = odd(%0, yes: true, text: "a b"): f32[]',
      "  return c: %0",
      "  return y: %1",
      "}",
      "",
    ].join("\n"),
  );
});

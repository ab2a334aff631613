import { describe, expect, test } from "vitest";
import { axis } from "../graph/axis.js";
import { f32, program } from "../graph/graph.js";
import { symbol } from "../graph/size.js";
import type { Value } from "../graph/value.js";
import { add, broadcast, mul } from "../ops/elementwise.js";
import { matmul } from "../ops/matmul.js";
import { embedding } from "./embedding.js";
import { linear } from "./linear.js";
import { bind, type Module, module, param, paths, replace } from "./module.js";
import { layerNorm, rmsNorm } from "./norms.js";

const [n, width, out, rank] = [axis("n", symbol("n")), axis("width", 4), axis("out", 3), axis("rank", 2)];
const row = f32(n, width);
const block = () =>
  module(
    { fc: linear(width, out), norm: rmsNorm(out, 1e-6), skip: undefined },
    (m) => (x: Value<"n width">) => m.norm(m.fc(x)),
  );
const net = module(
  { layers: [block(), block()], norm: layerNorm(width, 1e-6), scale: param(width) },
  (m) => (x: Value<"n width">) => m.layers.map((f) => f(m.norm(x))).reduce((a, b) => add(a, b)),
);

describe("paths", () => {
  test("are the keys that lead to a weight, nothing traced", () => {
    expect([...paths(net)].map(([path, p]) => `${path} [${p.axes}]`)).toEqual([
      "layers.0.fc.weight [out width]",
      "layers.0.fc.bias [out]",
      "layers.0.norm.weight [out]",
      "layers.1.fc.weight [out width]",
      "layers.1.fc.bias [out]",
      "layers.1.norm.weight [out]",
      "norm.weight [width]",
      "norm.bias [width]",
      "scale [width]",
    ]);
    expect([...paths(block(), "a.b").keys()]).toEqual(["a.b.fc.weight", "a.b.fc.bias", "a.b.norm.weight"]);
  });
  test("know that a linear without bias has none, and the sizes", () => {
    expect([...paths(linear(width, out, { bias: false })).keys()]).toEqual(["weight"]);
    expect(
      paths(embedding(width, out))
        .get("weight")!
        .dims.map((d) => d.size),
    ).toEqual([4, 3]);
  });
});

describe("bind", () => {
  const p = program("p", { x: row }, ({ x }) => ({ y: bind(net, "model")(x) }));
  test("gives each weight its path and each module its scope", () => {
    const fc = p.results.get("model.layers.1.fc")!;
    expect(fc.op.name).toBe("linear");
    expect(fc.inputs.map((v) => v.attrs.path)).toEqual([
      undefined,
      "model.layers.1.fc.weight",
      "model.layers.1.fc.bias",
    ]);
    expect(fc.scope).toBe("model.layers.1.fc");
  });
  test("binds a record of functions, each under its own name", () => {
    const table = embedding(axis("vocab", 9), width);
    const q = program("q", { x: row }, ({ x }) => ({ scores: bind(table, "embed")!.scores<"n">(x) }));
    expect([...q.results.keys()]).toEqual(["embed.scores"]);
    expect(q.outputs.scores.axes).toBe("n vocab");
  });
  test("passes on what is no function, and an absent child as undefined", () => {
    const odd = module({ gone: undefined }, (m) => ({ size: 3, gone: m.gone }));
    expect(bind(odd)).toEqual({ size: 3, gone: undefined });
    expect(bind(module({}, () => 7))).toBe(7);
    expect(bind(module({}, () => null))).toBeNull();
  });
  test("notes only values", () => {
    const q = program("q", { x: row }, ({ x }) => {
      bind(
        module({}, () => () => ({ not: "a value" })),
        "m",
      )();
      return { x };
    });
    expect([...q.results.keys()]).toEqual([]);
  });
});

describe("replace", () => {
  test("swaps the block at a path and leaves the old module as it was", () => {
    const wide = replace(net, "layers.1.norm", () => layerNorm(out, 1e-6));
    expect([...paths(wide).keys()]).toContain("layers.1.norm.bias");
    expect([...paths(wide).keys()]).not.toContain("layers.0.norm.bias");
    expect([...paths(net).keys()]).not.toContain("layers.1.norm.bias");
    expect(wide.children.norm).toBe(net.children.norm);
    expect((replace(net, "layers.0", () => net).children.layers as readonly Module[])[0]).toBe(net);
  });
  test("wraps a linear in LoRA, and the old weights keep their names", () => {
    const lora = (old: Module<unknown>) =>
      module({ ...old.children, lora_a: param(rank, width), lora_b: param(out, rank) }, (m) => {
        const plain = (old.forward as (c: unknown) => (x: Value<"n width">) => Value<"n out">)(m);
        return (x: Value<"n width">) =>
          add(plain(x), mul(matmul<"n out">(matmul<"n rank">(x, m.lora_a), m.lora_b), 0.5));
      });
    const tuned = replace(net, "layers.0.fc", lora);
    expect([...paths(tuned).keys()].slice(0, 4)).toEqual([
      "layers.0.fc.weight",
      "layers.0.fc.bias",
      "layers.0.fc.lora_a",
      "layers.0.fc.lora_b",
    ]);
    const p = program("p", { x: row }, ({ x }) => ({ y: bind(tuned)(x) }));
    const [plain] = p.results.get("layers.0.fc")!.inputs;
    expect(plain!.op.name).toBe("linear");
    expect(plain!.inputs[1]!.attrs.path).toBe("layers.0.fc.weight");
  });
  test.each([
    ["norm.weight", "there is no module at norm.weight; beside weight there are: weight, bias"],
    ["layers.0.skip", "there is no module at layers.0.skip; beside skip there are: fc, norm, skip"],
    ["layer.0", "there is no module at layer.0; beside layer there are: layers, norm, scale"],
    ["layers.0.fc.weight.x", "there is no module at layers.0.fc.weight.x; beside weight there are: weight, bias"],
    ["", "there is no module at "],
    ["toString", "there is no module at toString"],
    ["layers", "layers: layers has 2 entries, not one called (none given)"],
    ["layers.2", "layers.2: layers has 2 entries, not one called 2"],
    ["layers.-1", "layers has 2 entries, not one called -1"],
    ["layers.", "layers has 2 entries, not one called "],
    ["layers.1e0", "layers has 2 entries, not one called 1e0"],
  ])("%j is refused", (path, says) => expect(() => replace(net, path, (old) => old)).toThrow(says));
});

test("broadcast is what a weight needs to meet a row", () => {
  const scaled = module({ weight: param(width) }, (m) => (x: Value<"n width">) => mul(x, broadcast(m.weight, x)));
  const p = program("p", { x: row }, ({ x }) => ({ y: bind(scaled, "s")(x) }));
  expect(p.outputs.y.axes).toBe("n width");
});

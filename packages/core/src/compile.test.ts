import { reference } from "@hulu/backend-reference";
import { expect, test } from "vitest";
import { compile } from "./compile.js";
import { axis } from "./graph/axis.js";
import { f32, program } from "./graph/graph.js";
import { symbol } from "./graph/size.js";
import { emit, GraphError } from "./graph/value.js";
import { append, past } from "./ops/append.js";
import { mul } from "./ops/elementwise.js";
import { hostF32 } from "./tensor.js";
import { memoryWeights } from "./weights/source.js";

const x = f32(axis("seq", symbol("seq")), axis("width", 2));
const programs = {
  double: program("double", { x }, ({ x }) => ({ y: mul(x, 2) })),
  keep: program("keep", { x: f32(axis("batch", 1), axis("seq", symbol("seq")), axis("width", 2)) }, ({ x }) => ({
    all: append<"batch", "width">(x, past, "rows"),
  })),
};

test("programs run under their names", async () => {
  const compiled = await compile(reference, programs, memoryWeights([]), { max: { past: 4 } });
  const { y } = await compiled.run("double", { x: hostF32([1, 2], [1, 2]) });
  expect([...(await y.read())]).toEqual([2, 4]);
  const session = compiled.createSession({ capacity: 3 });
  await compiled.run("keep", { x: hostF32([1, 2], [1, 1, 2]) }, { session });
  const { all } = await compiled.run("keep", { x: hostF32([3, 4], [1, 1, 2]) }, { session });
  expect([...(await all.read())]).toEqual([1, 2, 3, 4]);
  expect(session.length).toBe(2);
  const restored = compiled.createSession({ from: await session.save() });
  expect([restored.length, restored.capacity]).toEqual([2, 4]);
  expect(compiled.executable).toBeDefined();
  compiled.dispose();
  await expect(compiled.run("double", { x: hostF32([1, 2], [1, 2]) })).rejects.toThrow("the model was disposed");
  const other = await compile(reference, programs, memoryWeights([]));
  other[Symbol.dispose]();
  await expect(other.run("double", { x: hostF32([1, 2], [1, 2]) })).rejects.toThrow("the model was disposed");
});

test("an unsound program is refused before the backend sees it", async () => {
  const op = { name: "magic", infer: () => ({ dims: [], dtype: "f32" as const }) };
  const bad = program("bad", {}, () => ({ y: emit(op, []) }));
  const never = { ...reference, compile: () => Promise.reject(new Error("the backend was asked")) };
  await expect(compile(never, { bad }, memoryWeights([]))).rejects.toThrow(GraphError);
});

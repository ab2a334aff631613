import { axis, f32, memoryWeights, nn, ops, program, symbol, type WeightSource } from "@hulu/core";
import { expect, test } from "vitest";
import { onnx } from "./index.js";

const seq = axis("seq", symbol("seq"));
const inner = axis("inner", 64);
const outer = axis("outer", 24);
const table = nn.embedding(axis("vocab", 100), inner);
const matrix = nn.linear(inner, outer);
const norm = nn.rmsNorm(inner, 1e-6);
const shapes: readonly (readonly [string, readonly number[]])[] = [
  ["table.weight", [100, 64]],
  ["matrix.weight", [24, 64]],
  ["matrix.bias", [24]],
  ["norm.weight", [64]],
];
const inMemory = memoryWeights(shapes.map(([name, shape]) => [name, { shape, data: new Float32Array(0) }]));
const never = { read: () => Promise.reject(new Error("read")), floats: () => Promise.reject(new Error("read")) };
const stored = (dtype: "F32" | "BF16"): WeightSource => ({
  ...inMemory,
  ...never,
  info: (path) => ({ dtype, shape: inMemory.info(path)!.shape }),
  locate: (path) => ({
    file: "/x",
    offset: 0,
    length: inMemory.info(path)!.shape.reduce((n, d) => n * d, dtype === "F32" ? 4 : 2),
  }),
});

const root = nn.module({ table, matrix, norm }, (m) => m);
const x = f32(axis("batch", 1), seq, inner);
const programs = {
  project: program("project", { x }, ({ x }) => {
    const { matrix, norm } = nn.bind(root);
    return { y: matrix(norm(x)) };
  }),
};
const estimate = (weights: WeightSource, seq = 5) => onnx.estimate(programs, weights, { seq });

test("a matrix is packed in float32, by sixteen columns; what is small is held as it is", () => {
  const packed = 32 * 64 * 4;
  const expected = { weights: packed + (24 + 64) * 4, loading: packed, session: 0 };
  expect(estimate(stored("F32"))).toMatchObject(expected);
  // It is converted before it is packed.
  const converting = { ...expected, loading: 2 * packed + 24 * 64 * 2 };
  expect(estimate(stored("BF16"))).toMatchObject(converting);
});

test("what is not in a file is read, put into the model and read from that", () => {
  const copied = 2 * (24 * 64 + 24 + 64) * 4;
  expect(estimate({ ...inMemory, ...never }).loading).toBe(estimate(stored("F32")).loading + copied);
});

test("a table that is looked up in stays in its file; one that is not in a file is held", () => {
  const ids = { axes: "batch seq" as const, dims: [axis("batch", 1), seq], dtype: "i32" as const };
  const look = { look: program("look", { ids }, ({ ids }) => ({ y: nn.bind(root).table.lookup(ids) })) };
  expect(onnx.estimate(look, stored("F32"), {}).weights).toBe(0);
  expect(onnx.estimate(look, { ...inMemory, ...never }, {}).weights).toBe(100 * 64 * 4);
});

test("the work is what is alive at once, what is fed and what is fetched", () => {
  const [narrow, wide] = [5 * 24 * 4, 5 * 64 * 4];
  // The product beside the normed input; x and y lie in JavaScript.
  expect(estimate(stored("F32")).work).toBe(wide + narrow + (wide + narrow));
  expect(estimate(stored("F32"), 50).work).toBe(10 * estimate(stored("F32")).work);
  const twice = { ...programs, again: programs.project };
  expect(onnx.estimate(twice, stored("F32"), { seq: 5 }).work).toBe(2 * estimate(stored("F32")).work);
});

test("attention behind a session copies the cache", () => {
  const [head, dim] = [axis("head", 2), axis("dim", 8)];
  const q = f32(axis("batch", 1), seq, head, dim);
  const attend = program("attend", { q }, ({ q }) => {
    const keys = ops.append<"batch", "head dim">(q, ops.past, "keys");
    const values = ops.append<"batch", "head dim">(q, ops.past, "values");
    return { y: ops.attention(q, keys, values, { scale: 1, causal: true }) };
  });
  const at = (past: number) => onnx.estimate({ attend }, inMemory, { past, seq: 4 });
  expect(at(1024).work - at(0).work).toBe(2 * 1024 * 16 * 4);
  expect(at(1024).session).toBe(2 * 1024 * 16 * 4);
  expect(at(1024).peak).toBe(at(1024).fixed + at(1024).session + at(1024).work);
});

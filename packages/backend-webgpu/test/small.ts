import { axis, f32, hostF32, memoryWeights, nn, program, symbol, type Value, type WeightSource } from "@hulu/core";

const seq = axis("seq", symbol("seq"));
const inner = axis("inner", 64);
const outer = axis("outer", 48);
const root = nn.module({ matrix: nn.linear(inner, outer), norm: nn.rmsNorm(inner, 1e-6) }, (m) => m);

const fed = { x: f32(axis("batch", 1), seq, inner) };
const normed = (x: Value<"batch seq inner">) => nn.bind(root).norm(x);

/** A norm: one small kernel, which is compiled at once. */
export const small = { run: program("run", fed, ({ x }) => ({ y: normed(x) })) };
/** A norm and a matrix. */
export const withMatrix = { run: program("run", fed, ({ x }) => ({ y: nn.bind(root).matrix(normed(x)) })) };

const shapes = [
  ["matrix.weight", [48, 64]],
  ["matrix.bias", [48]],
  ["norm.weight", [64]],
] as const;

export const smallWeights = (by = 1): WeightSource =>
  memoryWeights(
    shapes.map(([name, shape]) => {
      const count = shape.reduce((n, d) => n * d, 1);
      return [name, { shape, data: Float32Array.from({ length: count }, (_, i) => by * Math.sin(i + 1)) }];
    }),
  );

export const smallFeed = (rows: number) => ({
  x: hostF32(
    Float32Array.from({ length: rows * 64 }, (_, i) => Math.cos(i)),
    [1, rows, 64],
  ),
});

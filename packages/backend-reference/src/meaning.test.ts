import {
  axis,
  compile,
  emit,
  f32,
  fuse,
  type HostTensor,
  hostF32,
  hostI32,
  i32,
  memoryWeights,
  mergeWeights,
  ops,
  program,
  type Spec,
  symbol,
  type Value,
} from "@hulu/core";
import { describe, expect, test } from "vitest";
import { reference } from "./index.js";

// What the case table of @hulu/testing does not reach: numbers from the literature, and whole definitions of the paper.

async function evaluate(
  inputs: Readonly<Record<string, readonly [Spec, HostTensor]>>,
  body: (v: Readonly<Record<string, Value<never>>>) => Value,
): Promise<number[]> {
  const specs = Object.fromEntries(Object.entries(inputs).map(([k, [spec]]) => [k, spec]));
  const p = program("p", specs, (v) => ({ y: body(v as never) }));
  const compiled = await compile(reference, { p }, memoryWeights([]));
  const { y } = await compiled.run("p", Object.fromEntries(Object.entries(inputs).map(([k, [, feed]]) => [k, feed])));
  return [...(await y.read())];
}

describe("gelu", () => {
  // x, the exact form, the form with tanh; in float64, by another library.
  const known = [
    [-3, -0.00404969409489031, -0.0036373920817729943],
    [-1, -0.15865525393145707, -0.15880800939172324],
    [-0.5, -0.15426876936299344, -0.15428599017485606],
    [0.5, 0.34573123063700656, 0.34571400982514394],
    [1, 0.8413447460685429, 0.8411919906082768],
    [3, 2.99595030590511, 2.996362607918227],
  ] as const;
  const x = [
    f32(axis("n", known.length)),
    hostF32(
      known.map(([v]) => v),
      [known.length],
    ),
  ] as const;
  test("is within float32 of the known numbers, and its two forms differ", async () => {
    expect(await evaluate({ x }, ({ x }) => ops.gelu(x!))).toEqual(known.map(([, exact]) => Math.fround(exact)));
    expect(await evaluate({ x }, ({ x }) => ops.geluTanh(x!))).toEqual(known.map(([, , tanh]) => Math.fround(tanh)));
  });
});

describe("merging is the bilinear resize to 1/m that the released code makes", () => {
  /** torch's interpolate: bilinear, align_corners = false, no antialias, of one channel [h, w] to [h/m, w/m]. */
  function resize(image: readonly (readonly number[])[], m: number): number[] {
    const [h, w] = [image.length, image[0]!.length];
    const out: number[] = [];
    for (let i = 0; i < h / m; i++)
      for (let j = 0; j < w / m; j++) {
        const [y, x] = [Math.max(0, (i + 0.5) * m - 0.5), Math.max(0, (j + 0.5) * m - 0.5)];
        const [y0, x0] = [Math.floor(y), Math.floor(x)];
        const [y1, x1] = [Math.min(y0 + 1, h - 1), Math.min(x0 + 1, w - 1)];
        const [v, u] = [y - y0, x - x0];
        const top = image[y0]![x0]! * (1 - u) + image[y0]![x1]! * u;
        const bottom = image[y1]![x0]! * (1 - u) + image[y1]![x1]! * u;
        out.push(top * (1 - v) + bottom * v);
      }
    return out;
  }
  test.each([1, 2, 3, 4])("m = %d", async (m) => {
    const [rows, cols] = [2, 3];
    const image = Array.from({ length: rows * m }, (_, y) =>
      Array.from({ length: cols * m }, (_, x) => ((y * 7 + x * 3) % 11) + y * x),
    );
    // Merge-block order: block by block, and row by row inside each.
    const patches: number[] = [];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < cols; c++)
        for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) patches.push(image[r * m + i]![c * m + j]!);
    const [token, window] = [axis("token", symbol("token")), axis("window", symbol("window"))];
    const merged = await evaluate(
      {
        x: [f32(axis("frame", 1), fuse(token, window), axis("vision", 1)), hostF32(patches, [1, patches.length, 1])],
        w: [f32(window), hostF32(mergeWeights(m), [m * m])],
      },
      ({ x, w }) => ops.tokenMerge<"frame", "token", "window", "vision">(x!, w!),
    );
    expect(merged).toEqual(resize(image, m));
    // The paper's words for it: itself, the mean of all, the centre, the mean of the centre.
    const sum = mergeWeights(m).reduce((a, b) => a + b, 0);
    expect(sum).toBe(1);
  });
});

describe("attention", () => {
  test("a decoder's chunk behind a past sees all of the past and no further than itself", async () => {
    const [one, seq, ctx] = [axis("batch", 1), axis("seq", 2), axis("ctx", 5)];
    const [head, dim] = [axis("head", 1), axis("dim", 5)];
    // All keys alike: each query then takes the mean of the values it sees; value c is the c-th unit vector.
    const same = hostF32(new Float32Array(25), [1, 5, 1, 5]);
    const unit = hostF32(
      Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
      [1, 5, 1, 5],
    );
    const mixed = await evaluate(
      {
        q: [f32(one, seq, head, dim), hostF32(new Float32Array(10), [1, 2, 1, 5])],
        k: [f32(one, ctx, head, dim), same],
        v: [f32(one, ctx, head, dim), unit],
      },
      ({ q, k, v }) =>
        ops.attention<"batch", "seq", "ctx", "head", "head", "dim">(q!, k!, v!, { scale: 1, causal: true }),
    );
    expect(mixed).toEqual([0.25, 0.25, 0.25, 0.25, 0, 0.2, 0.2, 0.2, 0.2, 0.2].map(Math.fround));
  });
});

describe("positions in two dimensions", () => {
  test("a head's angles are the row's, then the column's, each theta^(-j/n)", async () => {
    const [at, rot] = [axis("patch", 3), axis("rot", 2)];
    const angles = await evaluate(
      { row: [i32(at), hostI32([0, 1, 2])], col: [i32(at), hostI32([5, 0, 3])] },
      ({ row, col }) =>
        ops.concat(
          [ops.ropeAngles<string, string>(row!, 10_000, rot), ops.ropeAngles<string, string>(col!, 10_000, rot)],
          "rot",
          axis("rot", 4),
        ),
    );
    const f = Math.fround(0.01);
    expect(angles).toEqual([0, 0, 5, 5 * f, 1, f, 0, 0, 2, 2 * f, 3, 3 * f].map(Math.fround));
  });
});

describe("the interpreter's own manners", () => {
  const n = axis("n", symbol("n"));
  test("a run is given up between two operations", async () => {
    let asked = 0;
    const p = program("p", { x: f32(n) }, ({ x }) => ({ y: ops.exp(ops.exp(ops.exp(x))) }));
    const executable = await reference.compile({ p }, memoryWeights([]));
    const signal = {
      throwIfAborted: () => {
        if (++asked === 3) throw new Error("given up");
      },
    } as AbortSignal;
    await expect(executable.run("p", { x: hostF32([1], [1]) }, { signal })).rejects.toThrow("given up");
    expect(asked).toBe(3);
  });
  test("an estimate counts eight bytes a number, and four a kept one", () => {
    const keep = program("keep", { x: f32(axis("batch", 1), axis("seq", symbol("seq")), axis("w", 6)) }, ({ x }) => ({
      y: ops.append<"batch", "w">(x, ops.past, "rows"),
    }));
    const weights = memoryWeights([
      ["w", { shape: [5, 2], data: new Float32Array(10) }],
      ["idle", { shape: [9], data: new Float32Array(9) }],
    ]);
    const read = program("read", {}, () => ({
      w: emit(ops.paramOp, [], { path: "w", dims: [axis("a", 5), axis("b", 2)], dtype: "f32" }),
    }));
    const { peak, ...parts } = reference.estimate({ keep, read, again: read }, weights, { past: 10, seq: 3 });
    // The storage grows by 256 positions. A run has the past, what is fed, and both together, each in float64.
    expect(parts).toEqual({
      weights: 5 * 2 * 8,
      loading: 5 * 2 * (8 + 4),
      session: 256 * 6 * 4,
      work: (10 + 3 + 13) * 6 * 8,
      fixed: 0,
    });
    expect(peak).toBe(parts.weights + parts.session + parts.work);
    expect(reference.estimate({ read }, weights, {}).peak).toBe(5 * 2 * (8 + 8 + 4));
    expect(reference.estimate({ keep }, weights, {})).toMatchObject({ weights: 0, session: 0, work: 2 * 6 * 8 });
  });
  test("reading a weight is told of the signal, and of nothing where there is none", async () => {
    const seen: unknown[] = [];
    const source = memoryWeights([["w", { shape: [1], data: Float32Array.of(1) }]]);
    const weights = {
      ...source,
      floats: (path: string, o?: object) => {
        seen.push(o);
        return source.floats(path, o);
      },
    };
    const read = program("read", {}, () => ({
      w: emit(ops.paramOp, [], { path: "w", dims: [axis("a", 1)], dtype: "f32" }),
    }));
    const { signal } = new AbortController();
    await reference.compile({ read }, weights, { signal });
    await reference.compile({ read }, weights);
    expect(seen).toEqual([{ signal }, undefined]);
  });
  test("a session holds 2^20 positions unless it is told otherwise", async () => {
    const executable = await reference.compile({}, memoryWeights([]));
    expect(executable.createSession().capacity).toBe(2 ** 20);
  });
  test("whole numbers and truth come back as i32", async () => {
    const p = program("p", { x: f32(n) }, ({ x }) => ({ a: ops.cast(x, "i32"), b: ops.less(x, 1) }));
    const executable = await reference.compile({ p }, memoryWeights([]));
    const { a, b } = await executable.run("p", { x: hostF32([0.5, -1.5, 3], [3]) });
    expect([a!.dtype, b!.dtype]).toEqual(["i32", "i32"]);
    expect([...(await a!.read())]).toEqual([0, -1, 3]);
    expect([...(await b!.read())]).toEqual([1, 1, 0]);
  });
  test("a value that is asked for twice, and one that an output and an operation share, are kept", async () => {
    const p = program("p", { x: f32(n) }, ({ x }) => {
      const y = ops.add(x, x);
      return { y, z: ops.mul(y, y), x };
    });
    const executable = await reference.compile({ p }, memoryWeights([]));
    const { x, y, z } = await executable.run("p", { x: hostF32([3], [1]) });
    expect([...(await x!.read()), ...(await y!.read()), ...(await z!.read())]).toEqual([3, 6, 36]);
  });
});

import { addSizes, axis, ops, symbol } from "@hulu/core";
import { at, nd } from "../nd.js";
import { type OpCase, opCase, rounding } from "./case.js";

/** Values that no other value makes. */
export const leafCases: readonly OpCase[] = [
  opCase("input", "added to itself", rounding, {
    sizes: { a: [0, 5], b: [0, 4] },
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.f32(dims) },
        body: ({ x }) => ops.add(x!, x!),
        direct: ({ x }) => nd(x!.shape, (i, j) => 2 * at(x!, i, j)),
      };
    },
  }),
  opCase("param", "beside an input", rounding, {
    sizes: { a: [1, 5], b: [1, 4] },
    build: (make) => {
      const dims = [make.fixed("a"), make.fixed("b")];
      return {
        inputs: { x: make.f32(dims) },
        params: { "some.layers.0.weight": make.f32(dims) },
        body: ({ x, ...params }) => ops.add(x!, params["some.layers.0.weight"]!),
        direct: ({ x, ...params }) => nd(x!.shape, (i, j) => at(x!, i, j) + at(params["some.layers.0.weight"]!, i, j)),
      };
    },
  }),
  opCase("constant", "a table of floats", rounding, {
    sizes: { a: [1, 4], b: [1, 6] },
    build: (make) => {
      const [a, b] = [make.axis("a"), make.fixed("b")];
      const table = Array.from({ length: make.size("b") }, (_, j) => (j - 1) / 4);
      return {
        inputs: { x: make.f32([a, b]) },
        body: ({ x }) => ops.mul(x!, ops.broadcast(ops.constant(table, [b]), x!)),
        direct: ({ x }) => nd(x!.shape, (i, j) => (at(x!, i, j) * (j - 1)) / 4),
      };
    },
  }),
  opCase("constant", "a whole number among whole numbers", rounding, {
    features: ["i32"],
    sizes: { a: [0, 6] },
    build: (make) => ({
      inputs: { x: make.i32([make.axis("a")]) },
      body: ({ x }) => ops.add(x!, 3),
      direct: ({ x }) => nd(x!.shape, (i) => at(x!, i) + 3),
    }),
  }),
  opCase("iota", "counted from a number", rounding, {
    features: ["i32"],
    sizes: { a: [0, 7] },
    counts: { start: [0, 5] },
    build: (make) => {
      const a = make.axis("a");
      const start = make.size("start");
      return {
        inputs: { x: make.i32([a]) },
        body: ({ x }) => ops.add<string>(x!, ops.iota(a, start)),
        direct: ({ x }) => nd(x!.shape, (i) => at(x!, i) + start + i),
      };
    },
  }),
  opCase("iota", "counted from a size of the run", rounding, {
    features: ["i32", "symbolic"],
    sizes: { a: [1, 5], b: [1, 4] },
    build: (make) => {
      const [a, b] = [make.symbol("a"), make.symbol("b")];
      return {
        inputs: { x: make.i32([a, b]) },
        body: ({ x }) => ops.add(x!, ops.broadcast(ops.iota(a, symbol("b")), x!)),
        direct: ({ x }) => nd(x!.shape, (i, j) => at(x!, i, j) + x!.shape[1]! + i),
      };
    },
  }),
  opCase("state", "read behind an append", rounding, {
    features: ["state", "symbolic"],
    sizes: { seq: [1, 3], kv: [1, 2], dim: [1, 4] },
    counts: { past: [0, 4] },
    build: (make) => {
      const [seq, kv, dim] = [make.symbol("seq"), make.fixed("kv"), make.fixed("dim")];
      return {
        past: make.size("past"),
        inputs: { x: make.f32([axis("batch", 1), seq, kv, dim]) },
        body: ({ x }) => {
          const both = ops.append<"batch", "kv dim">(x!, ops.past, "rows");
          const context = axis("ctx", addSizes(ops.past.axis.size, seq.size));
          return ops.add(both, ops.broadcast(ops.cast(ops.iota(context), "f32"), both));
        },
        direct: ({ x }, { x: before }) => {
          const past = before?.shape[1] ?? 0;
          return nd([1, past + x!.shape[1]!, ...x!.shape.slice(2)], (b, s, k, d) =>
            s < past ? at(before!, b, s, k, d) + s : at(x!, b, s - past, k, d) + s,
          );
        },
      };
    },
  }),
];

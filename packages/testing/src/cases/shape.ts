import { type Axis, addSizes, axis, fuse, ops, type Size, subtractSizes, symbol } from "@hulu/core";
import { at, nd } from "../nd.js";
import { fills, type Random } from "../random.js";
import { type OpCase, opCase, rounding } from "./case.js";

/** Names in some order, cut into groups: the axes of one side of a rearrangement. */
function grouping(names: readonly string[], random: Random): string[][] {
  const groups: string[][] = [];
  for (const i of random.order(names.length)) {
    const last = groups.at(-1);
    if (last !== undefined && random.next() < 0.4) last.push(names[i]!);
    else groups.push([names[i]!]);
  }
  return groups;
}

export const shapeCases: readonly OpCase[] = [
  opCase("rearrange", "any split, order and fusion of four axes", rounding, {
    sizes: { a: [0, 3], b: [0, 4], c: [0, 2], d: [0, 3] },
    build: (make) => {
      const names = ["a", "b", "c", "d"];
      const size = (name: string) => make.size(name);
      const [from, to] = [grouping(names, make.random), grouping(names, make.random)];
      const side = (groups: string[][]) => groups.map((g) => g.join("*")).join(" ");
      const dims = from.map((group) => fuse(...group.map((name) => axis(name, size(name)))));
      return {
        inputs: { x: make.f32(dims) },
        body: ({ x }) => ops.rearrange<string, string>(x!, `${side(from)} -> ${side(to)}`),
        direct: ({ x }) => {
          // Read each result's place as digits of the named axes, and put the same digits together in the other order.
          const shape = to.map((g) => g.reduce((n, name) => n * size(name), 1));
          return nd(shape, (...index) => {
            const digit = new Map<string, number>();
            for (const [d, group] of to.entries()) {
              let rest = index[d]!;
              for (const name of group.toReversed()) {
                digit.set(name, rest % size(name));
                rest = Math.floor(rest / size(name));
              }
            }
            return at(x!, ...from.map((g) => g.reduce((n, name) => n * size(name) + digit.get(name)!, 0)));
          });
        },
      };
    },
  }),
  opCase("rearrange", "heads split from a run-time length", rounding, {
    features: ["symbolic"],
    sizes: { batch: [1, 2], seq: [0, 4], head: [1, 3], dim: [1, 4] },
    build: (make) => {
      const [batch, seq] = [make.symbol("batch"), make.symbol("seq")];
      const [head, dim] = [make.fixed("head"), make.fixed("dim")];
      return {
        inputs: { x: make.f32([batch, seq, fuse(head, dim)]) },
        body: ({ x }) => ops.rearrange<string, string>(x!, "batch seq head*dim -> batch head seq dim"),
        direct: ({ x }) => {
          const [b, s] = x!.shape as readonly [number, number];
          const [h, d] = [make.size("head"), make.size("dim")];
          return nd([b, h, s, d], (i, j, k, l) => at(x!, i, k, j * d + l));
        },
      };
    },
  }),
  opCase("relabel", "other names for the same numbers", rounding, {
    sizes: { a: [0, 4], b: [0, 5] },
    build: (make) => {
      const [a, b] = [make.axis("a"), make.axis("b")];
      return {
        inputs: { x: make.f32([a, b]) },
        body: ({ x }) => ops.relabel(x!, { a: { name: "z", size: a.size } }),
        direct: ({ x }) => x!,
      };
    },
  }),
  opCase("slice", "part of each axis", rounding, {
    sizes: { a: [0, 3], b: [0, 5] },
    counts: { before: [0, 3], after: [0, 3] },
    build: (make) => {
      const [a, b] = [make.axis("a"), make.fixed("b")];
      const before = make.size("before");
      const full = axis("full", before + make.size("b") + make.size("after"));
      const c = make.axis("c", "a");
      return {
        inputs: { x: make.f32([a, full, c]) },
        body: ({ x }) => ops.slice(x!, "full", before, b),
        direct: ({ x }) => nd([x!.shape[0]!, make.size("b"), x!.shape[2]!], (i, j, k) => at(x!, i, before + j, k)),
      };
    },
  }),
  opCase("slice", "all but the last few, as many as the run has", rounding, {
    features: ["symbolic"],
    sizes: { n: [2, 6], b: [1, 3] },
    build: (make) => {
      const [n, b] = [make.symbol("n"), make.axis("b")];
      return {
        inputs: { x: make.f32([n, b]) },
        body: ({ x }) => ops.slice(x!, "n", 1, axis("rest", subtractSizes(n.size, 2))),
        direct: ({ x }) => nd([x!.shape[0]! - 2, x!.shape[1]!], (i, j) => at(x!, i + 1, j)),
      };
    },
  }),
  ...[0, 1, 2].map((place) =>
    opCase("concat", `three parts along axis ${place + 1} of 3`, rounding, {
      features: ["symbolic"],
      sizes: { p: [0, 3], q: [0, 4], r: [0, 2], u: [1, 2], v: [1, 3] },
      build: (make) => {
        const others: readonly Axis[] = [make.axis("u"), make.axis("v")];
        make.symbol("p");
        make.symbol("q");
        const part = (size: Size) => others.toSpliced(place, 0, axis("x", size));
        const sizes = [symbol("p"), symbol("q"), make.size("r")] as const;
        const sum = sizes.reduce<Size>((n, s) => addSizes(n, s), 0);
        return {
          inputs: {
            a: make.f32(part(sizes[0])),
            b: make.f32(part(sizes[1])),
            c: make.f32(part(sizes[2])),
          },
          body: ({ a, b, c }) => ops.concat([a!, b!, c!], "x", axis("all", sum)),
          direct: ({ a, b, c }) => {
            const [p, q, r] = [a!, b!, c!].map((x) => x.shape[place]!) as [number, number, number];
            return nd(a!.shape.toSpliced(place, 1, p + q + r), (...i) => {
              const n = i[place]!;
              const [part, from] = n < p ? [a!, 0] : n < p + q ? [b!, p] : [c!, p + q];
              return at(part, ...i.toSpliced(place, 1, n - from));
            });
          },
        };
      },
    }),
  ),
  ...[0, 1, 2].map((place) =>
    opCase("gather", `from axis ${place + 1} of 3, one index each`, rounding, {
      features: ["i32"],
      sizes: { u: [0, 3], v: [0, 3], rows: [1, 5], n: [0, 4] },
      build: (make) => {
        const others: readonly Axis[] = [make.axis("u"), make.axis("v")];
        return {
          inputs: {
            table: make.f32(others.toSpliced(place, 0, make.axis("rows"))),
            index: make.i32([make.axis("n")], fills.index(make.size("rows"))),
          },
          body: ({ table, index }) => ops.gather(table!, index!, "rows"),
          direct: ({ table, index }) =>
            nd(table!.shape.toSpliced(place, 1, index!.shape[0]!), (...i) =>
              at(table!, ...i.toSpliced(place, 1, at(index!, i[place]!))),
            ),
        };
      },
    }),
  ),
  opCase("gather", "an embedding: stored rows for a plane of ids", rounding, {
    features: ["i32"],
    sizes: { batch: [1, 2], seq: [0, 5], vocab: [1, 9], embed: [1, 6] },
    build: (make) => {
      const [batch, seq] = [make.axis("batch"), make.axis("seq")];
      return {
        inputs: { ids: make.i32([batch, seq], fills.index(make.size("vocab"))) },
        params: { "embed_tokens.weight": make.f32([make.fixed("vocab"), make.fixed("embed")]) },
        body: ({ ids, ...params }) => ops.gather(params["embed_tokens.weight"]!, ids!, "vocab"),
        direct: ({ ids, ...params }) => {
          const table = params["embed_tokens.weight"]!;
          return nd([...ids!.shape, table.shape[1]!], (b, s, e) => at(table, at(ids!, b, s), e));
        },
      };
    },
  }),
];

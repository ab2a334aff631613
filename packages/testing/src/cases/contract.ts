import { axis, fuse, ops } from "@hulu/core";
import { at, nd, total } from "../nd.js";
import { type OpCase, opCase, rounding } from "./case.js";

const box = { a: [0, 4], b: [0, 5], c: [0, 6] } as const;

const sumOver = (which: "a" | "b" | "c"): OpCase =>
  opCase("reduce_sum", `along axis ${"abc".indexOf(which) + 1} of 3`, rounding, {
    sizes: box,
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b"), make.axis("c")];
      const gone = "abc".indexOf(which);
      return {
        inputs: { x: make.f32(dims) },
        body: ({ x }) => ops.reduceSum(x!, which),
        direct: ({ x }) =>
          nd(x!.shape.toSpliced(gone, 1), (...i) => total(x!.shape[gone]!, (k) => at(x!, ...i.toSpliced(gone, 0, k)))),
      };
    },
  });

/** The largest of nothing is not defined: the axis that goes away is never empty. */
const maxOver = (which: "a" | "b" | "c"): OpCase =>
  opCase("reduce_max", `along axis ${"abc".indexOf(which) + 1} of 3`, rounding, {
    sizes: { ...box, [which]: [1, 6] },
    build: (make) => {
      const dims = [make.axis("a"), make.axis("b"), make.axis("c")];
      const gone = "abc".indexOf(which);
      return {
        inputs: { x: make.f32(dims) },
        body: ({ x }) => ops.reduceMax(x!, which),
        direct: ({ x }) =>
          nd(x!.shape.toSpliced(gone, 1), (...i) =>
            Math.max(...Array.from({ length: x!.shape[gone]! }, (_, k) => at(x!, ...i.toSpliced(gone, 0, k)))),
          ),
      };
    },
  });

export const contractCases: readonly OpCase[] = [
  sumOver("a"),
  sumOver("b"),
  sumOver("c"),
  maxOver("a"),
  maxOver("b"),
  maxOver("c"),
  opCase("matmul", "a matrix for all leading axes", rounding, {
    sizes: { lead: [0, 3], m: [0, 5], n: [0, 6], k: [0, 9] },
    build: (make) => {
      const [lead, m, n, k] = [make.axis("lead"), make.axis("m"), make.axis("n"), make.axis("k")];
      return {
        inputs: { a: make.f32([lead, m, k]), b: make.f32([n, k]) },
        body: ({ a, b }) => ops.matmul(a!, b!),
        direct: ({ a, b }) =>
          nd([...a!.shape.slice(0, 2), b!.shape[0]!], (l, i, j) =>
            total(a!.shape[2]!, (x) => at(a!, l, i, x) * at(b!, j, x)),
          ),
      };
    },
  }),
  opCase("matmul", "a matrix for each of the leading axes", rounding, {
    sizes: { p: [0, 2], q: [0, 3], m: [0, 4], n: [0, 5], k: [0, 7] },
    build: (make) => {
      const lead = [make.axis("p"), make.axis("q")];
      const [m, n, k] = [make.axis("m"), make.axis("n"), make.axis("k")];
      return {
        inputs: { a: make.f32([...lead, m, k]), b: make.f32([...lead, n, k]) },
        body: ({ a, b }) => ops.matmul(a!, b!),
        direct: ({ a, b }) =>
          nd([...a!.shape.slice(0, 3), b!.shape[2]!], (p, q, i, j) =>
            total(a!.shape[3]!, (x) => at(a!, p, q, i, x) * at(b!, p, q, j, x)),
          ),
      };
    },
  }),
  opCase("matmul", "two matrices", rounding, {
    sizes: { m: [0, 5], n: [0, 6], k: [0, 9] },
    build: (make) => {
      const [m, n, k] = [make.axis("m"), make.axis("n"), make.axis("k")];
      return {
        inputs: { a: make.f32([m, k]), b: make.f32([n, k]) },
        body: ({ a, b }) => ops.matmul(a!, b!),
        direct: ({ a, b }) =>
          nd([a!.shape[0]!, b!.shape[0]!], (i, j) => total(a!.shape[1]!, (x) => at(a!, i, x) * at(b!, j, x))),
      };
    },
  }),
  ...[true, false].flatMap((stored) =>
    [true, false].map((bias) =>
      opCase(
        "linear",
        `${stored ? "a weight of the checkpoint" : "a weight that is fed"}, ${bias ? "with" : "without"} bias`,
        rounding,
        {
          sizes: { a: [1, 2], b: [0, 5], in: [1, 9], out: [1, 7] },
          build: (make) => {
            const [a, b] = [make.axis("a"), make.axis("b")];
            const [inner, out] = [make.fixed("in"), make.fixed("out")];
            const weight = { weight: make.f32([out, inner]), ...(bias && { bias: make.f32([out]) }) };
            return {
              inputs: { x: make.f32([a, b, inner]), ...(stored ? {} : weight) },
              ...(stored && { params: weight }),
              body: ({ x, weight, bias }) => ops.linear<string, string, string>(x!, weight!, bias),
              direct: ({ x, weight: w, bias: c }) =>
                nd(
                  [...x!.shape.slice(0, 2), w!.shape[0]!],
                  (i, j, o) =>
                    total(w!.shape[1]!, (k) => at(x!, i, j, k) * at(w!, o, k)) + (c === undefined ? 0 : at(c, o)),
                ),
            };
          },
        },
      ),
    ),
  ),
  opCase("linear", "a weight stored under more axes, as a convolution's", rounding, {
    sizes: { a: [1, 4], c: [1, 3], p: [1, 3], out: [1, 5] },
    build: (make) => {
      const [out, c] = [make.fixed("out"), make.fixed("c")];
      const [py, px] = [axis("py", make.size("p")), axis("px", make.size("p"))];
      return {
        inputs: { x: make.f32([make.axis("lead", "a"), fuse(c, py, px)]) },
        params: { "patch_embedding.weight": make.f32([out, c, py, px]), "patch_embedding.bias": make.f32([out]) },
        body: ({ x, ...params }) => {
          const weight = ops.rearrange<string, "out c*py*px">(
            params["patch_embedding.weight"]!,
            "out c py px -> out c*py*px",
          );
          return ops.linear<string, "c*py*px", "out">(x!, weight, params["patch_embedding.bias"]);
        },
        direct: ({ x, ...params }) => {
          const [w, bias] = [params["patch_embedding.weight"]!, params["patch_embedding.bias"]!];
          const [, , p] = w.shape as readonly [number, number, number];
          return nd(
            [x!.shape[0]!, w.shape[0]!],
            (i, o) =>
              at(bias, o) +
              total(
                x!.shape[1]!,
                (k) => at(x!, i, k) * at(w, o, Math.floor(k / (p * p)), Math.floor(k / p) % p, k % p),
              ),
          );
        },
      };
    },
  }),
];

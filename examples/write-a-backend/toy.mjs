// A whole backend. Everything that models are made of (attention, norms, rotary positions...) is expanded by `lower` into
// the primitives below, and each says what one number of its result is, by the names of its axes. Slow, and right.
import * as hulu from "@hulu/core";

/** An array is a function from a position, `{ batch: 0, seq: 3 }`, to a number; bools are 0 and 1. */
function array(dims, shape, data) {
  const read = (at) => data[dims.reduce((i, { name }, d) => i * shape[d] + at[name], 0)];
  return Object.assign(read, { dims, shape, data, sizeOf: (axis) => shape[dims.findIndex((d) => d.name === axis)] });
}

/** Where the i-th number of a row-major array lies, along each axis. */
const unravel = (shape, i) => shape.map((n, d) => Math.floor(i / hulu.countOf(shape.slice(d + 1))) % n);
const named = (axes, at) => Object.fromEntries(axes.map(({ name }, i) => [name, at[i]]));
const along = (x, axis, at) => Array.from({ length: x.sizeOf(axis) }, (_, i) => x({ ...at, [axis]: i }));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const dot = (a, b) => sum(a.map((x, i) => x * b[i]));

/** A sum of positive terms. Abramowitz and Stegun, 7.1.6. */
function erf(x) {
  const terms = [x];
  for (let n = 1; n < 150; n++) terms.push((terms[n - 1] * (2 * x * x)) / (2 * n + 1));
  return Math.abs(x) > 6 ? Math.sign(x) : (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum(terms);
}

const { abs, exp, sqrt, cos, sin, tanh, max } = Math;
const arithmetic = { add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b };
const logic = { less: (a, b) => +(a < b), equal: (a, b) => +(a === b), and: (a, b) => +(a !== 0 && b !== 0) };
const elementwise = { abs, exp, sqrt, cos, sin, tanh, max, erf, ...arithmetic, ...logic };

/** The other primitives: the number at a position, of a node, for inputs that are arrays; `size` gives sizes of this run. */
const kernels = {
  cast: (at, { dtype }, _, x) => ({ f32: x(at), i32: Math.trunc(x(at)), bool: +(x(at) !== 0) })[dtype],
  where: (at, _, __, condition, a, b) => (condition(at) ? a(at) : b(at)),
  iota: (at, { dims, attrs }, size) => size(attrs.start) + at[dims[0].name],
  broadcast: (at, _, __, x) => x(at),
  relabel: (at, { dims }, _, x) =>
    x(
      named(
        x.dims,
        dims.map((d) => at[d.name]),
      ),
    ),
  slice: (at, { attrs: { axis, start, to } }, size, x) => x({ ...at, [axis]: size(start) + at[to.name] }),
  reduce_sum: (at, { attrs }, _, x) => sum(along(x, attrs.axis, at)),
  reduce_max: (at, { attrs }, _, x) => max(...along(x, attrs.axis, at)),
  matmul: (at, _, __, a, b) => dot(along(a, a.dims.at(-1).name, at), along(b, b.dims.at(-1).name, at)),
  gather(at, { attrs: { axis } }, _, table, index) {
    if (index(at) >= 0 && index(at) < table.sizeOf(axis)) return table({ ...at, [axis]: index(at) });
    throw new hulu.FeedError(`${index(at)} is no row of ${axis}`);
  },
  concat(at, { attrs: { axis, to } }, _, ...parts) {
    const rows = parts.flatMap((part) => Array.from({ length: part.sizeOf(axis) }, (_, i) => [part, i]));
    return rows[at[to.name]][0]({ ...at, [axis]: rows[at[to.name]][1] });
  },
  /** Take fused axes apart, and put them together as the input has them. */
  rearrange(at, { dims }, size, x) {
    const sizes = (d) => hulu.atoms(d).map((p) => size(p.size));
    const parts = Object.assign({}, ...dims.map((d) => named(hulu.atoms(d), unravel(sizes(d), at[d.name]))));
    const whole = (d) => hulu.atoms(d).reduce((i, p) => i * size(p.size) + parts[p.name], 0);
    return x(named(x.dims, x.dims.map(whole)));
  },
};

function compute(params, { program: { graph }, env, fed, session, signal }) {
  const size = (s) => hulu.evaluate(s, env);
  const results = new Map();
  const stored = {
    constant: ({ values }) => values,
    input: ({ name }) => fed.get(name).data,
    param: ({ path }) => params.get(path),
    state: ({ name }) => session?.rows(name) ?? [],
  };
  for (const node of hulu.topological(hulu.rootsOf(graph))) {
    signal?.throwIfAborted();
    const { dims, attrs, op } = node;
    const shape = dims.map((d) => size(d.size));
    const xs = node.inputs.map((input) => results.get(input));
    const kernel = kernels[op.name] ?? ((at) => elementwise[op.name](...xs.map((x) => x(at))));
    const number = (_, i) => kernel(named(dims, unravel(shape, i)), node, size, ...xs);
    const data = stored[op.name]?.(attrs) ?? Array.from({ length: hulu.countOf(shape) }, number);
    results.set(node, array(dims, shape, data));
  }
  return hulu.hostResults(graph, (value) => results.get(value));
}

/** @type {import("@hulu/core").Backend} */
export const toy = {
  name: "toy",
  supports: hulu.primitivesOnly,
  estimate: (programs, weights, max) => hulu.interpreterEstimate(programs, weights, max, 8),
  async compile(programs, weights, { max = {}, ...options } = {}) {
    const lower = ([name, graph]) => [name, { graph: hulu.lower(graph, hulu.primitivesOnly) }];
    const lowered = new Map(Object.entries(programs).map(lower));
    const params = await hulu.readParams(programs, weights, (_, floats) => floats, options);
    const owner = await hulu.sessionOwner(programs, weights, max);
    return hulu.hostExecutable({ programs: lowered, owner, max, compute: (run) => compute(params, run) });
  },
};

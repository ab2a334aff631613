import { type AnyKernel, type Arrays, type BufferSpec, kernels, type Params, rmsNorm, rotate } from "@hulu/kernels";

// Contracts of kernels that are on their way, as far as a plan and its meaning need them.

type Shape = (p: Params) => readonly number[];
const input = (shape: Shape, element: BufferSpec["element"] = "f32"): BufferSpec => ({ role: "input", element, shape });
const output = (shape: Shape): BufferSpec => ({ role: "output", element: "f32", shape });

const made = (
  name: string,
  params: string,
  buffers: Readonly<Record<string, BufferSpec>>,
  reference: (p: Params, x: Arrays) => Arrays,
): AnyKernel => ({
  name,
  formula: "",
  params: Object.fromEntries(params.split(" ").map((p) => [p, { type: "f32", about: "" }])),
  buffers,
  variants: [],
  presets: [],
  launches: () => [],
  reference,
  tolerance: () => ({ abs: 0, rel: 0, why: "" }),
  work: () => ({ bytes: 0, flops: 0 }),
  cases: { sizes: {}, always: [], exact: false, make: () => ({ params: {}, inputs: {} }), bench: {} },
});

const times = (n: number, f: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => f(i));
const total = (n: number, f: (i: number) => number): number => times(n, f).reduce((a, b) => a + b, 0);

const erf = (x: number): number =>
  (2 / Math.sqrt(Math.PI)) *
  (x / 2000) *
  total(1000, (i) => {
    const [a, h] = [(2 * i * x) / 2000, x / 2000];
    const f = (t: number) => Math.exp(-t * t);
    return (f(a) + 4 * f(a + h) + f(a + 2 * h)) / 3;
  });
const acts = [
  (x: number) => x,
  (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  (x: number) => x / (1 + Math.exp(-x)),
];

const matmul = made(
  "matmul",
  "m n k bias activation residual",
  {
    x: input((p) => [p.m!, p.k!]),
    weight: input((p) => [p.n!, p.k!], "weight"),
    scale: input((p) => [p.n!, p.k!], "scale"),
    bias: input((p) => [p.n! * p.bias!]),
    residual: input((p) => [p.m! * p.residual!, p.n!]),
    y: output((p) => [p.m!, p.n!]),
  },
  (p, { x, weight, bias, residual }) => {
    const [m, n, k] = [p.m!, p.n!, p.k!];
    return {
      y: times(m * n, (i) => {
        const [r, c] = [Math.floor(i / n), i % n];
        const sum = total(k, (l) => x![r * k + l]! * weight![c * k + l]!) + (p.bias ? bias![c]! : 0);
        return acts[p.activation!]!(sum) + (p.residual ? residual![i]! : 0);
      }),
    };
  },
);

const matmulBatch = made(
  "matmul_batch",
  "batch m n k",
  {
    x: input((p) => [p.batch!, p.m!, p.k!]),
    w: input((p) => [p.batch!, p.n!, p.k!]),
    y: output((p) => [p.batch!, p.m!, p.n!]),
  },
  (p, { x, w }) => {
    const [m, n, k] = [p.m!, p.n!, p.k!];
    return {
      y: times(p.batch! * m * n, (i) => {
        const [b, r, c] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
        return total(k, (l) => x![(b * m + r) * k + l]! * w![(b * n + c) * k + l]!);
      }),
    };
  },
);

const embedding = made(
  "embedding",
  "count rows width",
  {
    index: input((p) => [p.count!], "i32"),
    weight: input((p) => [p.rows!, p.width!], "weight"),
    scale: input((p) => [p.rows!, p.width!], "scale"),
    y: output((p) => [p.count!, p.width!]),
  },
  ({ count, width }, { index, weight }) => ({
    y: times(count! * width!, (i) => weight![index![Math.floor(i / width!)]! * width! + (i % width!)]!),
  }),
);

const attention = made(
  "attention",
  "batch seq ctx heads kv dim scale causal window softcap segments",
  {
    q: input((p) => [p.batch!, p.seq!, p.heads!, p.dim!]),
    k: input((p) => [p.batch!, p.ctx!, p.kv!, p.dim!]),
    v: input((p) => [p.batch!, p.ctx!, p.kv!, p.dim!]),
    segments: input((p) => [p.seq! * p.segments!], "i32"),
    y: output((p) => [p.batch!, p.seq!, p.heads!, p.dim!]),
    partial: { role: "scratch", element: "f32", shape: (p) => [3, p.dim! + 2] },
  },
  (p, { q, k, v, segments }) => {
    const [seq, ctx, heads, kv, dim] = [p.seq!, p.ctx!, p.heads!, p.kv!, p.dim!];
    return {
      y: times(p.batch! * seq * heads * dim, (i) => {
        const [d, h, s, b] = [
          i % dim,
          Math.floor(i / dim) % heads,
          Math.floor(i / dim / heads) % seq,
          Math.floor(i / dim / heads / seq),
        ];
        const key = (c: number) => ((b * ctx + c) * kv + Math.floor(h / (heads / kv))) * dim;
        let [sum, mixed] = [0, 0];
        for (let c = 0; c < ctx; c++) {
          const row = ctx - seq + s;
          if (p.causal && (c > row || (p.window! > 0 && row - c >= p.window!))) continue;
          if (p.segments && segments![s] !== segments![c]) continue;
          const score = p.scale! * total(dim, (j) => q![((b * seq + s) * heads + h) * dim + j]! * k![key(c) + j]!);
          const weight = Math.exp(p.softcap ? p.softcap * Math.tanh(score / p.softcap) : score);
          sum += weight;
          mixed += weight * v![key(c) + d]!;
        }
        return mixed / sum;
      }),
    };
  },
);

const norm = (p: Params, x: ArrayLike<number>, weight: ArrayLike<number>) =>
  rmsNorm.reference({ rows: p.rows!, width: p.width!, eps: p.eps! }, { x, weight }).y!;

const addRmsNorm = made(
  "add_rms_norm",
  "rows width eps",
  {
    x: input((p) => [p.rows!, p.width!]),
    residual: input((p) => [p.rows!, p.width!]),
    weight: input((p) => [p.width!]),
    sum: output((p) => [p.rows!, p.width!]),
    y: output((p) => [p.rows!, p.width!]),
  },
  (p, { x, residual, weight }) => {
    const sum = times(p.rows! * p.width!, (i) => x![i]! + residual![i]!);
    return { sum, y: norm(p, sum, weight!) };
  },
);

const swiglu = made(
  "swiglu",
  "count",
  { gate: input((p) => [p.count!]), up: input((p) => [p.count!]), y: output((p) => [p.count!]) },
  (p, { gate, up }) => ({ y: times(p.count!, (i) => acts[3]!(gate![i]!) * up![i]!) }),
);

const qkNormRotate = made(
  "qk_norm_rotate",
  "rows seq heads dim interleaved eps",
  {
    x: input((p) => [p.rows!, p.heads!, p.dim!]),
    weight: input((p) => [p.dim!]),
    cos: input((p) => [p.seq!, p.dim! / 2]),
    sin: input((p) => [p.seq!, p.dim! / 2]),
    y: output((p) => [p.rows!, p.heads!, p.dim!]),
  },
  (p, { x, weight, cos, sin }) => {
    const normed = norm({ rows: p.rows! * p.heads!, width: p.dim!, eps: p.eps! }, x!, weight!);
    return rotate.reference(p as never, { x: normed, cos: cos!, sin: sin! }) as Arrays;
  },
);

const frameDifference = made(
  "frame_difference",
  "frames tokens width",
  {
    x: input((p) => [p.frames!, p.tokens!, p.width!]),
    before: input((p) => [p.tokens!, p.width!]),
    y: output((p) => [p.frames!, p.tokens!]),
  },
  (p, { x, before }) => {
    const plane = p.tokens! * p.width!;
    const old = (i: number) => (i < plane ? before![i]! : x![i - plane]!);
    return {
      y: times(p.frames! * p.tokens!, (r) =>
        total(p.width!, (i) => Math.abs(x![r * p.width! + i]! - old(r * p.width! + i))),
      ),
    };
  },
);

const standIns = [matmul, matmulBatch, embedding, attention, addRmsNorm, swiglu, qkNormRotate, frameDifference];

/** All kernels, those of the product where they are there. */
export const withStandIns: readonly AnyKernel[] = [
  ...kernels,
  ...standIns.filter((s) => !kernels.some((k) => k.name === s.name)),
];

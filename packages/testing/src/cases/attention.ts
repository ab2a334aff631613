import { type Axis, axis, fuse, ops } from "@hulu/core";
import { at, type Bound, type Nd, nd, total } from "../nd.js";
import { fills } from "../random.js";
import { type OpCase, opCase, rounding } from "./case.js";

const mixing: Bound = {
  abs: 2e-5,
  rel: 1e-5,
  why: "float32 scores of up to 20 products, an exp of each, and their mean",
};

/** Attention by its definition: for each query, every key that it may see. */
function attend(
  q: Nd,
  k: Nd,
  v: Nd,
  { scale, softcap, sees }: { scale: number; softcap?: number; sees: (row: number, key: number) => boolean },
): Nd {
  const [ctx, kv] = [k.shape[1]!, k.shape[2]!];
  const group = q.shape[2]! / kv;
  const dim = q.shape[3]!;
  return nd(q.shape, (b, s, h, d) => {
    const g = Math.floor(h / group);
    let [sum, mixed] = [0, 0];
    for (let c = 0; c < ctx; c++) {
      if (!sees(s, c)) continue;
      const score = scale * total(dim, (i) => at(q, b, s, h, i) * at(k, b, c, g, i));
      const weight = Math.exp(softcap === undefined ? score : softcap * Math.tanh(score / softcap));
      sum += weight;
      mixed += weight * at(v, b, c, g, d);
    }
    return mixed / sum;
  });
}

/** The rows of a run before those of this one: `[batch seq kv dim]`. */
function behind(before: Nd | undefined, now: Nd): Nd {
  const past = before?.shape[1] ?? 0;
  return nd(now.shape.with(1, past + now.shape[1]!), (b, s, k, d) =>
    s < past ? at(before!, b, s, k, d) : at(now, b, s - past, k, d),
  );
}

const heads = { kv: [1, 3], group: [1, 3], half: [1, 10] } as const;
const always = () => true;

interface Setting {
  readonly causal: boolean;
  readonly segments?: boolean;
  readonly fused?: boolean;
  /** A window of a drawn number of keys: shorter than the context, as long, and longer. */
  readonly windowed?: boolean;
  readonly softcap?: number;
}

/** So low that ordinary scores are bent by it: without it, or with it behind the mask, results differ in the first digit. */
const LOW_CAP = 0.75;
/** The count from which a case draws its window, in cases that have one. */
const windows = { keys: [1, 9] } as const;

/** Attention of a run with itself. */
const within = (
  about: string,
  { causal, segments = false, fused = false, windowed = false, softcap }: Setting,
): OpCase =>
  opCase("attention", about, mixing, {
    features: ["batch"],
    sizes: { batch: [1, 2], seq: [1, 6], ...heads, ...(fused && { window: [1, 4] }) },
    ...(windowed && { counts: windows }),
    exact: false,
    build: (make) => {
      const batch = make.axis("batch");
      const seq: Axis = fused ? fuse(make.axis("seq"), make.fixed("window")) : make.axis("seq");
      const [head, kv] = [axis("head", make.size("kv") * make.size("group")), make.fixed("kv")];
      const dim = axis("dim", 2 * make.size("half"));
      const rule = { scale: dim.size ** -0.5, ...(softcap !== undefined && { softcap }) };
      const window = windowed ? make.size("keys") : undefined;
      const key = make.f32([batch, seq, kv, dim]);
      return {
        inputs: {
          q: make.f32([batch, seq, head, dim]),
          k: key,
          v: key,
          ...(segments && { segments: make.i32([seq], fills.whole(0, 2)) }),
        },
        body: ({ q, k, v, segments }) =>
          ops.attention<string, string, string, string, string, string>(q!, k!, v!, {
            ...rule,
            causal,
            segments,
            window,
          }),
        direct: ({ q, k, v, segments: s }) =>
          attend(q!, k!, v!, {
            ...rule,
            sees: (row, c) =>
              (!causal || c <= row) &&
              (window === undefined || row - c < window) &&
              (s === undefined || at(s, row) === at(s, c)),
          }),
      };
    },
  });

/** Causal attention of a run with itself and with what a session holds. */
const overSession = (about: string, { windowed = false, softcap }: Omit<Setting, "causal">): OpCase =>
  opCase("attention", about, mixing, {
    features: ["state", "symbolic"],
    sizes: { seq: [1, 4], ...heads },
    counts: { past: [0, 5], ...(windowed && windows) },
    exact: false,
    build: (make) => {
      const [batch, seq] = [axis("batch", 1), make.symbol("seq")];
      const [head, kv] = [axis("head", make.size("kv") * make.size("group")), make.fixed("kv")];
      const dim = axis("dim", 2 * make.size("half"));
      const rule = { scale: dim.size ** -0.5, ...(softcap !== undefined && { softcap }) };
      const window = windowed ? make.size("keys") : undefined;
      const key = make.f32([batch, seq, kv, dim]);
      return {
        past: make.size("past"),
        inputs: { q: make.f32([batch, seq, head, dim]), k: key, v: key },
        body: ({ q, k, v }) =>
          ops.attention<"batch", "seq", "ctx", "head", "kv", "dim">(
            q!,
            ops.append<"batch", "kv dim">(k!, ops.past, "keys"),
            ops.append<"batch", "kv dim">(v!, ops.past, "values"),
            { ...rule, causal: true, window },
          ),
        direct: ({ q, k, v }, { k: oldK, v: oldV }) => {
          const past = oldK?.shape[1] ?? 0;
          return attend(q!, behind(oldK, k!), behind(oldV, v!), {
            ...rule,
            sees: (row, c) => c <= past + row && (window === undefined || past + row - c < window),
          });
        },
      };
    },
  });

export const attentionCases: readonly OpCase[] = [
  within("every position sees every other", { causal: false }),
  within("frames whose patches are tokens times windows", { causal: false, fused: true }),
  within("each position sees itself and what came before", { causal: true }),
  within("packed samples that do not see each other", { causal: true, segments: true }),
  within("segments without an order", { causal: false, segments: true }),
  within("each position sees itself and the few before it", { causal: true, windowed: true }),
  within("windows within packed samples", { causal: true, windowed: true, segments: true }),
  within("capped scores, every position seen", { causal: false, softcap: LOW_CAP }),
  within("capped scores of a window", { causal: true, windowed: true, softcap: LOW_CAP }),
  opCase("attention", "queries over other keys than their own", mixing, {
    sizes: { batch: [1, 1], seq: [1, 4], ctx: [1, 6], ...heads },
    exact: false,
    build: (make) => {
      const [batch, seq, ctx] = [make.axis("batch"), make.axis("seq"), make.axis("ctx")];
      const [head, kv] = [axis("head", make.size("kv") * make.size("group")), make.fixed("kv")];
      const dim = axis("dim", 2 * make.size("half"));
      const key = make.f32([batch, ctx, kv, dim]);
      return {
        inputs: { q: make.f32([batch, seq, head, dim]), k: key, v: key },
        body: ({ q, k, v }) =>
          ops.attention<string, string, string, string, string, string>(q!, k!, v!, { scale: 0.3, causal: false }),
        direct: ({ q, k, v }) => attend(q!, k!, v!, { scale: 0.3, sees: always }),
      };
    },
  }),
  overSession("over a session: the queries are the last of the context", {}),
  overSession("over a session, each row seeing a window of keys", { windowed: true }),
  overSession("over a session, scores capped", { softcap: LOW_CAP }),
  overSession("over a session, a window of capped scores", { windowed: true, softcap: LOW_CAP }),
  opCase("append", "rows behind those of the session", rounding, {
    features: ["state", "symbolic"],
    sizes: { seq: [1, 4], kv: [1, 3], dim: [1, 4] },
    counts: { past: [0, 5] },
    build: (make) => ({
      past: make.size("past"),
      inputs: { x: make.f32([axis("batch", 1), make.symbol("seq"), make.fixed("kv"), make.fixed("dim")]) },
      body: ({ x }) => ops.append<string, string>(x!, ops.past, "rows"),
      direct: ({ x }, { x: before }) => behind(before, x!),
    }),
  }),
];

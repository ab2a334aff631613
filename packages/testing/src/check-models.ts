import { type Executable, type HostTensor, hostF32, hostI32 } from "@hulu/core";
import fc from "fast-check";
import type { Feature } from "./cases/case.js";
import { type Check, effort, type Tested } from "./check.js";
import { type FramesDraw, framesDraws, framesOf, idsOf, type ModelDraw, modelOf, models } from "./models.js";
import { type Bound, differs, type Nd } from "./nd.js";
import { Random, seedOf } from "./random.js";
import { feedIds, joined, part, runOne } from "./run.js";

const stacked: Bound = {
  abs: 1e-4,
  rel: 1e-4,
  why: "up to three layers of float32 sums over at most 60 numbers, norms that scale small differences up among them",
};

/** Fail with where and what, if two results part. */
export function expectClose(tested: Pick<Tested, "loosen">, what: string, got: Nd, wanted: Nd, bound = stacked): void {
  const loosen = tested.loosen ?? 1;
  const wrong = differs(got, wanted, { abs: bound.abs * loosen, rel: bound.rel * loosen });
  if (wrong !== undefined) throw new Error(`${what}: ${wrong}`);
}

/** Everything from pixels to logits, each program fed with what the one before gave. */
async function everyProgram(executable: Executable, draw: ModelDraw, frames: FramesDraw): Promise<Map<string, Nd>> {
  const random = new Random(seedOf("choices", draw.seed));
  const results = new Map<string, Nd>();
  const run = async (program: string, feeds: Readonly<Record<string, HostTensor>>): Promise<HostTensor> => {
    const result = await runOne(executable, program, feeds);
    results.set(program, result);
    return hostF32(Float32Array.from(result.data), result.shape);
  };
  const tokens = await run("encodeVision", framesOf(frames, draw));
  const [count, width] = [frames.rows * frames.cols, draw.vision.width];
  await run("frameDifference", {
    tokens,
    before: hostF32(tokens.data.slice(0, count * width) as Float32Array, [count, width]),
  });
  const rows = frames.frames * count;
  const keep = random.order(rows).slice(0, random.int(1, rows));
  const flat = { ...tokens, shape: [rows, width] };
  const visual = await run("project", { tokens: flat, keep: hostI32(keep) });
  const seq = random.int(1, 6);
  const ids = idsOf(draw, seq);
  await run("embed", { ids });
  const index = hostI32(
    Array.from({ length: seq }, () => random.int(-1, keep.length - 1)),
    [1, seq],
  );
  const embeds = await run("embedVisual", { ids, visual, index });
  await run("step", { embeds, pick: hostI32(random.order(seq).slice(0, random.int(1, seq))) });
  return results;
}

async function withModel<T>(
  backend: Tested["backend"],
  draw: ModelDraw,
  body: (e: Executable) => Promise<T>,
): Promise<T> {
  const { programs, weights } = modelOf(draw);
  const executable = await backend.compile(programs, weights);
  try {
    return await body(executable);
  } finally {
    executable.dispose();
  }
}

/** Lengths that add up to n. */
const chunks = (n: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: n }), { minLength: 1, maxLength: n }).map((list) => {
    const cut: number[] = [];
    let left = n;
    for (const size of list) {
      if (left > 0) cut.push(Math.min(size, left));
      left -= size;
    }
    return left > 0 ? [...cut, left] : cut;
  });

function property(
  name: string,
  features: readonly Feature[],
  runs: number,
  arbitrary: fc.Arbitrary<readonly [ModelDraw, ...unknown[]]>,
  holds: (tested: Tested, draw: never) => Promise<void>,
): Check {
  return {
    name: `models: ${name}`,
    features,
    run: (tested) =>
      fc.assert(
        fc.asyncProperty(arbitrary, (draw) => holds(tested, draw as never)),
        effort(tested, runs),
      ),
  };
}

const LENGTH = 6;

export const modelChecks: readonly Check[] = [
  property(
    "every program equals the reference",
    ["symbolic", "i32"],
    10,
    fc.tuple(models, framesDraws),
    async (tested, [draw, frames]: [ModelDraw, FramesDraw]) => {
      const wanted = await withModel(tested.reference, draw, (e) => everyProgram(e, draw, frames));
      const got = await withModel(tested.backend, draw, (e) => everyProgram(e, draw, frames));
      for (const [program, result] of wanted) expectClose(tested, program, got.get(program) as Nd, result);
    },
  ),
  property(
    "prefill in any chunks equals one prefill",
    ["state", "symbolic"],
    6,
    fc.tuple(models, chunks(LENGTH)),
    (tested, [draw, sizes]: [ModelDraw, number[]]) =>
      withModel(tested.backend, draw, async (executable) => {
        const ids = idsOf(draw, LENGTH);
        const whole = await feedIds(executable, ids, executable.createSession());
        const session = executable.createSession();
        const parts: Nd[] = [];
        let from = 0;
        for (const size of sizes) {
          parts.push(await feedIds(executable, part(ids, from, from + size), session));
          from += size;
        }
        if (session.length !== LENGTH) throw new Error(`the session holds ${session.length} of ${LENGTH} positions`);
        expectClose(tested, `chunks of ${sizes.join(", ")}`, joined(parts), whole);
      }),
  ),
  property(
    "token by token equals one prefill, and a run without a session too",
    ["state", "symbolic"],
    4,
    fc.tuple(models),
    (tested, [draw]: [ModelDraw]) =>
      withModel(tested.backend, draw, async (executable) => {
        const ids = idsOf(draw, LENGTH);
        const alone = await feedIds(executable, ids, undefined);
        const whole = await feedIds(executable, ids, executable.createSession());
        const session = executable.createSession();
        const steps: Nd[] = [];
        for (let i = 0; i < LENGTH; i++) steps.push(await feedIds(executable, part(ids, i, i + 1), session));
        expectClose(tested, "token by token", joined(steps), whole);
        expectClose(tested, "without a session", alone, whole);
      }),
  ),
  property(
    "the positions picked come in the order of their picking",
    ["symbolic", "i32"],
    3,
    fc.tuple(models),
    (tested, [draw]: [ModelDraw]) =>
      withModel(tested.backend, draw, async (executable) => {
        const ids = idsOf(draw, LENGTH);
        const all = await feedIds(executable, ids, undefined);
        const pick = [4, 1, 1, 0];
        const vocab = draw.decoder.vocab;
        const rows = pick.flatMap((p) => Array.from(all.data).slice(p * vocab, (p + 1) * vocab));
        expectClose(tested, "picked", await feedIds(executable, ids, undefined, pick), {
          shape: [1, pick.length, vocab],
          data: rows,
        });
      }),
  ),
  property(
    "frames are independent: another order gives the same, in that order",
    ["symbolic"],
    4,
    fc.tuple(models, framesDraws),
    (tested, [draw, some]: [ModelDraw, FramesDraw]) =>
      withModel(tested.backend, draw, async (executable) => {
        const frames = { ...some, frames: 3 };
        const feeds = framesOf(frames, draw);
        const order = [2, 0, 1];
        const tokens = await runOne(executable, "encodeVision", feeds);
        const pixels = { ...feeds.pixels, data: Float32Array.from(reordered(feeds.pixels, order)) };
        const moved = await runOne(executable, "encodeVision", { ...feeds, pixels });
        expectClose(tested, "frames", moved, { shape: tokens.shape, data: reordered(tokens, order) });
      }),
  ),
  property(
    "texts of one batch do not see each other",
    ["symbolic", "batch"],
    3,
    fc.tuple(models),
    (tested, [draw]: [ModelDraw]) =>
      withModel(tested.backend, draw, async (executable) => {
        const both = idsOf(draw, 4, 2);
        const one = (i: number) => hostI32(both.data.slice(4 * i, 4 * i + 4) as Int32Array, [1, 4]);
        const got = await feedIds(executable, both, undefined);
        const parts = [await feedIds(executable, one(0), undefined), await feedIds(executable, one(1), undefined)];
        expectClose(tested, "batch", got, {
          shape: [2, 4, draw.decoder.vocab],
          data: parts.flatMap((p) => Array.from(p.data)),
        });
      }),
  ),
];

/** The entries of the first axis in another order. */
function reordered({ shape, data }: Nd, order: readonly number[]): number[] {
  const width = data.length / (shape[0] as number);
  return order.flatMap((i) => Array.from(data).slice(i * width, (i + 1) * width));
}

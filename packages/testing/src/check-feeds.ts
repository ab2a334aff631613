import { type Executable, type Feed, FeedError, type HostTensor, hostF32, hostI32, type Tensor } from "@hulu/core";
import { expect } from "vitest";
import type { Check } from "./check.js";
import { framesOf, idsOf, modelOf, smallModel } from "./models.js";
import { runOne, take } from "./run.js";

const { embed: EMBED } = smallModel.decoder;

const check = (name: string, body: (executable: Executable) => Promise<void>): Check => ({
  name: `feeds: ${name}`,
  features: ["symbolic", "i32"],
  run: async (tested) => {
    const { programs, weights } = modelOf(smallModel);
    const executable = await tested.backend.compile(programs, weights, { max: { seq: 16 } });
    try {
      await body(executable);
    } finally {
      executable.dispose();
    }
  },
});

const zeros = (...shape: number[]): HostTensor => hostF32(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
const ids = (...list: number[]): HostTensor => hostI32(list, [1, list.length]);

type Wrong = readonly [what: string, program: string, feeds: Readonly<Record<string, Feed>>, says: RegExp];

/** Each is wrong in one way, and the message must speak of it. */
const wrong: readonly Wrong[] = [
  ["a program that is not there", "encode", { ids: ids(1) }, /encode/],
  ["a program named like a member of every object", "constructor", {}, /constructor/],
  ["an input that is missing", "embed", {}, /ids/],
  ["an input that is not asked for", "embed", { ids: ids(1), mask: ids(1) }, /mask/],
  ["floats for indices", "embed", { ids: zeros(1, 2) }, /ids/],
  ["indices for floats", "step", { embeds: hostI32([0], [1, 1, 1]), pick: hostI32([0]) }, /embeds/],
  ["an axis too few", "embed", { ids: hostI32([1, 2]) }, /ids.*\[2\]/],
  ["an axis too many", "step", { embeds: zeros(1, 1, 1, EMBED), pick: hostI32([0]) }, /embeds/],
  ["another width", "step", { embeds: zeros(1, 2, EMBED + 1), pick: hostI32([0]) }, /embeds.*13/],
  [
    "two lengths that must be one",
    "embedVisual",
    { ids: ids(1, 2, 3), visual: zeros(1, EMBED), index: ids(-1, -1) },
    /ids|index/,
  ],
  [
    "patches that do not divide by the window",
    "encodeVision",
    { ...framesOf({ frames: 1, rows: 1, cols: 1, merge: 2 }, smallModel), window: zeros(3) },
    /pixels|window|row/,
  ],
  [
    "numbers that do not fill the shape",
    "embed",
    { ids: { dtype: "i32", shape: [1, 3], data: new Int32Array(2) } },
    /fill/,
  ],
  ["a negative size", "embed", { ids: { dtype: "i32", shape: [-1, -1], data: new Int32Array(1) } }, /-1/],
  ["an index past the end", "embed", { ids: ids(0, smallModel.decoder.vocab) }, /11/],
  ["a negative index", "embed", { ids: ids(0, -1) }, /-1/],
  ["a kept token past the end", "project", { tokens: zeros(3, smallModel.vision.width), keep: hostI32([3]) }, /3/],
  ["a picked position past the end", "step", { embeds: zeros(1, 2, EMBED), pick: hostI32([2]) }, /2/],
  ["a visual row past the end", "embedVisual", { ids: ids(1, 2), visual: zeros(2, EMBED), index: ids(0, 2) }, /2/],
  ["more than the model was compiled for", "embed", { ids: idsOf(smallModel, 17) }, /17.*16/],
  ["an empty list", "embed", { ids: [] }, /list/],
  ["a list whose parts differ behind the first axis", "embed", { ids: [ids(1), ids(1, 2)] }, /list/],
];

export const feedChecks: readonly Check[] = [
  ...wrong.map(([what, program, feeds, says]) =>
    check(`${what} is a FeedError`, async (executable) => {
      const error: unknown = await executable.run(program, feeds).then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error, "it ran").toBeInstanceOf(FeedError);
      expect((error as Error).message).toMatch(says);
      // A refused run does no harm.
      expect((await runOne(executable, "embed", { ids: ids(1) })).shape).toEqual([1, 1, EMBED]);
    }),
  ),
  check("the most is allowed", async (executable) => {
    expect((await runOne(executable, "embed", { ids: idsOf(smallModel, 16) })).shape).toEqual([1, 16, EMBED]);
  }),
  check("a result is fed as it is, reshaped, and read as often as one likes", async (executable) => {
    const { embeds } = (await executable.run("embed", { ids: ids(3, 1, 4) })) as { embeds: Tensor };
    expect(embeds.dtype).toBe("f32");
    const data = Array.from(await embeds.read());
    expect(Array.from(await embeds.read())).toEqual(data);
    const flat = embeds.reshape([3, EMBED]);
    expect(flat.shape).toEqual([3, EMBED]);
    expect(Array.from(await flat.read())).toEqual(data);
    await expect(async () => embeds.reshape([2, EMBED])).rejects.toBeInstanceOf(FeedError);
    const host = hostF32(data, [3, EMBED]);
    const feeds = { ids: ids(1, 2), index: ids(-1, 2) };
    const wanted = await runOne(executable, "embedVisual", { ...feeds, visual: host });
    expect(await runOne(executable, "embedVisual", { ...feeds, visual: flat })).toEqual(wanted);
  }),
  check("a list is joined along its first axis", async (executable) => {
    const some = await take((await executable.run("embed", { ids: ids(5, 6, 7, 8) })).embeds as Tensor);
    const rows = (from: number, to: number) =>
      hostF32(Array.from(some.data).slice(from * EMBED, to * EMBED), [to - from, EMBED]);
    const feeds = { ids: ids(0, 0, 0), index: ids(3, 0, 1) };
    const wanted = await runOne(executable, "embedVisual", { ...feeds, visual: rows(0, 4) });
    expect(await runOne(executable, "embedVisual", { ...feeds, visual: [rows(0, 1), rows(1, 3), rows(3, 4)] })).toEqual(
      wanted,
    );
    // Parts may be results of earlier runs.
    const { embeds } = (await executable.run("embed", { ids: ids(7, 8) })) as { embeds: Tensor };
    const mixed = [rows(0, 2), embeds.reshape([2, EMBED])];
    expect(await runOne(executable, "embedVisual", { ...feeds, visual: mixed })).toEqual(wanted);
  }),
];

import {
  type Compiled,
  compile,
  hostF32,
  hostI32,
  memoryWeights,
  paramsOf,
  WeightError,
  type WeightSource,
} from "@hulu/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bfloat16, type FileWeights, inFiles } from "../test/file-weights.js";
import { floats, weightsFor } from "../test/parity.js";
import { tinyPrograms } from "../test/tiny.js";
import { onnx } from "./index.js";
import { commonFolder, Placer } from "./weights.js";

const programs = tinyPrograms();
const inMemory = weightsFor(...Object.values(programs));

/** The logits of a picture and a few tokens: reads every weight of the model. */
async function answer(weights: WeightSource): Promise<readonly number[]> {
  using compiled: Compiled<typeof programs> = await compile(onnx, programs, weights);
  const { tokens } = await compiled.run("encodeVision", {
    pixels: floats([1, 4, 12], 3),
    row: hostI32([0, 0, 1, 1]),
    col: hostI32([0, 1, 0, 1]),
    window: hostF32([1], [1]),
  });
  const { visual } = await compiled.run("project", { tokens: tokens.reshape([4, 16]), keep: hostI32([0, 1, 3]) });
  const { embeds } = await compiled.run("embedVisual", {
    ids: hostI32([5, 1, 2, 3, 39], [1, 5]),
    visual,
    index: hostI32([-1, 0, 1, 2, -1], [1, 5]),
  });
  using session = compiled.createSession();
  const { logits } = await compiled.run("step", { embeds, pick: hostI32([0, 4]) }, { session });
  return [...(await logits.read())];
}

describe("weights in local files", () => {
  let wanted: readonly number[];
  const made: FileWeights[] = [];
  beforeAll(async () => {
    wanted = await answer(inMemory);
  });
  afterAll(() => {
    for (const files of made) files.remove();
  });
  const files = async (...options: Parameters<typeof inFiles>) => {
    made.push(await inFiles(...options));
    return made.at(-1)!;
  };

  test("stay there: they are located, and none is read", async () => {
    const { weights, read, located } = await files(inMemory);
    expect(await answer(weights)).toEqual(wanted);
    expect(read).toEqual([]);
    expect(new Set(located)).toEqual(new Set(inMemory.keys()));
  });

  test("may lie in several files", async () => {
    const { weights, read } = await files(inMemory, { files: 3 });
    expect(await answer(weights)).toEqual(wanted);
    expect(read).toEqual([]);
  });

  test("in bfloat16 are widened as they are loaded", async () => {
    const rounded = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const path of inMemory.keys())
      rounded.set(path, {
        shape: inMemory.info(path)!.shape,
        data: Float32Array.from(await inMemory.floats(path), (x) => bfloat16(x).value),
      });
    const { weights, read } = await files(memoryWeights(rounded), { type: "BF16" });
    expect(await answer(weights)).toEqual(await answer(memoryWeights(rounded)));
    expect(read).toEqual([]);
  });

  test("where no number may begin are read instead", async () => {
    const { weights, read } = await files(inMemory, { lead: 6 });
    expect(await answer(weights)).toEqual(wanted);
    expect(new Set(read)).toEqual(new Set(inMemory.keys()));
  });
});

test("a weight that is only rearranged is declared in its new shape, by reference", async () => {
  const files = await inFiles(inMemory);
  const paths = paramsOf(programs.encodeVision).keys();
  const { of, folder } = await new Placer(files.weights, undefined).place(paths, () => {});
  const { emitProgram } = await import("./program.js");
  const { supports } = await import("./supports.js");
  const { lower } = await import("@hulu/core");
  const { initializers } = emitProgram(lower(programs.encodeVision, supports), { of, folder }).onnx;
  const weight = initializers.find((t) => t.name.startsWith("model.vision_encoder.embeddings.patch_embedding.weight"))!;
  expect(weight.shape).toEqual([16, 12]);
  expect(weight.data).toMatchObject({ location: "part-0", length: 16 * 12 * 4 });
  files.remove();
});

test("what is missing or has another shape is named, before anything is read", async () => {
  const lacking: WeightSource = {
    ...inMemory,
    info: (path) =>
      path === "model.norm.weight"
        ? undefined
        : path.endsWith("q_norm.weight")
          ? { dtype: "F32", shape: [7] }
          : inMemory.info(path),
    read: () => Promise.reject(new Error("read")),
    floats: () => Promise.reject(new Error("read")),
  };
  const failure = await onnx.compile(programs, lacking).catch((e: unknown) => e);
  expect(failure).toBeInstanceOf(WeightError);
  expect(String(failure)).toMatch(/model\.norm\.weight is missing/);
  expect(String(failure)).toMatch(/q_norm\.weight is \[7\], it must be \[8\]/);
});

test("the folder that files share", () => {
  expect(commonFolder(["/a/b/c.bin", "/a/b/d.bin"])).toBe("/a/b");
  expect(commonFolder(["/a/b/c.bin", "/a/bc/d.bin"])).toBe("/a");
  expect(commonFolder(["/a/c.bin", "/b/d.bin"])).toBe("/");
  expect(commonFolder(["C:/a/c.bin", "C:/b/d.bin"])).toBe("C:");
  expect(commonFolder(["C:/a/c.bin", "D:/a/c.bin"])).toBeUndefined();
  expect(commonFolder([])).toBeUndefined();
});

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DEFAULT_CONFIG, Float, parseJson, preprocess } from "@hulu/processor";
import { open } from "@hulu/safetensors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hulu } from "../../test/run.js";
import type { Row } from "./row.js";

const goldens = "test/data/goldens";
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "hulu-verify-"));
});
afterAll(() => rm(scratch, { recursive: true }));

async function verify(...args: string[]): Promise<{ code: number; rows: Row[] }> {
  const ran = await hulu(["verify", ...args, "--json"]);
  const { results } = JSON.parse(ran.out) as { results: Row[] };
  return { code: ran.code, rows: results };
}

/** A folder with these files of the goldens, and nothing else. */
async function copyOf(name: string, ...files: string[]): Promise<string> {
  const root = join(scratch, name);
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(join(goldens, file), join(root, file), { recursive: true });
  }
  return root;
}
const checkpoint = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "preprocessor_config.json",
  "model.safetensors",
];
const variant = (name: string, ...cases: string[]) => [...checkpoint, ...cases].map((file) => `${name}/${file}`);

/** Change one element of a tensor where it lies in its file. */
async function change(
  file: string,
  key: string,
  by: (view: DataView, at: number, dtype: string) => void,
): Promise<void> {
  const source = await open(file);
  const { offset, length } = source.locate(key)!;
  const bytes = await readFile(file);
  const { dtype } = source.info(key)!;
  const width = length / source.info(key)!.shape.reduce((n, d) => n * d, 1);
  by(new DataView(bytes.buffer, bytes.byteOffset), offset + Math.floor(length / width / 2) * width, dtype);
  await writeFile(file, bytes);
}
const nudge = (amount: number) => (view: DataView, at: number, dtype: string) => {
  if (dtype === "F32") view.setFloat32(at, view.getFloat32(at, true) + amount, true);
  else if (dtype === "I64") view.setBigInt64(at, view.getBigInt64(at, true) + 1n, true);
  else view.setUint8(at, view.getUint8(at) ^ 1);
};
const add = (amount: bigint) => (view: DataView, at: number) =>
  view.setBigInt64(at, view.getBigInt64(at, true) + amount, true);
const red = (rows: readonly Row[]) => rows.filter((r) => !r.ok).map((r) => `${r.case} ${r.stage}`);

describe("one changed number turns exactly its row red", () => {
  const stages: readonly (readonly [string, string, number])[] = [
    ["case-image", "out.rope_angles", 2e-6],
    ["case-image", "out.rope_cos", 2e-6],
    ["case-image", "out.rope_sin", -2e-6],
    ["case-image-array", "out.patch_embed", 1e-4],
    ["case-image-array", "out.vision_layer0", 1e-4],
    ["case-image-array", "out.vision_layer_last", 1e-4],
    ["case-image-array", "out.post_layernorm", 1e-4],
    ["case-image-array", "out.merged", -1e-4],
    ["case-image-array", "out.projected", 1e-4],
    ["case-image-array", "out.compression_mask", 0],
    ["case-image-array", "out.inputs_embeds", 2e-4],
    ["case-image-array", "out.decoder_layer0", 2e-4],
    ["case-image-array", "out.last_hidden", -2e-4],
    ["case-image-array", "out.logits", 4e-4],
    ["case-image-array", "out.step_logits", 4e-4],
    ["case-image-array", "out.generated", 0],
    ["case-image-array", "out.final_input_ids", 0],
    ["case-image-array", "out.final_position_ids", 0],
    ["case-image-array", "out.final_attention_mask", 0],
    ["case-image", "out.logits_last8", -4e-4],
  ];
  test.each(stages)("%s %s", async (name, key, amount) => {
    const root = await copyOf(`${name}-${key}`, ...variant("q3-p16", `${name}.safetensors`, `${name}.json`));
    await change(join(root, `q3-p16/${name}.safetensors`), key, nudge(amount));
    const { code, rows } = await verify(root, "--backend", "reference");
    expect(red(rows)).toEqual([`q3-p16/${name} ${key}`]);
    expect(code).toBe(1);
    for (const row of rows) expect(Number.isFinite(row.maxAbs) && Number.isFinite(row.bound)).toBe(true);
  });

  test.each([2n ** 32n, -(2n ** 32n), 2n ** 60n])("of an id that is off by %s", async (amount) => {
    const root = await copyOf(`ids-${amount}`, ...variant("q3-p16", "case-text.safetensors", "case-text.json"));
    await change(join(root, "q3-p16/case-text.safetensors"), "out.generated", add(amount));
    const { rows } = await verify(root, "--backend", "reference");
    expect(red(rows)).toEqual(["q3-p16/case-text out.generated"]);
    expect(rows.length).toBe(9);
  });

  test("of an input, every row of its case: an id that no program can be fed", async () => {
    const root = await copyOf("ids-in", ...variant("q3-p16", "case-text.safetensors", "case-text.json"));
    await change(join(root, "q3-p16/case-text.safetensors"), "in.input_ids", add(2n ** 32n));
    const { rows } = await verify(root, "--backend", "reference");
    expect(red(rows)).toHaveLength(9);
    for (const { reason } of rows)
      expect(reason).toMatch(/^Error: element \d+ of in.input_ids is 4294967\d+; it must fit/);
  });

  test("of a loss, of labels and of a mode's file", async () => {
    const files = ["case-train@pixel", "case-train", "case-video"].flatMap((n) => [`${n}.safetensors`, `${n}.json`]);
    for (const key of ["out.loss", "out.final_labels", "out.logits_last", "out.compression_mask"]) {
      const root = await copyOf(`train-${key}`, ...variant("q2-p14", ...files));
      await change(join(root, "q2-p14/case-train@pixel.safetensors"), key, nudge(4e-4));
      const { rows } = await verify(root, "--backend", "reference", "--case", "*train@pixel");
      expect(red(rows)).toEqual([`q2-p14/case-train@pixel ${key}`]);
    }
  });

  test("of a mask or a distance", async () => {
    for (const key of ["released.thr0.1.min3", "embedding.thr10.0.min1", "embedding.l1_distance"]) {
      const root = await copyOf(
        `masks-${key}`,
        ...variant("q3-p16", "masks-volume.safetensors", "case-volume.safetensors", "case-volume.json"),
      );
      await change(join(root, "q3-p16/masks-volume.safetensors"), key, nudge(2e-3));
      const { rows } = await verify(root, "--backend", "reference", "--case", "*/masks-*");
      expect(red(rows)).toEqual([`q3-p16/masks-volume ${key}`]);
    }
  });

  const entries: readonly (readonly [string, string, string, (json: any) => void])[] = [
    ["think.json", "think", "2", (j) => (j[2].out += " ")],
    ["video-sampling.json", "video-sampling", "5", (j) => j[5].indices[0]++],
    ["video-sampling.json", "video-sampling", "6", (j) => (j[6].timestamps[0] += 1e-9)],
    ["chat.json", "chat", "template_cases/system", (j) => j.template_cases.system.input_ids[3]++],
    ["chat.json", "chat", "template_cases/video", (j) => (j.template_cases.video.rendered_gen += "x")],
    ["chat.json", "chat", "expansion/1", (j) => j.expansion[1].input_ids[0]++],
    ["chat.json", "chat", "labels/0", (j) => j.labels[0].labels[0]++],
    ["chat.json", "chat", "image_token_id", (j) => j.image_token_id++],
    ["chat-custom-template.json", "chat-custom-template", "cases/3", (j) => (j.cases[3].rendered = "")],
    ["chat-hf-ancestor.json", "chat-hf-ancestor", "4", (j) => (j[4].rendered += "\n")],
    ["imageproc/sizes.json", "imageproc/sizes", "17", (j) => j[17].out[0][1]++],
    [
      "imageproc/imageproc.json",
      "imageproc/imageproc",
      "37x53-p14-m1-array-max256",
      (j) => (j.find((e: any) => e.id === "37x53-p14-m1-array-max256").sum += 1e-4),
    ],
    [
      "imageproc/imageproc.json",
      "imageproc/imageproc",
      "14x14-p16-m2-pil-max256",
      (j) => j.find((e: any) => e.id === "14x14-p16-m2-pil-max256").sample_rows[1]--,
    ],
    [
      "nifti/nifti.json",
      "nifti/nifti",
      "int16.nii.gz/axial-5",
      (j) => j.find((e: any) => e.key === "int16.nii.gz/axial-5").indices[1]++,
    ],
    [
      "nifti/nifti.json",
      "nifti/nifti",
      "float32.nii/coronal-5",
      (j) => j.find((e: any) => e.key === "float32.nii/coronal-5").pil_size[1]++,
    ],
  ];
  test.each(entries)("of %s: %s %s", async (file, name, stage, edit) => {
    const root = await copyOf(
      `json-${stage.replaceAll("/", "-")}`,
      file.includes("/") ? dirname(file) : file,
      "tokenizer",
    );
    const text = await readFile(join(root, file), "utf8");
    const json = file.startsWith("chat") ? parseJson(text) : JSON.parse(text);
    edit(json);
    await writeFile(join(root, file), stringify(json));
    const { code, rows } = await verify(root, "--case", name, "--backend", "reference");
    expect(red(rows)).toEqual([`${name} ${stage}`]);
    expect(code).toBe(1);
  });

  /** JSON text in which Python's 61.0 stays a float; templates tell it from 61. */
  function stringify(json: unknown): string {
    const spelled = (x: Float) => (Number.isInteger(x.value) ? `${x.value}.0` : String(x.value));
    const marked = JSON.stringify(json, (_, value) =>
      value instanceof Float ? `\u0001${spelled(value)}\u0001` : value,
    );
    return marked.replace(/"\\u0001([^"]*)\\u0001"/g, "$1");
  }

  test("of a table of which the entries have names", async () => {
    const root = await copyOf("named", "imageproc");
    const file = join(root, "imageproc/sizes.json");
    const [first, second, third] = JSON.parse(await readFile(file, "utf8"));
    second.out[0][0]++;
    third.out[0][0]++;
    await writeFile(file, JSON.stringify([first, { ...second, id: "a" }, { ...third, key: "b" }]));
    const { rows } = await verify(root, "--case", "imageproc/sizes");
    expect(rows.map((r) => r.stage)).toEqual(["0", "a", "b"]);
    expect(rows.map((r) => r.reason)).toEqual([undefined, "differs: out", "differs: out"]);
  });

  test("of an entry that loses its name: its tensors are then known to no entry", async () => {
    const root = await copyOf("unnamed", "imageproc");
    const file = join(root, "imageproc/imageproc.json");
    const json = JSON.parse(await readFile(file, "utf8"));
    const at = json.findIndex((e: any) => e.id === "14x14-p14-m1-pil-max16384");
    delete json[at].id;
    await writeFile(file, JSON.stringify(json));
    const { rows } = await verify(root, "--case", "imageproc/imageproc");
    expect(rows[at]).toMatchObject({ stage: String(at), ok: true });
    expect(red(rows)).toContain("imageproc/imageproc 14x14-p14-m1-pil-max16384/resized");
  });

  test("of a sum that is null", async () => {
    const root = await copyOf("null", "imageproc");
    const file = join(root, "imageproc/imageproc.json");
    const json = JSON.parse(await readFile(file, "utf8"));
    json[0].sum = null;
    await writeFile(file, JSON.stringify(json));
    expect(red((await verify(root, "--case", "imageproc/imageproc")).rows)).toEqual([
      `imageproc/imageproc ${json[0].id}`,
    ]);
  });

  test("of a picture of another mode, whose sides the released code confuses", async () => {
    const root = await copyOf("modes", "imageproc");
    const file = join(root, "imageproc/imageproc.safetensors");
    const { rows } = await verify(root, "--case", "imageproc/imageproc");
    expect(rows.filter((r) => r.stage.startsWith("mode-")).map((r) => r.stage)).toEqual(
      ["L", "LA", "P", "RGBA"].map((m) => `mode-${m}/pixel_values`),
    );
    expect(red(rows)).toEqual([]);
    const source = await open(file);
    const image = { data: await source.read("mode-P/rgb"), height: 40, width: 56 };
    const [right] = preprocess([{ frames: [image], merge: 1 }], DEFAULT_CONFIG, { aspect: "true" });
    const { offset, length } = source.locate("mode-P/pixel_values")!;
    const bytes = await readFile(file);
    bytes.set(new Uint8Array(right!.pixels.buffer, 0, length), offset);
    await writeFile(file, bytes);
    expect(red((await verify(root, "--case", "imageproc/imageproc")).rows)).toEqual([
      "imageproc/imageproc mode-P/pixel_values",
    ]);
  });

  test("of a tensor that is renamed, every row that needs it", async () => {
    const root = await copyOf("renamed", "imageproc");
    const file = join(root, "imageproc/imageproc.safetensors");
    const bytes = await readFile(file);
    bytes.write('"resize/inpux"', bytes.indexOf('"resize/input"'));
    await writeFile(file, bytes);
    const { rows } = await verify(root, "--case", "imageproc/imageproc");
    expect(red(rows)).toHaveLength(4);
    expect(rows.find((r) => !r.ok)?.reason).toBe("Error: there is no tensor resize/input");
  });

  test("of a slice's pixels", async () => {
    const root = await copyOf("nifti-pixels", "nifti");
    await change(join(root, "nifti/nifti.safetensors"), "int16.nii.gz/sagittal-30", nudge(0));
    expect(red((await verify(root)).rows)).toEqual(["nifti/nifti int16.nii.gz/sagittal-30"]);
  });

  test("a field that nothing is known of is red, and so is a stage", async () => {
    const root = await copyOf("unknown-field", "think.json");
    await writeFile(join(root, "think.json"), JSON.stringify([{ text: "a", out: "a", also: 1 }]));
    expect((await verify(root)).rows[0]).toMatchObject({ ok: false, reason: expect.stringContaining("also") });
    const other = await copyOf("unknown-json", "think.json");
    await writeFile(join(other, "news.json"), "[1]");
    expect(red((await verify(other)).rows)).toEqual(["news "]);
  });
});

describe("what is broken is red", () => {
  test("a matrix that is stored the other way round", async () => {
    const root = await copyOf(
      "reshaped",
      ...variant("q3-p16", "case-image-array.safetensors", "case-image-array.json"),
    );
    const file = join(root, "q3-p16/case-image-array.safetensors");
    const bytes = await readFile(file);
    const at = bytes.indexOf('"shape":[24,64]');
    bytes.write('"shape":[64,24]', at);
    await writeFile(file, bytes);
    const { rows } = await verify(root);
    expect(red(rows)).toHaveLength(1);
    expect(rows.find((r) => !r.ok)?.reason).toBe("the shape is [24 64], published as [64 24]");
  });

  test("a case whose JSON names no known pruning", async () => {
    const root = await copyOf("pruning", ...variant("q3-p16", "case-video.safetensors", "case-video.json"));
    const file = join(root, "q3-p16/case-video.json");
    await writeFile(file, (await readFile(file, "utf8")).replace(/"pruning": "\w+"/, '"pruning": "relased"'));
    const { rows } = await verify(root);
    expect(rows.length).toBeGreaterThan(9);
    for (const { reason } of rows)
      expect(reason).toBe(
        'Error: the case\'s pruning is "relased"; it must be one of released, pixel, pixel255, embedding, off',
      );
  });

  test("a file of a case that is cut, and one that is no JSON; the other cases still run", async () => {
    const files = ["case-text", "case-image-array"].flatMap((n) => [`${n}.safetensors`, `${n}.json`]);
    const root = await copyOf("cut", ...variant("q3-p16", ...files));
    const file = join(root, "q3-p16/case-text.safetensors");
    await writeFile(file, (await readFile(file)).subarray(0, 5000));
    const { code, rows } = await verify(root);
    expect(code).toBe(1);
    expect(red(rows)).toEqual(["q3-p16/case-text "]);
    expect(rows.length).toBeGreaterThan(15);
    await writeFile(join(root, "q3-p16/case-image-array.json"), "{");
    const again = await verify(root, "--case", "*image-array");
    expect(again.rows.every((r) => r.reason === "Error: case-image-array.json is not JSON")).toBe(true);
  });
});

describe("what ends how", () => {
  test("one checkpoint's folder, or one folder of tables, can be named by itself", async () => {
    const one = await copyOf("alone", ...variant("q3-p16", "case-text.safetensors", "case-text.json"));
    const { code, rows } = await verify(join(one, "q3-p16"));
    expect([code, rows.length]).toEqual([0, 9]);
    const tables = await verify(join(goldens, "nifti"));
    expect([tables.code, tables.rows.length]).toEqual([0, 44]);
  });

  test("0: everything that ran is equal, unsupported gradients included", async () => {
    const { code, rows } = await verify(goldens, "--case", "q2-p14/case-train-grads");
    expect(code).toBe(0);
    expect(rows.length).toBeGreaterThan(80);
    expect(rows.every((r) => r.status === "unsupported" && r.ok)).toBe(true);
  });

  test("1: a broken checkpoint is a failed row for each stage, with the reason", async () => {
    const root = await copyOf("broken", ...variant("q3-p16", "case-text.safetensors", "case-text.json"));
    await writeFile(join(root, "q3-p16/config.json"), "{}");
    const { code, rows } = await verify(root);
    expect(code).toBe(1);
    expect(rows.length).toBe(9);
    for (const row of rows)
      expect(row).toMatchObject({ status: "fail", reason: expect.stringContaining("ConfigError") });
  });

  test("2: nothing to run", async () => {
    const empty = await mkdtemp(join(scratch, "empty-"));
    for (const args of [
      [empty],
      [join(empty, "nowhere")],
      [goldens, "--case", "nothing*"],
      [],
      [goldens, goldens],
      ["package.json"],
    ]) {
      const ran = await hulu(["verify", ...args]);
      expect(ran.code).toBe(2);
      expect(ran.out).toBe("");
      expect(ran.notes).toMatch(/^hulu: UsageError: /);
    }
  });

  test("--case takes * for anything and ? for one character", async () => {
    const cases = async (glob: string) => [...new Set((await verify(goldens, "--case", glob)).rows.map((r) => r.case))];
    expect(await cases("nifti/nifti")).toEqual(["nifti/nifti"]);
    expect(await cases("*think")).toEqual(["think"]);
    expect(await cases("thi?k")).toEqual(["think"]);
  });

  test("without --json: a line for each row, and the sum on stderr", async () => {
    const { out, notes } = await hulu(["verify", goldens, "--case", "think"]);
    expect(out.split("\n")[0]).toBe("pass        think  0  equal");
    expect(notes).toBe("onnx: 7 passed, 0 failed\n");
    const root = await copyOf("two-of-seven", "think.json");
    const json = JSON.parse(await readFile(join(root, "think.json"), "utf8"));
    for (const i of [1, 4]) json[i].out += "x";
    await writeFile(join(root, "think.json"), JSON.stringify(json));
    const red = await hulu(["verify", root]);
    expect(red.notes).toBe("onnx: 5 passed, 2 failed\n");
    expect(red.out.split("\n")[1]).toMatch(/^fail {8}think {2}1 {2}1 differ: /);
  });
});

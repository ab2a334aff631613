import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "@hulu/safetensors";
import { describe, expect, test } from "vitest";
import { hulu } from "../packages/cli/test/run.js";

const root = "test/data/goldens";

/** Every tensor and every entry that must have a row, listed without the help of verify. */
async function wanted(): Promise<string[]> {
  const rows: string[] = [];
  for (const variant of ["q2-p14", "q3-p16"])
    for (const file of readdirSync(join(root, variant)).filter((f) => /^(case|masks)-.*\.safetensors$/.test(f))) {
      if (/packed/.test(file)) continue;
      const keys = [...(await open(join(root, variant, file))).keys()];
      const kept = /^masks|grads/.test(file) ? keys : keys.filter((k) => k.startsWith("out."));
      rows.push(...kept.map((key) => `${variant}/${file.replace(".safetensors", "")} ${key}`));
    }
  const json = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));
  const indices = (list: unknown[], name: string, prefix = "") => list.map((_, i) => `${name} ${prefix}${i}`);
  const chat = json("chat.json");
  rows.push(...Object.keys(chat.template_cases).map((key) => `chat template_cases/${key}`));
  rows.push(...indices(chat.expansion, "chat", "expansion/"), ...indices(chat.labels, "chat", "labels/"));
  rows.push(...indices(json("chat-hf-ancestor.json"), "chat-hf-ancestor"));
  rows.push(...indices(json("chat-custom-template.json").cases, "chat-custom-template", "cases/"));
  rows.push(...indices(json("think.json"), "think"), ...indices(json("video-sampling.json"), "video-sampling"));
  rows.push(...indices(json("imageproc/sizes.json"), "imageproc/sizes"));
  rows.push(...json("imageproc/imageproc.json").map((e: { id: string }) => `imageproc/imageproc ${e.id}`));
  rows.push(...json("nifti/nifti.json").map((e: { key: string }) => `nifti/nifti ${e.key}`));
  return rows;
}

describe.each(["onnx", "reference", "tfjs"])("the published numbers on %s", (backend) => {
  test("every stage, mask and entry", { timeout: 300_000 }, async () => {
    const ran = await hulu(["verify", root, "--backend", backend, "--json"]);
    const { backend: name, results } = JSON.parse(ran.out) as {
      backend: string;
      results: { case: string; stage: string; ok: boolean; status: string; maxAbs: number; bound: number }[];
    };
    expect(name).toBe(backend);
    expect(results.filter((r) => !r.ok)).toEqual([]);
    expect(results.filter((r) => r.status === "unsupported").every((r) => r.case === "q2-p14/case-train-grads")).toBe(
      true,
    );
    const found = new Set(results.map((r) => `${r.case} ${r.stage}`));
    expect((await wanted()).filter((row) => !found.has(row))).toEqual([]);
    // What must be equal says so: nothing differs, and nothing may.
    const equal = results.filter((r) => !r.case.includes("/case-") || /(_ids|_mask|_labels|generated)$/.test(r.stage));
    expect(equal.length).toBeGreaterThan(1000);
    expect(equal.filter((r) => !/l1_distance/.test(r.stage) && (r.maxAbs !== 0 || r.bound !== 0))).toEqual([]);
    expect(results.filter((r) => /logits/.test(r.stage)).every((r) => r.bound === 2e-4)).toBe(true);
    const unsupported = results.filter((r) => r.status === "unsupported").length;
    expect(ran.notes).toBe(
      `${backend}: ${results.length - unsupported} passed, 0 failed, ${unsupported} unsupported\n`,
    );
    expect(ran.code).toBe(0);
  });
});

test.each(["onnx", "reference", "tfjs"])(
  "other shapes, by an implementation that shares no code, on %s",
  async (backend) => {
    const ran = await hulu(["verify", "test/data/odd-shapes", "--backend", backend, "--json"]);
    const { results } = JSON.parse(ran.out) as { results: { case: string; ok: boolean }[] };
    expect(results.filter((r) => !r.ok)).toEqual([]);
    expect(new Set(results.map((r) => r.case.split("/")[0]))).toEqual(
      new Set(["q2-kv1", "q3-id", "q3-kv3", "q3-native"]),
    );
    expect(results.length).toBeGreaterThan(200);
  },
);

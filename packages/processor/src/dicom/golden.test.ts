import { describe, expect, it } from "vitest";
import { bytesOf, jsonOf, sha256 } from "../../test/helpers.js";
import { ProcessorError } from "../errors.js";
import { type DicomImage, readDicom } from "./image.js";
import type { WindowChoice } from "./window.js";

interface Hashed {
  sha256: string;
  mean: number;
}

interface Golden {
  kind: string;
  expect: string;
  transfer_syntax?: string;
  lossy_decode?: boolean;
  Rows?: number;
  Columns?: number;
  NumberOfFrames?: number;
  stored?: Hashed;
  rescaled?: Hashed;
  window8?: Hashed & { center: number; width: number; function?: "SIGMOID" };
  minmax8?: Hashed;
  frames_minmax8?: string[];
  presets8?: Record<string, Hashed & { center: number; width: number }>;
  palette_rgb8?: Hashed;
  rgb?: Hashed & { dtype: string };
}

const files = Object.entries(jsonOf<{ files: Record<string, Golden> }>("samples/goldens.json").files).filter(
  ([, golden]) => golden.kind === "dicom",
);
const exact = files.filter(([, g]) => g.stored && !g.lossy_decode);
const lossy = files.filter(([, g]) => g.stored && g.lossy_decode);
const refused = files.filter(([, g]) => !g.stored);

const bytes = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** All frames one behind the other. */
async function joined(image: DicomImage, frameOf: (frame: number) => Promise<ArrayBufferView>): Promise<string> {
  const frames: Uint8Array[] = [];
  for (let frame = 0; frame < image.frames; frame++) frames.push(bytes(await frameOf(frame)));
  return sha256(Buffer.concat(frames));
}

const grey = (data: Uint8Array) => data.filter((_, i) => i % 3 === 0);

describe("what pydicom gives", () => {
  it.each(exact)("%s", async (path, golden) => {
    const image = await readDicom(bytesOf(`samples/${path}`));
    const drawn = (window: WindowChoice) =>
      joined(image, async (frame) => grey((await image.picture(frame, { window })).image.data));
    expect(image.header).toMatchObject({ rows: golden.Rows, columns: golden.Columns });
    expect(image.frames).toBe(golden.NumberOfFrames ?? 1);
    expect(await joined(image, async (frame) => (await image.stored(frame)).samples)).toBe(golden.stored!.sha256);
    if (golden.rescaled) expect(await joined(image, (frame) => image.values(frame))).toBe(golden.rescaled.sha256);
    if (golden.minmax8) expect(await drawn("min-max")).toBe(golden.minmax8.sha256);
    if (golden.window8) expect(await drawn("file")).toBe(golden.window8.sha256);
    for (const [name, preset] of Object.entries(golden.presets8 ?? {})) {
      expect(await drawn(name as "lung"), name).toBe(preset.sha256);
      expect(await drawn({ center: preset.center, width: preset.width }), name).toBe(preset.sha256);
    }
    // Of 16-bit colour the golden is the stored one; pictures have its high bytes.
    const colour = golden.palette_rgb8 ?? (golden.rgb?.dtype === "uint8" ? golden.rgb : undefined);
    const rgb = async (frame: number) => (await image.picture(frame)).image.data;
    if (colour) expect(await joined(image, rgb)).toBe(colour.sha256);
  });
});

describe("what pydicom gives, within the steps by which decoders of lossy streams differ", () => {
  it.each(lossy)("%s", async (path, golden) => {
    const image = await readDicom(bytesOf(`samples/${path}`));
    const means = { stored: 0, minmax8: 0, rgb: 0 };
    for (let frame = 0; frame < image.frames; frame++) {
      means.stored += mean((await image.stored(frame)).samples) / image.frames;
      const { data } = (await image.picture(frame, { window: "min-max" })).image;
      means.minmax8 += mean(data) / image.frames;
      means.rgb += mean(data) / image.frames;
    }
    for (const name of ["stored", "minmax8", "rgb"] as const)
      if (golden[name]) expect(Math.abs(means[name] - golden[name].mean), name).toBeLessThan(1);
  });
});

function mean(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i]!;
  return sum / samples.length;
}

describe("what is refused", () => {
  it.each(refused)("%s", async (path, golden) => {
    expect(golden.expect).toMatch(/^reject/);
    await expect(readDicom(bytesOf(`samples/${path}`)).then((image) => image.picture(0))).rejects.toThrow(
      ProcessorError,
    );
  });
});

import { describe, expect, it } from "vitest";
import { bytesOf, jsonOf, sha256 } from "../../test/helpers.js";
import { type DicomImage, readDicom } from "./image.js";
import type { WindowChoice } from "./window.js";

/** Files of every kind of pixels, made and read by pydicom: see test/python/make_dicom_goldens.py. */
interface Golden {
  shape: number[];
  dtype: string;
  stored: string;
  values?: string;
  rgb?: string;
  windows?: [WindowChoice, string][];
  modalityLut?: boolean;
  voiLuts?: number;
}

const goldens = Object.entries(jsonOf<Record<string, Golden>>("dicom/goldens.json"));

async function joined(image: DicomImage, frameOf: (frame: number) => Promise<ArrayBufferView>): Promise<string> {
  const frames: Uint8Array[] = [];
  for (let frame = 0; frame < image.frames; frame++) {
    const { buffer, byteOffset, byteLength } = await frameOf(frame);
    frames.push(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return sha256(Buffer.concat(frames));
}

const numpyName = (samples: object) => samples.constructor.name.replace("Array", "").toLowerCase();

describe("what pydicom reads from what it wrote", () => {
  it.each(goldens)("%s", async (name, golden) => {
    const image = await readDicom(bytesOf(`dicom/${name}.dcm`));
    const { rows, columns, samples, frames, modalityLut, voiLuts } = image.header;
    expect([...(frames > 1 ? [frames] : []), rows, columns, ...(samples > 1 ? [samples] : [])]).toEqual(golden.shape);
    expect(numpyName((await image.stored(0)).samples)).toBe(golden.dtype);
    expect(await joined(image, async (frame) => (await image.stored(frame)).samples)).toBe(golden.stored);
    expect([modalityLut, voiLuts]).toEqual([golden.modalityLut ?? false, golden.voiLuts ?? 0]);
    if (golden.values) expect(await joined(image, (frame) => image.values(frame))).toBe(golden.values);
    const rgb = async (frame: number, window?: WindowChoice) =>
      (await image.picture(frame, window ? { window } : {})).image.data;
    if (golden.rgb) expect(await joined(image, rgb)).toBe(golden.rgb);
    for (const [window, hash] of golden.windows ?? []) {
      const grey = async (frame: number) => (await rgb(frame, window)).filter((_, i) => i % 3 === 1);
      expect(await joined(image, grey), JSON.stringify(window)).toBe(hash);
    }
  });
});

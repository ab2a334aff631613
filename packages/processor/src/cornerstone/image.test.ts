import { describe, expect, test } from "vitest";
import { loadedFrame } from "../../test/cornerstone.js";
import { bytesOf, codeOf, codeOfAsync, jsonOf, sha256 } from "../../test/helpers.js";
import { type DicomImage, readDicom } from "../dicom/image.js";
import type { WindowChoice } from "../dicom/window.js";
import { type CornerstoneFrame, fromImageId } from "./image.js";
import type { CornerstoneImage } from "./types.js";
import { viewportWindow } from "./window.js";

const { files } = jsonOf<{ files: Record<string, { kind: string; expect: string; transfer_syntax?: string }> }>(
  "samples/goldens.json",
);
const NATIVE = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"];
const samples = Object.entries(files)
  .filter(([, g]) => g.kind === "dicom" && g.expect === "decode" && NATIVE.includes(g.transfer_syntax ?? ""))
  .map(([path]) => path);

async function opened(path: string, options = {}, changed: Partial<CornerstoneImage> = {}) {
  const dicom = await readDicom(bytesOf(`samples/${path}`));
  const { image, provider } = await loadedFrame(dicom, options);
  const frame = await fromImageId("dicom:1", { metaData: provider, load: () => ({ ...image, ...changed }) });
  return { dicom, image, provider, frame };
}

async function expectSame(dicom: DicomImage, frame: CornerstoneFrame, window: WindowChoice): Promise<void> {
  const { image, window: used } = await dicom.picture(0, { window });
  const own = frame.picture({ window });
  expect([own.image.width, own.image.height, own.window]).toEqual([image.width, image.height, used]);
  expect(Buffer.compare(own.image.data, image.data)).toBe(0);
}

/** An image of two grey pixels, and its metadata. */
const tiny = (modules: Record<string, object>, image: Partial<CornerstoneImage> = {}) =>
  fromImageId("any:1", {
    metaData: { get: (type: string) => modules[type] },
    load: async () => ({ rows: 1, columns: 2, getPixelData: () => Uint16Array.of(10, 4000), ...image }),
  });

describe("an image by its id", () => {
  test.each(samples)("%s is what the file itself gives", async (path) => {
    for (const preScale of [true, false]) {
      const { dicom, frame, image } = await opened(path, { preScale });
      const same = (window: WindowChoice) => expectSame(dicom, frame, window);
      expect([frame.width, frame.height]).toEqual([dicom.header.columns, dicom.header.rows]);
      if (frame.colour) {
        await same("file");
        continue;
      }
      expect(frame.rescale).toEqual(dicom.header.rescale);
      // The loader rounds a fractional rescale to float32.
      const rounded = image.getPixelData() instanceof Float32Array;
      const values = await dicom.values(0);
      const off = frame.values().reduce((most, v, i) => Math.max(most, Math.abs(v - values[i]!) / Math.abs(v || 1)), 0);
      expect(off).toBeLessThanOrEqual(rounded ? 2 ** -24 : 0);
      if (rounded) continue;
      await same("file");
      await same({ center: 100, width: 300, function: "SIGMOID" });
      if (dicom.frames === 1) await same("min-max");
    }
  });

  test("its place is that of a volume of one slice", async () => {
    const { frame, dicom } = await opened("dicom/CT_small.dcm");
    const [x, y, z] = dicom.header.position!;
    const [down, across] = dicom.header.spacing!;
    expect(frame.geometry).toMatchObject({
      spacing: [across, down, dicom.header.thickness],
      axcodes: "LPS",
      affine: [
        [-across, 0, 0, -x],
        [0, -down, 0, -y],
        [0, 0, dicom.header.thickness, z],
        [0, 0, 0, 1],
      ].map((row) => row.map((v) => expect.closeTo(v!, 9))),
    });
    expect((await opened("nasty/odd_dims.dcm")).frame.geometry?.spacing.length ?? 3).toBe(3);
    expect((await tiny({ imagePlaneModule: { usingDefaultValues: true } })).geometry).toBeUndefined();
  });

  test("colours lose their alpha, whatever the loader says of it, and are never windowed", async () => {
    const { dicom, frame } = await opened("dicom/examples_palette.dcm", { rgba: true }, { rgba: false } as object);
    const { image, window } = frame.picture({ window: { center: 1, width: 2 } });
    expect(sha256(image.data)).toBe(sha256((await dicom.picture(0)).image.data));
    expect([window, frame.rescale, frame.colour]).toEqual([undefined, undefined, true]);
    expect(await codeOf(() => frame.values())).toBe("dicom-unsupported");
    const wide = Uint16Array.of(0xfff0, 0x0100, 0x00ff, 0, 0x8000, 1);
    const modules = { imagePixelModule: { bitsStored: 16 } };
    const deep = await tiny(modules, { color: true, getPixelData: () => wide });
    expect([...deep.picture().image.data]).toEqual([255, 1, 0, 0, 128, 0]);
    expect(await codeOfAsync(() => tiny({}, { color: true, getPixelData: () => wide }))).toBe("dicom-unsupported");
    expect(await codeOfAsync(() => tiny({}, { color: true }))).toBe("dicom-unsupported");
  });

  test("what a reader sees is inverted or not by the viewport alone, else by the image", async () => {
    const { dicom, frame } = await opened("nasty/mono1.dcm");
    await expectSame(dicom, frame, "file");
    expect(frame.picture().inverted).toBe(true);
    const voiRange = { lower: 0, upper: 1000 };
    const seen = (invert: boolean) => frame.picture({ window: viewportWindow({ voiRange, invert }) });
    expect(sha256(seen(true).image.data)).toBe(sha256(seen(false).image.data.map((v) => 255 - v)));
    const { window, inverted } = seen(true);
    expect([window, inverted]).toMatchObject([{ from: "given", center: 500, width: 1000 }, true]);
    expect((await tiny({}, { invert: true })).picture().inverted).toBe(true);
    expect((await tiny({}, { photometricInterpretation: "MONOCHROME1" })).picture().inverted).toBe(true);
    expect((await tiny({ imagePixelModule: { photometricInterpretation: "MONOCHROME2" } })).picture().inverted).toBe(
      false,
    );
  });

  test("the sign of a signed image is put right, once", async () => {
    const modules = { imagePixelModule: { pixelRepresentation: 1, bitsStored: 12 } };
    expect([...(await tiny(modules)).values()]).toEqual([10, -96]);
    const scaled = { preScale: { scaled: true } };
    expect([...(await tiny(modules, scaled)).values()]).toEqual([10, 4000]);
    const signed = { getPixelData: () => Int16Array.of(10, -96) };
    expect([...(await tiny(modules, signed)).values()]).toEqual([10, -96]);
  });

  test("the metadata's rescale counts before the image's, and a Modality LUT before both", async () => {
    const image = { slope: 3, intercept: 1 };
    expect([...(await tiny({}, image)).values()]).toEqual([31, 12001]);
    const modalityLutModule = { rescaleSlope: "2", rescaleIntercept: ["-1"] };
    expect([...(await tiny({ modalityLutModule }, image)).values()]).toEqual([19, 7999]);
    const modalityLUTSequence = [{ firstValueMapped: 9, numBitsPerEntry: 16, lut: [7, -1, 9] }];
    const mapped = await tiny({ modalityLutModule: { ...modalityLutModule, modalityLUTSequence } });
    expect([[...mapped.values()], mapped.rescale]).toEqual([[65535, 9], "lut"]);
  });

  test("windows and VOI LUTs of the metadata are there to choose from", async () => {
    const voiLUTSequence = [{ firstValueMapped: 10, numBitsPerEntry: 8, lut: [0, 255] }];
    const one = await tiny({ voiLutModule: { windowCenter: "20", windowWidth: 0, voiLUTSequence } });
    expect(await codeOf(() => one.picture({ window: { file: 0 } }))).toBe("dicom-window");
    expect([...one.picture({ window: { lut: 0 } }).image.data]).toEqual([0, 0, 0, 255, 255, 255]);
    const voiLUTFunction = ["SIGMOID"];
    const two = await tiny({ voiLutModule: { windowCenter: [5, 20], windowWidth: [9, 10], voiLUTFunction } });
    expect(two.picture({ window: { file: 1 } }).window).toEqual({
      from: { file: 1 },
      center: 20,
      width: 10,
      function: "SIGMOID",
    });
    expect(two.picture().window).toMatchObject({ center: 5, function: "SIGMOID" });
    const ct = await tiny({ generalSeriesModule: { modality: "CT" } });
    expect(ct.picture({ window: "lung" }).window).toMatchObject({ from: "lung", center: -600 });
    expect(await codeOf(() => two.picture({ window: "lung" }))).toBe("dicom-window");
  });

  test("PET in SUV is not shown by the file's window, which is in other units", async () => {
    const scalingParameters = { suvbw: 0.5, rescaleSlope: 2, rescaleIntercept: 0, modality: "PT" };
    const modules = { voiLutModule: { windowCenter: [5], windowWidth: [9] } };
    const image = { preScale: { scaled: true, scalingParameters }, getPixelData: () => Float32Array.of(0.5, 2) };
    const frame = await tiny(modules, image);
    expect(frame.picture().window).toEqual({ from: "min-max", min: 0.5, max: 2 });
    expect([[...frame.values()], frame.rescale]).toEqual([[0.5, 2], { slope: 1, intercept: 0 }]);
    const dose = await tiny({}, { preScale: { scaled: true, scalingParameters: { doseGridScaling: 0.1 } as object } });
    expect(dose.rescale).toBeUndefined();
  });

  test("what is not there, or not whole, or does not fit, is refused", async () => {
    const nothing = () => fromImageId("any:1", { metaData: () => undefined, load: () => undefined });
    expect(await codeOfAsync(nothing)).toBe("input-not-loaded");
    for (const status of [1, 3, 6])
      expect(await codeOfAsync(() => tiny({}, { imageQualityStatus: status }))).toBe("input-not-loaded");
    for (const status of [7, 8]) expect((await tiny({}, { imageQualityStatus: status })).width).toBe(2);
    for (const wrong of [{ rows: 0 }, { columns: 1.5 }, { columns: 7 }, { getPixelData: () => [1, 2] as never }])
      expect(await codeOfAsync(() => tiny({}, wrong))).toBe("image-shape");
    const limits = { maxPixels: 1 };
    const load = () => ({ rows: 1, columns: 2, getPixelData: () => Uint8Array.of(1, 2) });
    expect(await codeOfAsync(() => fromImageId("any:1", { metaData: () => null, load, limits }))).toBe(
      "image-too-large",
    );
    for (const lut of [[], [1.5], [300], "abc"]) {
      const voiLUTSequence = [{ firstValueMapped: 0, numBitsPerEntry: 8, lut }];
      expect(await codeOfAsync(() => tiny({ voiLutModule: { voiLUTSequence } }))).toBe("dicom-corrupt");
    }
  });
});

describe("a viewport's window", () => {
  const at = (voiRange: { lower: number; upper: number }, rest = {}) => viewportWindow({ voiRange, ...rest });
  /** The grey that a picture of these values shows. */
  const shown = async (values: readonly number[], window: ReturnType<typeof at>) => {
    const getPixelData = () => Float64Array.from(values);
    const frame = await tiny({}, { columns: values.length, getPixelData });
    return [...frame.picture({ window }).image.data].filter((_, i) => i % 3 === 0);
  };

  test("is a straight line from its lower to its upper end", async () => {
    const window = viewportWindow({ getProperties: () => ({ voiRange: { lower: -160, upper: 240 }, invert: false }) });
    expect(window).toEqual({ center: 40, width: 400, function: "LINEAR_EXACT", invert: false });
    const values = [-161, -160, -60, 40, 140, 240, 241];
    const line = values.map((x) => Math.floor(Math.min(1, Math.max(0, (x + 160) / 400)) * 255 + 0.5));
    expect(await shown(values, window)).toEqual(line);
    expect(await shown(values, at({ lower: 240, upper: -160 }))).toEqual(line.map((v) => 255 - v));
  });

  test("of a range of one value is a step", async () => {
    for (const VOILUTFunction of ["LINEAR", "LINEAR_EXACT", undefined])
      expect(await shown([6, 7, 8], at({ lower: 7, upper: 7 }, { VOILUTFunction }))).toEqual([0, 0, 255]);
  });

  test("is the sigmoid that the viewer draws", async () => {
    const window = at({ lower: 0, upper: 99 }, { VOILUTFunction: "SIGMOID" });
    expect(window).toEqual({ center: 50, width: 100, function: "SIGMOID", invert: false });
    // createSigmoidRGBTransferFunction puts y at center - width / 4 * ln((1 - y) / y).
    const values = [0.2, 0.5, 0.8].map((y) => 50 - 25 * Math.log((1 - y) / y));
    expect(await shown(values, window)).toEqual([51, 128, 204]);
  });

  test("is asked for by volume, and there must be one", () => {
    const getProperties = (id?: string) =>
      id === "pet" ? { voiRange: { lower: 0, upper: 5 }, invert: true } : undefined;
    expect(viewportWindow({ getProperties }, "pet")).toMatchObject({ center: 2.5, width: 5, invert: true });
    for (const none of [{ getProperties }, {}, { voiRange: undefined }, { voiRange: { lower: 0, upper: Number.NaN } }])
      expect(() => viewportWindow(none)).toThrow(expect.objectContaining({ code: "dicom-window" }));
  });
});

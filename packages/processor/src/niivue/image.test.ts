import { NVImage } from "@niivue/niivue";
import { describe, expect, test, vi } from "vitest";
import { bytesOf, codeOf, jsonOf } from "../../test/helpers.js";
import { readNifti } from "../volume/nifti.js";
import { reorientRas } from "../volume/reorient.js";
import { volumeFrames } from "../volume/slices.js";
import { fromNVImage, imageWindow, type NiivueImage } from "./image.js";

const { files } = jsonOf<{ files: Record<string, { kind: string; expect: string }> }>("samples/goldens.json");
/** What niivue 0.69 itself does not read: bytes behind the gzip stream, an extension of no known kind. */
const UNREAD = ["nasty/trailing_garbage.nii.gz", "nasty/extension.nii"];
const decoded = Object.entries(files)
  .filter(([path, { kind, expect }]) => kind === "nifti" && expect === "decode" && !UNREAD.includes(path))
  .map(([path]) => path);

async function load(path: string): Promise<NVImage> {
  // It says when a volume lies obliquely.
  vi.spyOn(console, "warn").mockReturnValue();
  const { buffer } = bytesOf(`samples/${path}`);
  return NVImage.loadFromUrl({ url: buffer as ArrayBuffer, name: path.split("/").at(-1)! });
}

describe("a volume that niivue has loaded", () => {
  test.each(decoded)("%s is what the file gives", async (path) => {
    const own = fromNVImage(await load(path));
    const volume = await readNifti(bytesOf(`samples/${path}`), { volumeIndex: 0 });
    expect(own.shape).toEqual(volume.shape);
    const [values, wanted] = [own.values(), volume.values()];
    // niivue leaves the last voxel of whole numbers of 32 and 64 bits at 0.
    if (/u?int(32|64)/.test(path)) wanted[wanted.length - 1] = 0;
    // niivue adds the intercept even where a slope of 0 says that there is no scaling.
    const added = path.includes("slope_zero") ? values[0]! - wanted[0]! : 0;
    expect(values.findIndex((v, i) => !Object.is(v, wanted[i]! + added))).toBe(-1);
    // Without a form niivue lets the first axis run to the right.
    if (!path.includes("noform"))
      expect(own.geometry!.affine).toEqual(volume.geometry!.affine.map((row) => row.map((v) => expect.closeTo(v, 4))));
  });

  test.each(["nasty/slope.nii.gz", "nasty/oblique.nii.gz", "3d/anatomical_be.nii"])(
    "%s, turned to RAS, is what niivue shows at each place",
    async (path) => {
      const image = await load(path);
      const ras = reorientRas(fromNVImage(image));
      expect(ras.shape).toEqual(image.dimsRAS!.slice(1, 4));
      const [nx, ny, nz] = ras.shape;
      for (const [x, y, z] of [
        [0, 0, 0],
        [nx - 1, 0, 2],
        [3, ny - 1, nz - 1],
        [7, 11, 5],
      ] as const)
        expect(ras.plane(2, z).values[x * ny + y]).toBe(image.getValue(x, y, z));
    },
  );

  test("of several dimensions is the volume that is shown, or one by number", async () => {
    const path = "3d/nifti2_4d.nii.gz";
    const image = await load(path);
    const second = await readNifti(bytesOf(`samples/${path}`), { volumeIndex: 1 });
    expect(fromNVImage(image, { frame: 1 }).values()).toEqual(second.values());
    image.frame4D = 1;
    expect(fromNVImage(image).values()).toEqual(second.values());
    for (const frame of [2, -1, 0.5]) expect(codeOf(() => fromNVImage(image, { frame }))).toBe("nifti-volume-index");
  });

  test("of colours gives them", async () => {
    const own = fromNVImage(await load("nasty/rgb24.nii.gz"));
    const volume = await readNifti(bytesOf("samples/nasty/rgb24.nii.gz"));
    expect([own.channels, own.shape]).toEqual([3, volume.shape]);
    expect(own.values()).toEqual(volume.values());
    const rgba = { ...plain, hdr: { ...plain.hdr, datatypeCode: 2304 }, img: Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 9) };
    expect([...fromNVImage(rgba).values()]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("is shown through the brightness that its reader has set", async () => {
    const image = await load("nasty/uint8.nii.gz");
    image.cal_min = 30;
    image.cal_max = 80;
    const { center, width } = imageWindow(image);
    expect([center, width]).toEqual([55, 50]);
    const volume = fromNVImage(image);
    const [frame] = volumeFrames(volume, { rule: "hf", numSlices: 1, window: { center, width } });
    const values = volume.plane(2, 0).values;
    const [low, high] = [values.indexOf(Math.min(...values)), values.indexOf(Math.max(...values))];
    expect([frame!.data[low * 3], frame!.data[high * 3]]).toEqual([0, 255]);
    for (const none of [{}, { cal_min: 1 }, { cal_min: 2, cal_max: 2 }, { cal_min: 0, cal_max: Number.NaN }])
      expect(codeOf(() => imageWindow({ ...plain, ...none }))).toBe("volume-window");
  });
});

const plain = {
  hdr: {
    dims: [3, 2, 1, 0],
    datatypeCode: 4,
    scl_slope: 0,
    scl_inter: Number.NaN,
    affine: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ],
  },
  img: Int16Array.of(5, 6),
} satisfies NiivueImage;

test("what is not there, or does not fit, is refused", () => {
  expect([...fromNVImage(plain).values()]).toEqual([5, 6]);
  const { img, ...rest } = plain;
  for (const none of [rest, { ...plain, hdr: null }]) expect(codeOf(() => fromNVImage(none))).toBe("input-not-loaded");
  expect(codeOf(() => fromNVImage({ ...plain, img: img.subarray(1) }))).toBe("volume-data");
  const wrong = { ...plain.hdr, dims: [3, 1.5, 1, 1] };
  expect(codeOf(() => fromNVImage({ ...plain, hdr: wrong }))).toBe("volume-data");
  expect(codeOf(() => fromNVImage(plain, { limits: { maxPixels: 1 } }))).toBe("volume-data");
});

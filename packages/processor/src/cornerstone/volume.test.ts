import {
  cache,
  type ImageVolume,
  imageLoader,
  metaData,
  type Types,
  utilities,
  volumeLoader,
} from "@cornerstonejs/core";
import { afterEach, describe, expect, test } from "vitest";
import { loadedFrame } from "../../test/cornerstone.js";
import { bytesOf, codeOf } from "../../test/helpers.js";
import { readDicom } from "../dicom/image.js";
import { readSeries } from "../series/series.js";
import { reorientRas } from "../volume/reorient.js";
import type { Volume } from "../volume/volume.js";
import { fromImageId } from "./image.js";
import type { CornerstoneVolume } from "./types.js";
import { fromVolume } from "./volume.js";

const names = ["2062", "2392", "2693", "3023", "3353"].map((name) => `samples/3d/ct_series_tiny/${name}.dcm`);

/** Puts images into the viewer as its own loader does. */
async function shown(paths: readonly string[], options: { preScale?: boolean } = {}): Promise<string[]> {
  const frames = new Map<string, Awaited<ReturnType<typeof loadedFrame>>>();
  for (const path of paths) frames.set(`sample:${path}`, await loadedFrame(await readDicom(bytesOf(path)), options));
  metaData.addProvider((type, imageId) => frames.get(String(imageId))?.provider(type, String(imageId)));
  imageLoader.registerImageLoader("sample", (imageId: string) => ({
    promise: Promise.resolve(viewers(imageId, frames.get(imageId)!)),
  }));
  const ids = [...frames.keys()];
  for (const id of ids) await imageLoader.loadAndCacheImage(id);
  return ids;
}

function viewers(imageId: string, { image }: Awaited<ReturnType<typeof loadedFrame>>): Types.IImage {
  const scalarData = image.getPixelData();
  const { rows: height, columns: width, color } = image;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    scalarData,
    width,
    height,
    numberOfComponents: color ? 3 : 1,
  });
  return {
    ...image,
    imageId,
    voxelManager,
    width,
    height,
    sizeInBytes: scalarData.byteLength,
    dataType: scalarData.constructor.name,
  } as unknown as Types.IImage;
}

const volumeOf = async (ids: string[]): Promise<ImageVolume> =>
  (await volumeLoader.createAndCacheVolumeFromImages("sample:volume", ids)) as ImageVolume;

afterEach(() => {
  cache.purgeCache();
  metaData.removeAllProviders();
});

function expectSame(own: Volume, other: Volume): void {
  const [a, b] = [reorientRas(own), reorientRas(other)];
  expect(a.shape).toEqual(b.shape);
  expect(Buffer.compare(Buffer.from(a.values().buffer), Buffer.from(b.values().buffer))).toBe(0);
  expect(a.geometry!.affine).toEqual(b.geometry!.affine.map((row) => row.map((v) => expect.closeTo(v, 4))));
}

describe("a volume that @cornerstonejs/core has made of a series", () => {
  test.each([true, false])("is what the files give, the rescale applied by its loader: %s", async (preScale) => {
    const [series] = await readSeries(names.map((name) => ({ bytes: async () => bytesOf(name) })));
    const volume = await volumeOf(await shown(names, { preScale }));
    expectSame(fromVolume(volume), await series!.volume());
    // Its voxels are not copied: what is drawn into them is seen.
    volume.voxelManager!.setAtIndex(5, 77 as never);
    expect(fromVolume(volume).values()[5]).toBe(preScale ? 77 : 77 - 1024);
  });

  test("that is not loaded, or loses a slice while it is read, is refused", async () => {
    const ids = await shown(names);
    const volume = await volumeOf(ids);
    const read = fromVolume(volume);
    cache.removeImageLoadObject(volume.imageIds[2]!, { force: true });
    volume.voxelManager!.invalidateCache!();
    expect(codeOf(() => read.plane(2, 2))).toBe("input-not-loaded");
    expect(codeOf(() => fromVolume(volume))).toBe("input-not-loaded");
    expect(read.plane(2, 1).values).toHaveLength(256);
  });

  test("of which a slice is a neighbour's copy is refused", async () => {
    const volume = await volumeOf(await shown(names));
    (cache.getImage(volume.imageIds[1]!) as { imageQualityStatus?: number }).imageQualityStatus = 3;
    expect(codeOf(() => fromVolume(volume))).toBe("input-not-loaded");
  });
});

test("an image of @cornerstonejs/core is read by its id", async () => {
  const [id] = await shown(["samples/dicom/CT_small.dcm"]);
  const dicom = await readDicom(bytesOf("samples/dicom/CT_small.dcm"));
  const load = (imageId: string) => cache.getImage(imageId);
  for (const source of [
    { metaData, load },
    {
      metaData: (type: string, imageId: string): unknown => metaData.get(type, imageId),
      load: imageLoader.loadAndCacheImage,
    },
  ]) {
    const frame = await fromImageId(id!, source);
    const { image } = await dicom.picture(0, { window: "bone" });
    expect(Buffer.compare(frame.picture({ window: "bone" }).image.data, image.data)).toBe(0);
  }
});

test("a colour volume gives its colours, an RGBA one without alpha", () => {
  for (const components of [3, 4]) {
    const scalarData = Uint8Array.from({ length: 2 * components * 2 }, (_, i) => i);
    const voxelManager = utilities.VoxelManager.createScalarVolumeVoxelManager({
      dimensions: [2, 1, 2],
      scalarData,
      numberOfComponents: components,
    });
    const volume = fromVolume({ ...place, voxelManager });
    expect([volume.channels, [...volume.plane(2, 1).values]]).toEqual([
      3,
      [0, 1, 2, components, components + 1, components + 2].map((v) => v + 2 * components),
    ]);
    expect(codeOf(() => fromVolume({ ...place, voxelManager, metadata: { BitsAllocated: 16 } }))).toBe(
      "dicom-unsupported",
    );
  }
});

test("of a 4D volume the moment that is shown is copied", () => {
  let moment = 1;
  const at = (index: number) => moment * 100 + index;
  const voxelManager = {
    getAtIndex: at,
    getCompleteScalarDataArray: () => Float32Array.from({ length: 4 }, (_, i) => at(i)),
  };
  const volume: CornerstoneVolume = { ...place, numDimensionGroups: 3, isPreScaled: true, voxelManager };
  const read = fromVolume(volume);
  moment = 2;
  expect([...read.values()]).toEqual([100, 101, 102, 103]);
  expect(read.geometry?.axcodes).toBe("LPS");
  expect([...fromVolume(volume).values()]).toEqual([200, 201, 202, 203]);
  expect(codeOf(() => fromVolume({ ...volume, isPreScaled: false }))).toBe("dicom-unsupported");
});

test("slices of different rescales, as PET has them, get each its own", () => {
  const image = { rows: 1, columns: 2, intercept: 1, getPixelData: () => new Uint8Array(2) };
  const getCornerstoneImages = () => [
    { ...image, slope: 2 },
    { ...image, slope: 10 },
  ];
  const volume = fromVolume({ ...place, getCornerstoneImages, voxelManager: { getAtIndex: (i: number) => i } });
  expect([...volume.values()]).toEqual([1, 3, 21, 31]);
});

test("what cannot be a volume is refused", () => {
  const voxelManager = { getAtIndex: (i: number) => i };
  expect(codeOf(() => fromVolume(place))).toBe("input-not-loaded");
  expect(codeOf(() => fromVolume({ ...place, dimensions: [2, 1], voxelManager }))).toBe("volume-data");
  expect(codeOf(() => fromVolume({ ...place, voxelManager }, { limits: { maxPixels: 1 } }))).toBe("volume-data");
  expect(codeOf(() => fromVolume({ ...place, spacing: [1, 0, 1], voxelManager }))).toBe("volume-geometry");
  expect(codeOf(() => fromVolume({ ...place, direction: [1, 0, 0], voxelManager }))).toBe("volume-geometry");
});

const place = {
  dimensions: [2, 1, 2],
  spacing: [1, 2, 3],
  direction: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  origin: [0, 0, 0],
};

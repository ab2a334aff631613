import type { Files, Format } from "./format.js";
import { bmpLayout, bmpSeeds } from "./formats/bmp.js";
import { clipLayout, webmSeeds } from "./formats/clip.js";
import { dicomInner, dicomLayout } from "./formats/dicom.js";
import { dicomSeeds, htj2kSeeds, jpeg2000Seeds, jpegDicomSeeds, jpegLsSeeds, rleSeeds } from "./formats/dicom-seeds.js";
import { gifLayout, gifSeeds } from "./formats/gif.js";
import { jpegLayout, jpegSeeds } from "./formats/jpeg.js";
import { anyLayout, mixedSeeds } from "./formats/mixed.js";
import { gzipInner, gzipLayout, gzipSeeds, niftiLayout, niftiSeeds, pairSeeds } from "./formats/nifti.js";
import { pngInner, pngLayout, pngMend, pngSeeds } from "./formats/png.js";
import { riffLayout, riffMend, webpSeeds } from "./formats/riff.js";
import { seriesSeeds } from "./formats/series-seeds.js";
import { textLayout, textSeeds } from "./formats/text.js";
import { tiffLayout, tiffSeeds } from "./formats/tiff.js";
import { readClip, readFolder, readFrames, readInPage, readOpened, readPicture, readVolume } from "./readers.js";

type Made<T> = readonly T[] | Promise<readonly T[]>;

/** Of inputs of one file. */
const one = (name: string, seeds: () => Made<Uint8Array>, rest: Omit<Format, "name" | "seeds">): Format =>
  several(name, async () => (await seeds()).map((bytes) => [bytes]), rest);

/** Seeds are made once. */
function several(name: string, seeds: () => Made<Files>, rest: Omit<Format, "name" | "seeds">): Format {
  let made: Promise<readonly Files[]> | undefined;
  return {
    name,
    seeds: () => {
      made ??= Promise.resolve(seeds());
      return made;
    },
    ...rest,
  };
}

const NIFTI_REFUSES = ["nifti-datatype"];

const dicom = { layout: dicomLayout, inner: dicomInner, read: readFrames };

const single: readonly Format[] = [
  one("png", pngSeeds, { layout: pngLayout, mend: pngMend, inner: pngInner, read: readPicture }),
  one("jpeg", jpegSeeds, { layout: jpegLayout, read: readPicture }),
  one("png-page", pngSeeds, { layout: pngLayout, mend: pngMend, inner: pngInner, read: readInPage }),
  one("jpeg-page", jpegSeeds, { layout: jpegLayout, read: readInPage }),
  one("webp", webpSeeds, { layout: riffLayout, mend: riffMend, read: readPicture }),
  one("gif", gifSeeds, { layout: gifLayout, read: readPicture }),
  one("tiff", tiffSeeds, { layout: tiffLayout, read: readPicture }),
  one("bmp", bmpSeeds, { layout: bmpLayout, read: readPicture }),
  one("nifti", niftiSeeds, { refuses: NIFTI_REFUSES, layout: niftiLayout, read: readVolume }),
  one("nifti-gz", gzipSeeds, { refuses: NIFTI_REFUSES, layout: gzipLayout, inner: gzipInner, read: readVolume }),
  several("nifti-pair", pairSeeds, { refuses: NIFTI_REFUSES, layout: niftiLayout, read: readVolume }),
  one("dicom", dicomSeeds, dicom),
  one("dicom-rle", rleSeeds, dicom),
  one("dicom-jpeg", jpegDicomSeeds, dicom),
  one("dicom-jpegls", jpegLsSeeds, dicom),
  one("dicom-j2k", jpeg2000Seeds, dicom),
  one("dicom-htj2k", htj2kSeeds, dicom),
  several("series", seriesSeeds, { ...dicom, read: readFolder }),
  one("webm", webmSeeds, { layout: clipLayout, read: readClip }),
  one("text", textSeeds, {
    unreadable: true,
    layout: textLayout,
    read: readOpened,
  }),
];

/** By openInput, which is told nothing of what it is given: files of all formats, and parts of one in another. */
const mixed = several("mixed", () => mixedSeeds(single.filter(({ unreadable }) => !unreadable)), {
  // What decodes clips in Node is another program.
  refuses: ["video-decoder-missing"],
  layout: anyLayout,
  read: readOpened,
});

export const formats: readonly Format[] = [...single, mixed];

import { sniffInput } from "@hulu/processor";
import type { Files, Format } from "../format.js";
import type { Layout } from "../layout.js";
import { bmpLayout } from "./bmp.js";
import { clipLayout } from "./clip.js";
import { dicomLayout } from "./dicom.js";
import { gifLayout } from "./gif.js";
import { jpegLayout } from "./jpeg.js";
import { gzipLayout, niftiLayout } from "./nifti.js";
import { pngLayout } from "./png.js";
import { riffLayout } from "./riff.js";
import { textLayout } from "./text.js";
import { tiffLayout } from "./tiff.js";

/** A few of each format's. */
export async function mixedSeeds(formats: readonly Format[]): Promise<readonly Files[]> {
  const seeds = await Promise.all(formats.map((format) => format.seeds()));
  return seeds.flatMap((all) => [0, 1, 2, 3].map((i) => all[Math.floor((i * all.length) / 4)]!));
}

/** The layout of whatever it is. */
export function anyLayout(bytes: Uint8Array): Layout {
  switch (sniffInput(bytes)) {
    case "png":
      return pngLayout(bytes);
    case "jpeg":
      return jpegLayout(bytes);
    case "gif":
      return gifLayout(bytes);
    case "tiff":
      return tiffLayout(bytes);
    case "bmp":
      return bmpLayout(bytes);
    case "webp":
      return riffLayout(bytes);
    case "avi":
    case "mp4":
    case "matroska":
      return clipLayout(bytes);
    case "nifti":
      return bytes[0] === 0x1f ? gzipLayout(bytes) : niftiLayout(bytes);
    case "dicom":
      return dicomLayout(bytes);
    default:
      return textLayout(bytes);
  }
}
